package remote

import (
	"fmt"
	"strings"
	"testing"

	"hostperm/remote/fastlane"
)

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
		// Handles used to the full, and refusals a small share, once the first
		// window full of OPENDIRs has shown how many there are.
		if opens := f.counted(pktOpendir); f.peak != limit || opens > 841+841/4+autoWindow {
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
		return f.client(t).run(t.Context(), "", &w.operation, func(all []*fastlane.Session) { w.begin(all, []string{"."}) })
	})
	if err != nil || len(s.gaps) != 50 || len(s.entries) != 1+500+450 {
		t.Errorf("error %v, %d gaps, %d entries", err, len(s.gaps), len(s.entries))
	}
	if n := w.lanes[0].window; n != w.maxWindow {
		t.Errorf("the window ended at %d, not %d", n, w.maxWindow)
	}
}

// walkLimited walks with limits that a test can reach.
func walkLimited(t *testing.T, f *fake, window int, l limits) (*seen, error) {
	t.Helper()
	return walkWith(t, WalkOptions{}, func(v Visitor, _ WalkOptions) error {
		w := newWalker("/r", v, WalkOptions{Window: window})
		w.limits = l
		return f.client(t).run(t.Context(), "", &w.operation, func(all []*fastlane.Session) { w.begin(all, []string{"."}) })
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
		{"dots", func(int) *node { return dir(".") }, "more than 1000 names that cannot be"},
		{"bad names", func(int) *node { return file("a/b") }, "more than 1000 names that cannot be"},
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
		s, err := walkLimited(t, f, 0, defaultLimits)
		if err != nil || !strings.Contains(s.gaps["."], "replies without an entry, 1001 by now") {
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
			w := newWalker("/r", v, WalkOptions{Sessions: 1, Window: window, Progress: p})
			w.limits = l
			return f.client(t).run(t.Context(), "", &w.operation, func(all []*fastlane.Session) { w.begin(all, []string{"."}) })
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
	l.waitSize = 99*(dirSize+3) + 1
	_, err := walkLimited(t, newFake(top), 1, l)
	if err == nil || !strings.Contains(err.Error(), "gave up: 100 directories wait") {
		t.Errorf("error %v", err)
	}
}
