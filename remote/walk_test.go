package remote

import (
	"context"
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

// TestWalkFaults has the server deny, fail and lie at single places: each is
// one gap that says what happened, and all the rest is seen.
func TestWalkFaults(t *testing.T) {
	on := func(kind byte, path string, nth int, reply func(id uint32) []byte) func(fakeReq) []byte {
		return func(r fakeReq) []byte {
			if r.kind == kind && r.path == path && r.nth >= nth {
				return reply(r.id)
			}
			return nil
		}
	}
	code := func(c uint32) func(uint32) []byte { return func(id uint32) []byte { return status(id, c) } }
	once := func(kids ...*node) func(fakeReq) []byte {
		return func(r fakeReq) []byte {
			if r.kind == pktReaddir && r.path == "/r/d" && r.nth == 0 {
				return nameReply(r.id, kids...)
			}
			return nil
		}
	}
	behind := func(reply func(id uint32) []byte) func(fakeReq) []byte {
		return func(r fakeReq) []byte {
			switch {
			case r.kind != pktReaddir || r.path != "/r/d":
				return nil
			case r.nth == 0:
				return status(r.id, codeEOF)
			}
			return reply(r.id)
		}
	}
	unknown := &node{name: "mystery"}
	tests := []struct {
		name string
		hook func(fakeReq) []byte
		gap  string // path of the only gap; "": none
		why  string
		lost string // entries of the tree not seen
	}{
		{"denied", on(pktOpendir, "/r/d", 0, code(codeDenied)), "d", "permission denied", "d/1 d/2 d/3"},
		{"gone", on(pktOpendir, "/r/d", 0, code(codeNoFile)), "d", "no such file", "d/1 d/2 d/3"},
		{"fails always", on(pktOpendir, "/r/d", 0, code(codeFailure)), "d", "failure", "d/1 d/2 d/3"},
		{"root fails", on(pktOpendir, "/r", 0, code(codeFailure)), ".", "failure", "d d/1 d/2 d/3 e e/f"},
		{"midway", on(pktReaddir, "/r/d", 1, code(codeFailure)), "d", "listed in part only: failure", "d/2 d/3"},
		{"failure behind the end", behind(code(codeFailure)), "", "", "d/1 d/2 d/3"},
		{"names behind the end", behind(func(id uint32) []byte { return nameReply(id, file("1")) }), "d", "went on listing", "d/1 d/2 d/3"},
		{"empty and not searchable", func(r fakeReq) []byte {
			switch {
			case r.kind == pktReaddir && r.path == "/r/d":
				return status(r.id, codeEOF)
			case r.kind == pktLstat && r.path == "/r/d/.":
				return status(r.id, codeDenied)
			}
			return nil
		}, "d", "it can be read and not searched: permission denied", "d/1 d/2 d/3"},
		{"empty name", once(file("")), "d", `the server listed "": an empty name`, ""},
		{"slash", once(file("../x")), "d", `listed "../x": a name with a slash`, ""},
		{"NUL", once(file("x\x00y")), "d", `listed "x\x00y": a name with a NUL`, ""},
		{"escape in a bad name", once(file("\x1b]0;/")), "d", `listed "\x1b]0;/": a name`, ""},
		{"long name", once(file(strings.Repeat("n", 1025))), "d", "a name of 1025 bytes", ""},
		{"dots", once(dir("."), dir("..")), "", "", ""},
		{"dots twice", once(dir("."), dir("..")), "", "", ""},
		{"two dots each", once(dir("."), dir(".")), "d", `listed ".": more than once`, ""},
		{"two parents", once(dir(".."), dir(".."), dir(".")), "d", `listed "..": more than once`, ""},
		{"many bad names", once(slices.Repeat([]*node{file("a/b")}, 50)...), "d", "listed 40 more names that cannot be", ""},
		{"no entries in a reply", once(), "", "", ""},
		{"type unknown", once(unknown), "d/mystery", "does not say what it is", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(dir("r", dir("e", file("f")), dir("d", file("1"), file("2"), file("3"))))
			f.perReply = 1
			f.hook = test.hook
			s := mustWalk(t, f, WalkOptions{})
			for path := range strings.FieldsSeq(". d d/1 d/2 d/3 e e/f") {
				_, ok := s.entries[path]
				if want := !slices.Contains(strings.Fields(test.lost), path); ok != want {
					t.Errorf("%q seen: %v, want %v", path, ok, want)
				}
			}
			if len(s.twice) > 0 {
				t.Errorf("seen twice: %v", s.twice)
			}
			if test.gap == "" && len(s.gaps) > 0 || test.gap != "" && (len(s.gaps) != 1 || !strings.Contains(s.gaps[test.gap], test.why)) {
				t.Errorf("gaps %q, want one at %q with %q", s.gaps, test.gap, test.why)
			}
		})
	}
}

