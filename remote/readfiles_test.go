package remote

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hostperm/remote/fastlane"
	"hostperm/remote/remotetest/realserver"
)

// TestReadFile reads files of all sizes about those of a piece, from servers
// that send a whole piece or a few bytes at a time, and whose handles can be
// foreseen, seem to be, or not.
func TestReadFile(t *testing.T) {
	gives := map[string]func(*fakeSession) string{"as OpenSSH": lifo, "the lowest free": lowest, "as ProFTPD": nil}
	for _, size := range []int{0, 1, readPiece - 1, readPiece, readPiece + 1, 5*readPiece + 7} {
		for _, most := range []int{0, 9999} {
			for name, give := range gives {
				testReadFile(t, fmt.Sprintf("%d bytes, %d at a time, handles %s", size, most, name), size, most, give)
			}
		}
	}
}

func testReadFile(t *testing.T, name string, size, most int, give func(*fakeSession) string) {
	text := strings.Repeat("0123456789abcde\n", size/16+1)[:size]
	f := newFake(dir("r", textFile("f", text), textFile("g", text)))
	f.give = give
	f.hook = func(r fakeReq) []byte {
		if n := binary.BigEndian.Uint32(append(r.rest, make([]byte, 12)...)[8:]); r.kind == pktRead && most > 0 && n > uint32(most) {
			binary.BigEndian.PutUint32(r.rest[8:], uint32(most))
		}
		return nil
	}
	c := f.client(t)
	for range 2 { // the first shows what the handles look like
		contents := make([]string, 3)
		must(t, c.ReadFiles(t.Context(), size, []string{"/r/f", "/r/none", "/r/g"}, func(i int, b []byte, err error) {
			if (err == nil) != (i != 1) {
				t.Errorf("%s: file %d: %v", name, i, err)
			}
			contents[i] = string(b)
		}))
		if contents[0] != text || contents[2] != text {
			t.Errorf("%s: %d and %d bytes", name, len(contents[0]), len(contents[2]))
		}
	}
	must(t, c.Lstat(t.Context(), "/r", []string{"."}, func(int, Attr, error) {}))
	f.between(func() {
		if f.count[pktClose] != f.count[pktOpen] {
			t.Errorf("%s: %d files opened, %d closed", name, f.count[pktOpen], f.count[pktClose])
		}
	})
	if size == 0 {
		return
	}
	opened := f.counted(pktOpen)
	if _, err := c.ReadFile(t.Context(), "/r/f", size-1); !errors.Is(err, ErrTooLarge) || f.counted(pktOpen) > opened {
		t.Errorf("%s: are one too many: error %v", name, err)
	}
}

// TestReadFileTrips: where handles can be foreseen, a small file takes two round
// trips, and else four.
func TestReadFileTrips(t *testing.T) {
	for want, give := range map[int]func(*fakeSession) string{2: lifo, 4: nil} {
		f := newFake(dir("r", textFile("f", "text")))
		f.give = give
		c := f.client(t)
		_, err := c.ReadFile(t.Context(), "/r/f", 10)
		must(t, err)
		trips := 0
		f.between(func() {
			last := -1
			f.hook = func(r fakeReq) []byte {
				if r.kind != pktClose && r.in.fills != last {
					trips, last = trips+1, r.in.fills
				}
				return nil
			}
		})
		content, err := c.ReadFile(t.Context(), "/r/f", 10)
		must(t, err)
		if string(content) != "text" || trips != want {
			t.Errorf("%q in %d round trips, want %d", content, trips, want)
		}
	}
}

