package remote

import (
	"fmt"
	"strings"
	"testing"

	"hostperm/remote/fastlane"
)

// TestWalkTooManyEntries has a tree that never ends, no directory of which is
// too large or too deep: the walk gives up, and says at what.
func TestWalkTooManyEntries(t *testing.T) {
	f := newFake(dir("r"))
	n := 0
	f.hook = func(r fakeReq) []byte {
		switch {
		case r.kind == pktOpendir:
			return f.grant(r, f.top)
		case r.kind == pktReaddir && r.nth == 0 && n < 5000: // far behind the limit
			n++
			return nameReply(r.id, dir(fmt.Sprint("a", n)), dir(fmt.Sprint("b", n)))
		}
		return nil
	}
	l := defaultLimits
	l.entries = 999
	s, err := walkLimited(t, f, 0, l)
	if err == nil || !strings.Contains(err.Error(), "gave up: the server lists more than 999 entries") {
		t.Errorf("error %v", err)
	}
	if len(s.entries) > 1000 {
		t.Errorf("%d entries were shown", len(s.entries))
	}
}

// TestWalkTooManyLookups has a listing without modes that is larger than what
// may be looked at at once: it is a gap, and the room is there again afterwards.
func TestWalkTooManyLookups(t *testing.T) {
	const many = 400
	top := dir("r", dir("d"), dir("e"))
	for i := range many {
		top.kids[0].kids = append(top.kids[0].kids, &node{name: fmt.Sprint("x", i), attr: Attr{Flags: fastlane.AttrSize}})
	}
	top.kids[1].kids = top.kids[0].kids[:50]
	f := newFake(top)
	f.perReply = many
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktLstat {
			return fakePacket(pktAttrs, r.id, encodeAttr(nil, attrOf(fastlane.TypeRegular|0o644)))
		}
		return nil
	}
	l := defaultLimits
	l.lookSize = 60 * (lookupSize + len("/r/d/x100"))
	root := attrOf(fastlane.TypeDir | 0o755)
	var w *walker
	s, err := walkWith(t, WalkOptions{}, func(v Visitor, _ WalkOptions) error {
		w = newWalker("/r", v, WalkOptions{Window: 1, RootAttr: &root})
		w.limits = l
		return f.client(t).run(t.Context(), "", &w.operation, func(all []*fastlane.Session) { w.begin(all, []string{"."}) })
	})
	if err != nil || len(s.gaps) != 1 || !strings.Contains(s.gaps["d"], "too many entries at once") {
		t.Errorf("error %v, gaps %q", err, s.gaps)
	}
	if n := len(s.entries); n < 3+50 || n > 3+50+61 {
		t.Errorf("%d entries seen", n)
	}
	if w.looking != 0 {
		t.Errorf("%d bytes are still counted", w.looking)
	}
}