// TestWalkWithoutModes has the listing leave out the mode: LSTAT is asked, and
// believed.
func TestWalkWithoutModes(t *testing.T) {
	f := newFake(dir("r", dir("d", file("x"), file("y")), file("gone")))
	f.hook = func(r fakeReq) []byte {
		switch {
		case r.kind == pktLstat && r.path == "/r/gone":
			return status(r.id, codeNoFile)
		case r.kind != pktReaddir || r.nth > 0:
			return nil
		}
		var kids []*node
		for _, k := range f.find(r.path).kids {
			kids = append(kids, &node{name: k.name, attr: Attr{Flags: fastlane.AttrSize}})
		}
		f.handles[r.arg].pos = len(kids)
		return nameReply(r.id, kids...)
	}
	s := mustWalk(t, f, WalkOptions{})
	if got, want := paths(s), ". d d/x d/y gone"; got != want {
		t.Errorf("visited %s, want %s", got, want)
	}
	if a := s.entries["d/x"]; a.Perm() != 0o644 {
		t.Errorf("d/x is %+v", a)
	}
	if a := s.entries["gone"]; a.HasMode() || len(s.gaps) != 1 || !strings.Contains(s.gaps["gone"], "no such file") {
		t.Errorf("gone is %+v; gaps %q", a, s.gaps)
	}
}

// TestWalkOutOfHandles walks servers that can hold few handles open: nothing
// is lost, and no directory is called a gap.
func TestWalkOutOfHandles(t *testing.T) {
	for _, limit := range []int{1, 2, 8, 63} {
		top := dir("r")
		total := 1
		for i := range 40 {
			d := dir(fmt.Sprint("d", i), file("x"))
			for j := range 20 {
				d.kids = append(d.kids, dir(fmt.Sprint("e", j), file("y")))
			}
			top.kids = append(top.kids, d)
			total += 2 + 40
		}
		f := newFake(top)
		f.maxHandles = limit
		s := mustWalk(t, f, WalkOptions{})
		if len(s.entries) != total || len(s.gaps) > 0 || len(s.twice) > 0 {
			t.Errorf("limit %d: %d of %d entries, gaps %v, twice %v", limit, len(s.entries), total, s.gaps, s.twice)
		}
		// Handles used to the full, and refusals a small share.
		if opens := f.counted(pktOpendir); f.peak != limit || opens > 841+841/4+200 {
			t.Errorf("limit %d: %d handles at most, %d OPENDIRs for 841 directories", limit, f.peak, opens)
		}
	}
}

// TestWalkRealFailures has many directories fail without a reason, on a server
// with handles enough: each is a gap, and the window is as it was.
func TestWalkRealFailures(t *testing.T) {
	top := dir("r")
	for i := range 500 {
		top.kids = append(top.kids, dir(fmt.Sprint("d", i), file("x")))
	}
	f := newFake(top)
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktOpendir && strings.HasSuffix(r.path, "7") {
			return status(r.id, codeFailure)
		}
		return nil
	}
	w := newWalker("/r", Visitor{}, WalkOptions{})
	s, err := walkWith(t, WalkOptions{}, func(v Visitor, _ WalkOptions) error {
		w.visitor = v
		return f.client(t).run(t.Context(), &w.operation, func(s *fastlane.Session) {
			w.s = s
			w.begin([]string{"."})
		})
	})
	if err != nil || len(s.gaps) != 50 || len(s.entries) != 1+500+450 {
		t.Errorf("error %v, %d gaps, %d entries", err, len(s.gaps), len(s.entries))
	}
	if w.window != w.maxWindow {
		t.Errorf("the window ended at %d, not %d", w.window, w.maxWindow)
	}
}

