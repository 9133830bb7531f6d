package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hostperm/remote/fastlane"
	"hostperm/remote/remotetest"
)

func mustWalk(t testing.TB, f *fake, o WalkOptions) *seen {
	t.Helper()
	s, err := walkAll(t, f.client(t), "/r", o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func paths(s *seen) string { return strings.Join(slices.Sorted(maps.Keys(s.entries)), " ") }

func TestWalk(t *testing.T) {
	link := &node{name: "link", attr: attrOf(fastlane.TypeSymlink | 0o777), kids: []*node{file("never")}}
	fifo := &node{name: "fifo", attr: attrOf(fastlane.TypeFIFO | 0o666)}
	f := newFake(dir("r", file("a"), dir("d", file(".hidden"), dir("e", file("x")), link), fifo, dir("empty")))
	f.dots = true
	f.perReply = 2
	p := &Progress{}
	s := mustWalk(t, f, WalkOptions{Progress: p})
	if got, want := paths(s), ". a d d/.hidden d/e d/e/x d/link empty fifo"; got != want {
		t.Errorf("visited %s, want %s", got, want)
	}
	if s.order[0] != "." || len(s.gaps) > 0 || len(s.twice) > 0 {
		t.Errorf("order %v, gaps %v, twice %v", s.order, s.gaps, s.twice)
	}
	if p.Listed.Load() != 4 || p.Waiting.Load() != 0 || p.Entries.Load() != 9 {
		t.Errorf("progress: %d listed, %d waiting, %d entries", p.Listed.Load(), p.Waiting.Load(), p.Entries.Load())
	}
	if f.counted(pktOpendir) != 4 || f.counted(pktLstat) != 1 || f.counted(pktReadlink) != 1 {
		t.Errorf("%v requests", f.count)
	}
}

// TestWalkDoesNotDescend has the visitor turn a directory down.
func TestWalkDoesNotDescend(t *testing.T) {
	f := newFake(dir("r", dir("no", file("x")), dir("yes", file("y"))))
	var got []string
	err := f.client(t).Walk(t.Context(), "/r", Visitor{
		Entry: func(up *Dir, e *Entry) bool {
			got = append(got, string(e.Name))
			return string(e.Name) != "no"
		},
		Gap: func(string, error) { t.Error("a gap") },
	}, WalkOptions{})
	if slices.Sort(got); err != nil || !slices.Equal(got, []string{".", "no", "y", "yes"}) {
		t.Errorf("visited %q, error %v", got, err)
	}
}

// TestWalkTree compares a walk over the embedded server's SFTP with what the
// file system says itself, for random trees and small and large windows.
func TestWalkTree(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		top := t.TempDir()
		growTree(t, rnd, top, 4)
		want := make(map[string]uint32)
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			rel, _ := filepath.Rel(top, path)
			want[filepath.ToSlash(rel)] = uint32(info.Mode().Perm())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		c := serveDir(t, remotetest.Config{Dir: top})
		for _, window := range []int{1, 3, 0} {
			s, err := walkAll(t, c, filepath.ToSlash(top), WalkOptions{Window: window})
			if err != nil || len(s.gaps) > 0 || len(s.twice) > 0 {
				t.Fatalf("seed %d: error %v, gaps %v, twice %v", seed, err, s.gaps, s.twice)
			}
			for path, perm := range want {
				if a, ok := s.entries[path]; !ok || uint32(a.Perm())&0o777 != perm {
					t.Errorf("seed %d: %q is %04o (seen: %v), want %04o", seed, path, a.Perm(), ok, perm)
				}
			}
			if len(s.entries) != len(want) {
				t.Errorf("seed %d: %d entries, want %d", seed, len(s.entries), len(want))
			}
		}
	}
}

// growTree fills a directory with files, symlinks and directories of names
// that need care.
func growTree(t *testing.T, rnd *rand.Rand, top string, depth int) {
	t.Helper()
	names := []string{".hidden", "a b", "\xff\xfe", "new\nline", "-rf", "*", "ünï", "\x1b[31m"}
	for i := range rnd.IntN(12) {
		p := filepath.Join(top, fmt.Sprintf("%s%d", names[rnd.IntN(len(names))], i))
		var err error
		switch k := rnd.IntN(6); {
		case k == 0:
			err = os.Symlink([]string{"/", ".", "nowhere"}[rnd.IntN(3)], p)
		case k < 3 && depth > 0:
			if err = os.Mkdir(p, 0o755); err == nil {
				growTree(t, rnd, p, depth-1)
			}
		default:
			if err = os.WriteFile(p, nil, 0o600); err == nil {
				err = os.Chmod(p, fs.FileMode(rnd.IntN(0o1000)))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWalkFrom(t *testing.T) {
	link := &node{name: "link", attr: attrOf(fastlane.TypeSymlink | 0o777)}
	tree := func() *fake {
		return newFake(dir("r", file("top"), link,
			dir("a", file("a1"), dir("b", file("b1"), dir("c", file("c1")))),
			dir("z", dir("y", file("y1")))))
	}
	tests := []struct {
		from  string
		seen  string
		above string
		gaps  string
	}{
		{".", ". a a/a1 a/b a/b/b1 a/b/c a/b/c/c1 link top z z/y z/y/y1", "", ""},
		{"a/b", ". a a/b a/b/b1 a/b/c a/b/c/c1", ". a", ""},
		{"a/b/c z/y", ". a a/b a/b/c a/b/c/c1 z z/y z/y/y1", ". a a/b z", ""},
		{"a/b a/b/c a/b", ". a a/b a/b/b1 a/b/c a/b/c/c1", ". a", ""},
		{"link/x/y z", ". z z/y z/y/y1", ".", "link"},
		{"nowhere/x z/y", ". z z/y z/y/y1", ". z", "nowhere"},
		{"top", ".", ".", "top"},
		{"a . z", ". a a/a1 a/b a/b/b1 a/b/c a/b/c/c1 link top z z/y z/y/y1", "", ""},
	}
	for _, test := range tests {
		s := mustWalk(t, tree(), WalkOptions{From: strings.Fields(test.from)})
		above := strings.Join(slices.Sorted(maps.Keys(s.above)), " ")
		gaps := strings.Join(slices.Sorted(maps.Keys(s.gaps)), " ")
		if paths(s) != test.seen || above != test.above || gaps != test.gaps || len(s.twice) > 0 {
			t.Errorf("from %q: visited %q above %q gaps %q, want %+v", test.from, paths(s), above, gaps, test)
		}
	}
	for _, bad := range []string{"", "/a", "..", "a/../b", "a/", "a\x00"} {
		if _, err := walkAll(t, tree().client(t), "/r", WalkOptions{From: []string{bad}}); err == nil {
			t.Errorf("a walk from %q began", bad)
		}
	}
}

func TestWalkRoot(t *testing.T) {
	tests := []struct {
		name string
		root *node
		code uint32
		is   error
	}{
		{"a file", file("r"), 0, ErrNotDir},
		{"a symlink", &node{attr: attrOf(fastlane.TypeSymlink | 0o777)}, 0, ErrNotDir},
		{"missing", dir("r"), codeNoFile, ErrNotExist},
		{"denied", dir("r"), codeDenied, ErrPermission},
	}
	for _, test := range tests {
		f := newFake(test.root)
		f.hook = func(r fakeReq) []byte {
			if test.code != 0 && r.kind == pktLstat {
				return status(r.id, test.code)
			}
			return nil
		}
		s, err := walkAll(t, f.client(t), "/r", WalkOptions{})
		if !errors.Is(err, test.is) || len(s.entries) > 0 {
			t.Errorf("%s: error %v, %d entries", test.name, err, len(s.entries))
		}
	}
	f := newFake(&node{kids: []*node{file("x")}})
	if s := mustWalk(t, f, WalkOptions{}); paths(s) != ". x" || len(s.gaps) > 0 {
		t.Errorf("a root of unknown type: visited %q, gaps %v", paths(s), s.gaps)
	}
}

// TestWalkRoundTrips pins what a walk waits for: two READDIRs go out with each
// handle, and a directory is opened before the listing above it has ended.
func TestWalkRoundTrips(t *testing.T) {
	top := dir("r")
	for n, i := top, 0; i < 30; i++ {
		d := dir("d")
		n.kids = []*node{d}
		n = d
	}
	f := newFake(top)
	held := make(map[string][][]byte)
	opened := make(map[string]bool)
	// The server answers the first READDIR only when the second has come, and
	// the second, which finds the end, only when the child has been opened: a
	// walk that waits for either is stuck, and the test's deadline ends it.
	f.hook = func(r fakeReq) []byte {
		switch r.kind {
		case pktOpendir:
			opened[r.path] = true
			above := strings.TrimSuffix(r.path, "/d")
			reply := f.serveOne(r)
			for _, b := range held[above] {
				reply = append(reply, b...)
			}
			delete(held, above)
			return reply
		case pktReaddir:
			reply := f.serveOne(r)
			if r.nth == 0 {
				held[r.path] = append(held[r.path], reply)
				return []byte{}
			}
			first := held[r.path]
			delete(held, r.path)
			if f.find(r.path).kids != nil && !opened[r.path+"/d"] {
				held[r.path] = [][]byte{reply}
				return first[0]
			}
			return append(first[0], reply...)
		}
		return nil
	}
	c := f.client(t)
	s, err := walkAll(t, c, "/r", WalkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// CLOSE is not waited for: the server has seen all of them once it has
	// answered something sent afterwards.
	if err := c.Lstat(t.Context(), "/r", []string{"."}, func(int, Attr, error) {}); err != nil {
		t.Fatal(err)
	}
	if len(s.entries) != 31 || f.counted(pktReaddir) != 2*31 || f.counted(pktClose) != 31 {
		t.Errorf("%d entries with %v", len(s.entries), f.count)
	}
}

// TestWalkReadsAhead counts READDIRs outstanding on one large directory: few
// at first, many later, and no more than are needed by much.
func TestWalkReadsAhead(t *testing.T) {
	top := dir("r")
	for i := range 20000 {
		top.kids = append(top.kids, file(fmt.Sprint(i)))
	}
	f := newFake(top)
	s := mustWalk(t, f, WalkOptions{})
	if n := f.counted(pktReaddir); len(s.entries) != 20001 || n < 201 || n > 201+maxReads {
		t.Errorf("%d entries with %d READDIRs", len(s.entries), n)
	}
}
