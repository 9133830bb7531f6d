package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hostperm/remote/fastlane"
)

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