// walkLimited walks with limits that a test can reach.
func walkLimited(t *testing.T, f *fake, window int, l limits) (*seen, error) {
	t.Helper()
	return walkWith(t, WalkOptions{}, func(v Visitor, _ WalkOptions) error {
		w := newWalker("/r", v, WalkOptions{Window: window})
		w.limits = l
		return f.client(t).run(t.Context(), &w.operation, func(s *fastlane.Session) {
			w.s = s
			w.begin([]string{"."})
		})
	})
}

// TestWalkEndless has listings that never end: they are cut off, with a gap.
func TestWalkEndless(t *testing.T) {
	tests := []struct {
		name  string
		entry func(i int) *node
		why   string
	}{
		{"one name", func(int) *node { return file("x") }, "repeats itself"},
		{"a circle of 1000", func(i int) *node { return file(fmt.Sprint(i % 1000)) }, "repeats itself"},
		{"a circle after 500", func(i int) *node { return file(fmt.Sprint(max(i, 500+i%77))) }, "more than 20000 entries"},
		{"a circle of directories", func(i int) *node { return dir(fmt.Sprint(i % 30)) }, "repeats itself"},
		{"ever new names", func(i int) *node { return file(fmt.Sprint(i)) }, "more than 20000 entries"},
		{"dots", func(int) *node { return dir(".") }, "more than 20000 entries"},
		{"bad names", func(int) *node { return file("a/b") }, "more than 20000 entries"},
	}
	tests[2].entry = func(i int) *node {
		if i < 500 {
			return file(fmt.Sprint("head", i))
		}
		return file(fmt.Sprint(i % 77))
	}
	tests[2].why = "repeats itself"
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(dir("r", dir("d", file("x"))))
			n := 0
			f.hook = func(r fakeReq) []byte {
				if r.kind != pktReaddir || r.path != "/r/d" {
					return nil
				}
				var kids []*node
				for range 50 {
					kids = append(kids, test.entry(n))
					n++
				}
				return nameReply(r.id, kids...)
			}
			l := defaultLimits
			l.listing = 20000
			s, err := walkLimited(t, f, 0, l)
			if err != nil || !strings.Contains(s.gaps["d"], test.why) {
				t.Errorf("error %v, gaps %.200q, want %q", err, s.gaps, test.why)
			}
			if n > 20000+50*(maxReads+1) {
				t.Errorf("%d entries were taken", n)
			}
		})
	}
	t.Run("replies without entries", func(t *testing.T) {
		f := newFake(dir("r"))
		f.hook = func(r fakeReq) []byte {
			if r.kind == pktReaddir {
				return nameReply(r.id)
			}
			return nil
		}
		l := defaultLimits
		l.listing = 1000
		s, err := walkLimited(t, f, 0, l)
		if err != nil || !strings.Contains(s.gaps["."], "more than 1000 entries") {
			t.Errorf("error %v, gaps %q", err, s.gaps)
		}
	})
}

// TestWalkDeep has a server whose every directory holds another: the walk ends
// where paths are too long, with one gap.
func TestWalkDeep(t *testing.T) {
	f := newFake(dir("r"))
	f.hook = func(r fakeReq) []byte {
		switch {
		case r.kind == pktOpendir:
			f.handles[r.path] = &fakeHandle{path: r.path, node: f.top}
			return fakePacket(pktHandle, r.id, str(nil, fmt.Sprint(len(r.path))))
		case r.kind == pktReaddir:
			return nameReply(r.id, dir("d"))
		}
		return nil
	}
	served := make(map[string]int)
	inner := f.hook
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktReaddir {
			if served[r.arg]++; served[r.arg] > 1 {
				return status(r.id, codeEOF)
			}
		}
		return inner(r)
	}
	s := mustWalk(t, f, WalkOptions{})
	if len(s.gaps) != 1 || len(s.entries) < 2000 || len(s.entries) > 2100 {
		t.Errorf("%d entries, %d gaps", len(s.entries), len(s.gaps))
	}
	for path, why := range s.gaps {
		if len(path) <= maxPath-3 || len(path) > maxPath+10 || !strings.Contains(why, "longer than 4095 bytes") {
			t.Errorf("gap at a path of %d bytes: %s", len(path), why)
		}
	}
}

