package remote

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"hostperm/remote/fastlane"
)

// walkFar walks as if the server was far away, and gives the directories too.
func walkFar(t *testing.T, c *Client, o WalkOptions, l limits) (*seen, []Known) {
	t.Helper()
	l.far = 0
	var known []Known
	s, err := walkWith(t, o, func(v Visitor, o WalkOptions) error {
		entry := v.Entry
		v.Entry = func(up *Dir, e *Entry) bool {
			if e.Dir != nil {
				known = append(known, Known{e.Dir.Path, e.Attr})
			}
			return entry(up, e)
		}
		o.Sessions = max(o.Sessions, 1)
		w := newWalker("/r", v, o)
		w.limits = l
		err := c.run(t.Context(), "/r", &w.operation, func(all []*fastlane.Session) { w.begin(all, []string{"."}) })
		left := w.ahead.bytes
		for _, l := range w.ahead.asked {
			left -= l.early.bytes
		}
		if left != 0 {
			t.Errorf("%d bytes are taken for kept", left)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, known
}

// between does something while no request is served.
func (f *fake) between(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// TestAheadRoundTrips has the server answer nothing before it was asked for all
// directories, one in the other: a walk that waits for one level is stuck.
func TestAheadRoundTrips(t *testing.T) {
	const levels = 30
	top := dir("r")
	for n, i := top, 0; i < levels; i++ {
		d := dir("d", file("f"))
		n.kids = append(n.kids, d)
		n = d
	}
	f := newFake(top)
	f.give = lifo
	c := f.client(t)
	first, known := walkFar(t, c, WalkOptions{}, defaultLimits)
	closed := 0
	var held []byte
	f.between(func() {
		f.hook = func(r fakeReq) []byte {
			if r.kind == pktClose {
				closed++
			}
			if held = append(held, f.serveOne(r)...); closed < levels+1 {
				return []byte{}
			}
			all := held
			held = nil
			return all
		}
	})
	again, _ := walkFar(t, c, WalkOptions{Known: known}, defaultLimits)
	if !maps.Equal(first.entries, again.entries) || len(again.entries) != 1+2*levels || len(again.twice) > 0 {
		t.Errorf("%d entries, then %d; twice %q", len(first.entries), len(again.entries), again.twice)
	}
}

// change does to a tree what can happen between two walks.
func (th *thicket) change(rnd *rand.Rand) {
	var all []*node
	var collect func(n *node)
	collect = func(n *node) {
		for _, kid := range n.kids {
			if kid.attr.Type() == typeDir {
				all = append(all, n)
				collect(kid)
			}
		}
	}
	collect(th.top)
	for i := range 12 {
		up := all[rnd.IntN(len(all))]
		at := slices.IndexFunc(up.kids, func(n *node) bool { return n.attr.Type() == typeDir })
		if at < 0 {
			continue
		}
		switch d := up.kids[at]; rnd.IntN(5) {
		case 0:
			up.kids = slices.Delete(up.kids, at, at+1)
		case 1:
			up.kids[at] = file(d.name)
		case 2:
			up.kids[at] = &node{name: d.name, attr: attrOf(fastlane.TypeSymlink | 0o777)}
		case 3:
			d.kids = append(d.kids, dir(fmt.Sprint("new", i), file("f"), dir("d", file("f"))))
		case 4:
			for k := range 200 {
				d.kids = append(d.kids, file(fmt.Sprint("more", i, "-", k)))
			}
		}
	}
}

// TestAheadShowsTheSame holds a walk that knows what the tree was like to one
// that does not, whatever has become of the tree.
func TestAheadShowsTheSame(t *testing.T) {
	kept := 0
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		th := newThicket(rnd)
		f := th.server(lifo)
		c := f.client(t)
		o := WalkOptions{Sessions: 1 + rnd.IntN(4)}
		_, known := walkFar(t, c, o, defaultLimits)
		var before int
		f.between(func() {
			th.change(rnd)
			before = f.whole
		})
		want := th.waited(t)
		known = append(known, Known{"never/was", dir("was").attr}, known[rnd.IntN(len(known))])
		rnd.Shuffle(len(known), func(i, j int) {
			if rnd.IntN(2) == 0 {
				known[i], known[j] = known[j], known[i]
			}
		})
		l := defaultLimits
		if rnd.IntN(3) == 0 {
			l.ahead = rnd.IntN(1 << 14)
		}
		o.Known = known
		got, _ := walkFar(t, c, o, l)
		if !maps.Equal(got.entries, want.entries) || !maps.Equal(got.gaps, want.gaps) || len(got.twice) > 0 {
			t.Errorf("seed %d: %d entries, want %d; gaps %q, want %q; twice %q",
				seed, len(got.entries), len(want.entries), got.gaps, want.gaps, got.twice)
		}
		f.between(func() { kept += f.whole - before })
	}
	if kept < 60*50 {
		t.Errorf("%d directories were asked for in one go", kept)
	}
}

// TestAheadLaneEnds has a session end while directories are asked for ahead in
// it: all is seen all the same, and once.
func TestAheadLaneEnds(t *testing.T) {
	ended := 0
	for after := range 16 {
		f := newFake(twoLevels(400))
		f.give = lifo
		c := f.client(t)
		o := WalkOptions{Sessions: 2, Window: 8}
		first, known := walkFar(t, c, o, defaultLimits)
		for len(c.lanes.live()) < 2 { // it is opened when there is work for it, and may come late
			walkFar(t, c, o, defaultLimits)
		}
		left := after
		f.between(func() {
			f.hook = func(r fakeReq) []byte {
				if r.in.n == 1 && r.kind == pktOpendir {
					if left--; left < 0 {
						r.in.conn.Close()
						return []byte{}
					}
				}
				return nil
			}
		})
		o.Known = known
		got, _ := walkFar(t, c, o, defaultLimits)
		f.between(func() {
			if left < 0 {
				ended++
			}
		})
		if !maps.Equal(got.entries, first.entries) || len(got.gaps) > 0 || len(got.twice) > 0 {
			t.Errorf("after %d: %d entries, gaps %q, twice %q", after, len(got.entries), got.gaps, got.twice)
		}
	}
	if ended < 8 {
		t.Errorf("the session ended in %d walks", ended)
	}
}

// TestAheadAsksOnce: a tree that is as it was takes as many OPENDIRs as it has
// directories, whatever is known of it.
func TestAheadAsksOnce(t *testing.T) {
	f := newFake(twoLevels(400))
	f.give = lifo
	c := f.client(t)
	_, known := walkFar(t, c, WalkOptions{Sessions: 3}, defaultLimits)
	for _, part := range [][]Known{known, known[:200], known[200:], append(known[300:], known...)} {
		before := f.counted(pktOpendir)
		walkFar(t, c, WalkOptions{Sessions: 3, Known: part}, defaultLimits)
		if n := f.counted(pktOpendir) - before; n != 401 {
			t.Errorf("%d OPENDIRs with %d directories known", n, len(part))
		}
	}
}

// TestAheadBounded: what there is no room for is forgotten.
func TestAheadBounded(t *testing.T) {
	a := newAhead(nil)
	for i, want := range []int{1, 2, 2, 3} {
		l := &listing{dir: &Dir{Path: fmt.Sprint(i)}}
		a.asked[l.dir.Path] = l
		a.keep(l, &kept{bytes: []int{400, 500, 200, 100}[i], replies: make([]keptReply, 1), n: 1}, 1000)
		if len(a.asked) != want || a.bytes > 1000 {
			t.Errorf("after %d: %d are kept, of %d bytes", i, len(a.asked), a.bytes)
		}
	}
}

// TestAheadNearBy: where round trips cost nothing, nothing is asked for ahead.
func TestAheadNearBy(t *testing.T) {
	w := newWalker("/r", Visitor{}, WalkOptions{Known: []Known{{Path: "."}}})
	w.measured(defaultLimits.far - 1)
	if len(w.ahead.queue) > 0 {
		t.Error("near by")
	}
	w = newWalker("/r", Visitor{}, WalkOptions{Known: []Known{{Path: "."}}})
	w.measured(defaultLimits.far)
	if len(w.ahead.queue) == 0 || w.sizes.least != farWholeReads || w.dirsPerSession != farDirsPerSession {
		t.Error("far away")
	}
}