// TestReadFileRefuse has what is no regular file, or another than it was.
func TestReadFileRefuse(t *testing.T) {
	for name, test := range map[string]struct {
		path  string
		hook  func(*fake, fakeReq) []byte
		is    error
		why   string
		opens int
	}{
		"none":        {path: "/r/none", is: ErrNotExist},
		"relative":    {path: "f", why: "no absolute path"},
		"NUL":         {path: "/r/f\x00", why: "no absolute path"},
		"directory":   {path: "/r", why: "it is a directory"},
		"FIFO":        {path: "/r/fifo", why: "it is a FIFO"},
		"symlink":     {path: "/r/link", why: "it is a symlink"},
		"no size":     {path: "/r/dark", why: "does not tell its size"},
		"denied":      {path: "/r/f", hook: deny(pktOpen, codeDenied), is: ErrPermission, opens: 1},
		"no FSTAT":    {path: "/r/f", hook: deny(pktFstat, codeFailure), is: fastlane.ErrFailure, opens: 1},
		"no READ":     {path: "/r/f", hook: deny(pktRead, codeFailure), is: fastlane.ErrFailure, opens: 1},
		"became less": {path: "/r/f", hook: deny(pktRead, codeEOF), why: "became shorter", opens: 1},
		"nothing": {path: "/r/f", hook: func(_ *fake, r fakeReq) []byte {
			if r.kind == pktRead {
				return fakePacket(pktData, r.id, str(nil, ""))
			}
			return nil
		}, why: "sends nothing", opens: 1},
		"grew": {path: "/r/f", hook: func(f *fake, r fakeReq) []byte {
			if r.kind == pktOpen {
				f.find("/r/f").attr.Size = 1 << 62
			}
			return nil
		}, why: "swapped", opens: 1},
	} {
		t.Run(name, func(t *testing.T) {
			fifo, link, dark := file("fifo"), file("link"), file("dark")
			fifo.attr.Mode, link.attr.Mode = fastlane.TypeFIFO|0o644, fastlane.TypeSymlink|0o777
			dark.attr.Flags = fastlane.AttrPermissions
			f := newFake(dir("r", textFile("f", "text"), fifo, link, dark))
			if test.hook != nil {
				f.hook = func(r fakeReq) []byte { return test.hook(f, r) }
			}
			c := f.client(t)
			content, err := c.ReadFile(t.Context(), test.path, 100)
			if err == nil || content != nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.why) {
				t.Errorf("%q, error %v", content, err)
			}
			must(t, c.Lstat(t.Context(), "/r", []string{"."}, func(int, Attr, error) {}))
			if f.counted(pktOpen) != test.opens || len(f.handles) > 0 {
				t.Errorf("%d handles left open, requests %v", len(f.handles), f.count)
			}
		})
	}
}

// TestRealFacts reads heads, files and identities from real servers.
func TestRealFacts(t *testing.T) {
	for name, start := range reals() {
		t.Run(name, func(t *testing.T) {
			s := start(t, realserver.Options{})
			at := func(p string) string { return filepath.Join(s.HomeDir, p) }
			must(t, os.MkdirAll(at("bin"), 0o755))
			big := bytes.Repeat([]byte("hostperm"), 50_000)
			must(t, os.WriteFile(at("big"), big, 0o644))
			var paths []string
			for i := range 900 {
				p := fmt.Sprintf("bin/script%d", i)
				must(t, os.WriteFile(at(p), fmt.Appendf(nil, "#!/bin/sh %d", i), 0o755))
				paths = append(paths, p)
			}
			must(t, os.WriteFile(at("bin/empty"), nil, 0o755))
			s.Chown(t, s.HomeDir)
			must(t, os.Chmod(at("bin/script7"), 0o311))
			c := dialReal(t, s)
			seen, err := walkAll(t, c, s.HomeDir, WalkOptions{})
			must(t, err)
			var reqs []HeadRequest
			for _, p := range append(paths, "bin/empty") {
				reqs = append(reqs, HeadRequest{p, seen.entries[p]})
			}
			results, err := heads(t, t.Context(), c, s.HomeDir, 200, reqs)
			must(t, err)
			for i, r := range results {
				want := fmt.Sprintf("#!/bin/sh %d", i)
				switch {
				case i == 7:
					if !errors.Is(r.err, ErrPermission) {
						t.Errorf("%s cannot be read: %+v", reqs[i].Path, r)
					}
				case i == 900:
					if r.err != nil || r.head != "" {
						t.Errorf("%+v is empty", r)
					}
				case r.err != nil || r.head != want:
					t.Errorf("%s: %+v", reqs[i].Path, r)
				}
			}
			content, err := c.ReadFile(t.Context(), at("big"), len(big))
			if err != nil || !bytes.Equal(content, big) {
				t.Errorf("%d bytes, error %v", len(content), err)
			}
			ids, err := c.Identities(t.Context())
			must(t, err)
			if u, ok := ids.User("root"); !ok || u.UID != 0 || ids.NoGroups != nil || len(ids.Groups) == 0 {
				t.Errorf("%+v", ids)
			}
		})
	}
}

// TestIdentitiesNotSeen: a server without an /etc/passwd, as in a chroot, and
// one that does not show it.
func TestIdentitiesNotSeen(t *testing.T) {
	for name, code := range map[string]uint32{"chroot": codeNoFile, "denied": codeDenied} {
		f := newFake(dir("r"))
		f.hook = func(r fakeReq) []byte {
			if r.kind == pktLstat {
				return status(r.id, code)
			}
			return nil
		}
		_, err := f.client(t).Identities(t.Context())
		if !errors.Is(err, ErrNoIdentities) || !strings.Contains(Hint(err), "--web-user") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, hint %q", name, err, Hint(err))
		}
		if name == "denied" && !errors.Is(err, ErrPermission) {
			t.Errorf("error %v", err)
		}
	}
}