// TestWalkPauses has many directories in wide ones: listings pause while too
// many wait, and all are seen in the end.
func TestWalkPauses(t *testing.T) {
	for _, window := range []int{1, 2, 8} {
		top := dir("r")
		for i := range 20 {
			d := dir(fmt.Sprint("d", i))
			for j := range 200 {
				d.kids = append(d.kids, dir(fmt.Sprint("e", j)))
			}
			top.kids = append(top.kids, d)
		}
		f := newFake(top)
		f.perReply = 5
		l := defaultLimits
		l.waiting = 50
		most := 0
		p := &Progress{}
		s, err := walkWith(t, WalkOptions{}, func(v Visitor, _ WalkOptions) error {
			inner := v.Entry
			v.Entry = func(up *Dir, e *Entry) bool {
				most = max(most, int(p.Waiting.Load()))
				return inner(up, e)
			}
			w := newWalker("/r", v, WalkOptions{Window: window, Progress: p})
			w.limits = l
			return f.client(t).run(t.Context(), &w.operation, func(s *fastlane.Session) {
				w.s = s
				w.begin([]string{"."})
			})
		})
		if err != nil || len(s.entries) != 1+20+4000 || len(s.gaps) > 0 || len(s.twice) > 0 {
			t.Errorf("window %d: error %v, %d entries, gaps %v", window, err, len(s.entries), s.gaps)
		}
		if window == 8 && most > 1200 {
			t.Errorf("window %d: %d directories waited", window, most)
		}
	}
}

func TestWalkTooManyWaiting(t *testing.T) {
	top := dir("r")
	for i := range 500 {
		top.kids = append(top.kids, dir(fmt.Sprint(i)))
	}
	l := defaultLimits
	l.fatal = 99
	_, err := walkLimited(t, newFake(top), 1, l)
	if err == nil || !strings.Contains(err.Error(), "more than 99 directories wait") {
		t.Errorf("error %v", err)
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

func TestWalkLost(t *testing.T) {
	top := dir("r")
	for i := range 30 {
		top.kids = append(top.kids, dir(fmt.Sprint(i), file("x")))
	}
	for n := 1; n < 150; n += 7 {
		f := newFake(top)
		left := n
		f.hook = func(r fakeReq) []byte {
			if r.kind == pktClose { // is not waited for
				return nil
			}
			if left--; left < 0 {
				for _, c := range f.conns {
					c.Close()
				}
			}
			return nil
		}
		c := f.client(t)
		_, err := walkAll(t, c, "/r", WalkOptions{})
		c.Close()
		f.group.Wait()
		if (left < 0) != (err != nil) || err != nil && !errors.Is(err, ErrDisconnected) {
			t.Errorf("cut after %d requests: error %v", n, err)
		}
	}
}

func TestWalkProtocolError(t *testing.T) {
	f := newFake(dir("r", dir("d")))
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktReaddir {
			return nameReply(r.id+99, file("x"))
		}
		return nil
	}
	_, err := walkAll(t, f.client(t), "/r", WalkOptions{})
	if !errors.Is(err, fastlane.ErrProtocol) || errors.Is(err, ErrDisconnected) {
		t.Errorf("error %v", err)
	}
}

// TestWalkCancelled has a server that stops answering: a cancelled context
// ends the walk, and no callback comes afterwards.
func TestWalkCancelled(t *testing.T) {
	for _, kind := range []byte{pktLstat, pktOpendir, pktReaddir} {
		f := newFake(dir("r", dir("d")))
		ctx, cancel := context.WithCancel(t.Context())
		f.hook = func(r fakeReq) []byte {
			if r.kind == kind {
				cancel()
				return []byte{}
			}
			return nil
		}
		c := f.client(t)
		err := c.Walk(ctx, "/r", Visitor{
			Entry: func(*Dir, *Entry) bool { return true },
			Gap:   func(string, error) { t.Error("a gap") },
		}, WalkOptions{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stalled at %d: error %v", kind, err)
		}
		if err := c.Walk(t.Context(), "/r", Visitor{}, WalkOptions{}); !errors.Is(err, ErrDisconnected) {
			t.Errorf("a walk on a closed connection: error %v", err)
		}
	}
}
