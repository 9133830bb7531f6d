package remote

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"hostperm/remote/fastlane"
)

// thicket is a random tree, and a server of it that denies some.
type thicket struct {
	top      *node
	dirs     int
	opening  map[string]uint32 // what OPENDIR of these paths is answered with
	reading  map[string]int    // READDIRs of these paths fail from the nth on
	closed   map[string]bool   // these can be read and not searched
	perReply int
	limit    int // handles in each session; 0: as many as it likes
}

// newThicket grows a tree of some hundred directories, so that several
// sessions find work.
func newThicket(rnd *rand.Rand) *thicket {
	th := &thicket{top: dir("r"), opening: make(map[string]uint32), reading: make(map[string]int), closed: make(map[string]bool)}
	th.perReply = 5 + rnd.IntN(96)
	if rnd.IntN(2) == 0 {
		th.limit = 3 + rnd.IntN(62)
	}
	th.dirs = 30 + rnd.IntN(320)
	nodes, paths := []*node{th.top}, []string{"/r"}
	for i := range th.dirs {
		up := rnd.IntN(len(nodes))
		if rnd.IntN(3) > 0 {
			up = rnd.IntN(min(len(nodes), 4)) // a wide tree has work for several sessions
		}
		d := dir(fmt.Sprint("d", i))
		nodes[up].kids = append(nodes[up].kids, d)
		nodes, paths = append(nodes, d), append(paths, paths[up]+"/"+d.name)
	}
	trouble := rnd.IntN(3) // in a third of all trees there is none
	for i, d := range nodes {
		th.fill(rnd, d)
		if i > 0 && trouble > 0 && rnd.IntN(12) == 0 {
			th.deny(rnd, paths[i])
		}
	}
	return th
}

// fill adds files, and gives the directory a size that mostly fits.
func (th *thicket) fill(rnd *rand.Rand, d *node) {
	files := rnd.IntN(8)
	d.attr.Size = 4096
	switch rnd.IntN(16) {
	case 0:
		files = rnd.IntN(350) // its size does not show it
	case 1:
		files = rnd.IntN(350)
		d.attr.Size = 4096 * uint64(2+rnd.IntN(20))
	case 2:
		d.attr.Size = 1 << 20 // has been larger once
	case 3:
		d.attr.Flags &^= fastlane.AttrSize
	}
	for i := range files {
		d.kids = append(d.kids, file(fmt.Sprint("f", i)))
	}
	rnd.Shuffle(len(d.kids), func(i, j int) { d.kids[i], d.kids[j] = d.kids[j], d.kids[i] })
}

func (th *thicket) deny(rnd *rand.Rand, path string) {
	switch rnd.IntN(6) {
	case 0:
		th.reading[path] = rnd.IntN(4)
	case 1:
		th.closed[path] = true
	default:
		th.opening[path] = []uint32{codeDenied, codeNoFile, codeFailure}[rnd.IntN(3)]
	}
}

func (th *thicket) server(give func(*fakeSession) string) *fake {
	f := newFake(th.top)
	f.perReply, f.maxHandles, f.give = th.perReply, th.limit, give
	f.hook = func(r fakeReq) []byte {
		switch r.kind {
		case pktOpendir:
			if code, ok := th.opening[r.path]; ok {
				return status(r.id, code)
			}
		case pktReaddir:
			if nth, ok := th.reading[r.path]; ok && r.nth >= nth {
				return status(r.id, codeFailure)
			}
			if th.closed[r.path] && r.in.handles[r.arg] != nil {
				return status(r.id, codeEOF)
			}
		case pktLstat:
			if n := len(r.path) - len("/."); th.closed[r.path[:max(n, 0)]] {
				return status(r.id, codeDenied)
			}
		}
		return nil
	}
	return f
}

// waited walks the tree as a client that foresees nothing.
func (th *thicket) waited(t *testing.T) *seen {
	t.Helper()
	f := th.server(lifo)
	s := mustWalk(t, f, WalkOptions{WaitForHandles: true, Sessions: 1})
	if f.early > 0 {
		t.Errorf("%d READDIRs went to handles that were not granted yet", f.early)
	}
	return s
}

// TestForesee holds a walk that foresees handles to what one shows that waits
// for them, whatever is denied on the way, and with any number of sessions.
func TestForesee(t *testing.T) {
	dirs, whole, used := 0, 0, 0
	const seeds = 60
	for seed := range uint64(seeds) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		th := newThicket(rnd)
		want, f := th.waited(t), th.server(lifo)
		got := mustWalk(t, f, WalkOptions{Sessions: 1 + rnd.IntN(4)})
		if !maps.Equal(got.entries, want.entries) || !maps.Equal(got.gaps, want.gaps) || len(got.twice) > 0 {
			t.Errorf("seed %d: %d entries, want %d; gaps %q, want %q; twice %q",
				seed, len(got.entries), len(want.entries), got.gaps, want.gaps, got.twice)
		}
		dirs += th.dirs
		whole += f.whole
		if f.whole > th.dirs/4 {
			used++
		}
	}
	if used < seeds/2 {
		t.Errorf("handles were foreseen for %d of %d directories, and for many in %d of %d trees only", whole, dirs, used, seeds)
	}
}

// TestForeseeOthers shows that a server whose handles look different from the
// start is only ever asked to read what it has opened.
func TestForeseeOthers(t *testing.T) {
	others := map[string]func(*fakeSession) string{
		"shared words": nil,
		"eight bytes":  func(s *fakeSession) string { return "\x00\x00\x00\x00" + lifo(s) },
		"the lowest byte first": func(s *fakeSession) string {
			s.next++
			return string([]byte{byte(s.next), byte(s.next >> 8), 0, 0})
		},
	}
	for name, give := range others {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(8) {
				th := newThicket(rand.New(rand.NewPCG(seed, 9)))
				want, f := th.waited(t), th.server(give)
				got := mustWalk(t, f, WalkOptions{Sessions: 2})
				if f.early > 0 {
					t.Errorf("seed %d: %d READDIRs went to handles that were not granted yet", seed, f.early)
				}
				if !maps.Equal(got.entries, want.entries) {
					t.Errorf("seed %d: %d entries, want %d", seed, len(got.entries), len(want.entries))
				}
			}
		})
	}
}

// TestForeseeRoundTrips has the server answer nothing of a level before all
// that its listing takes has come: a walk that waits for the handle is stuck,
// and the test's deadline ends it.
func TestForeseeRoundTrips(t *testing.T) {
	const levels = 30
	top := dir("r")
	for n, i := top, 0; i < levels; i++ {
		d := dir("d")
		n.kids = []*node{d}
		n = d
	}
	f := newFake(top)
	f.give = lifo
	var held []byte
	holding, rounds := "", 0
	f.hook = func(r fakeReq) []byte {
		switch {
		case r.kind == pktOpendir && r.path != "/r":
			holding = lifoNext(r.in)
		case holding == "" || r.arg != holding:
			return nil
		}
		if held = append(held, f.serveOne(r)...); r.kind != pktClose {
			return []byte{}
		}
		all := held
		held, holding = nil, ""
		rounds++
		return all
	}
	s := mustWalk(t, f, WalkOptions{})
	if len(s.entries) != 1+levels || rounds != levels || f.counted(pktReaddir) != 2*(1+levels) {
		t.Errorf("%d entries in %d rounds with %v", len(s.entries), rounds, f.count)
	}
}

// lifoNext gives the handle that the next open gets, and leaves it there.
func lifoNext(s *fakeSession) string {
	again := fakeSession{free: slices.Clone(s.free), next: s.next}
	return lifo(&again)
}

// TestWholeWithAHole: a listing in one go of which a part in the middle failed
// is no whole listing, though its end was found.
func TestWholeWithAHole(t *testing.T) {
	d := dir("d")
	d.attr.Size = 3 * smallSize
	for i := range 250 {
		d.kids = append(d.kids, file(fmt.Sprint(i)))
	}
	f := newFake(dir("r", d))
	f.give = lifo
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktReaddir && r.path == "/r/d" && r.nth == 1 {
			f.serveOne(r)
			return status(r.id, codeFailure)
		}
		return nil
	}
	s := mustWalk(t, f, WalkOptions{})
	if f.whole != 1 || s.gaps["d"] == "" || len(s.twice) > 0 {
		t.Errorf("%d directories in one go, gaps %q, twice %q, %d entries", f.whole, s.gaps, s.twice, len(s.entries))
	}
}

// TestWholeLarger: a directory of several replies is listed in one go, in one
// round trip, and shown in the order of the server's.
func TestWholeLarger(t *testing.T) {
	d := dir("d")
	d.attr.Size = 6 * smallSize
	for i := range 750 {
		d.kids = append(d.kids, file(fmt.Sprint(i)))
	}
	f := newFake(dir("r", d))
	f.give = lifo
	s := mustWalk(t, f, WalkOptions{})
	if f.whole != 1 || f.counted(pktOpendir) > 3 || len(s.entries) != 752 || len(s.gaps) > 0 || len(s.twice) > 0 {
		t.Errorf("%d directories in one go, %v, %d entries, gaps %q", f.whole, f.count, len(s.entries), s.gaps)
	}
	for i, p := range s.order[2:] {
		if p != fmt.Sprint("d/", i) {
			t.Fatalf("entry %d is %q", i, p)
		}
	}
}
