package remote

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// withLogin has a fake server serve its login directory, as the root.
func (f *fake) withLogin() {
	deny := f.hook
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktOpendir && r.arg == "." {
			return f.grant(r, f.top)
		}
		if deny == nil {
			return nil
		}
		return deny(r)
	}
}

// lookEarly resolves the root of a client that is to look around it meanwhile.
func lookEarly(t *testing.T, c *Client, paths []string) Root {
	t.Helper()
	c.around, c.into = paths, func(dir string) bool { return dir != "no" }
	root, err := c.ResolveRoot(t.Context(), Target{Path: "/r", HasPath: true})
	must(t, err)
	return root
}

func mustWalkWith(t *testing.T, c *Client, o WalkOptions) *seen {
	t.Helper()
	s, err := walkAll(t, c, "/r", o)
	must(t, err)
	return s
}

// TestRootListing holds a walk whose root was listed while it was resolved, and
// what is in it before the walk began, to one that lists all that itself, whatever
// is denied.
func TestRootListing(t *testing.T) {
	const seeds = 120
	taken, inside := 0, 0
	for seed := range uint64(seeds) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		th := newThicket(rnd)
		switch rnd.IntN(6) {
		case 0:
			th.opening["/r"] = []uint32{codeDenied, codeFailure}[rnd.IntN(2)]
		case 1:
			th.reading["/r"] = rnd.IntN(3)
		}
		want, f := th.waited(t), th.server(lifo)
		f.far = seed%2 == 0
		f.withLogin()
		c := f.client(t)
		root := lookEarly(t, c, []string{})
		_, err := c.Around(t.Context(), root.Path, nil, nil)
		must(t, err)
		if early := c.lanes.first.root.listing; early != nil {
			taken++
			early.mu.Lock()
			if len(early.list) > 1 {
				inside++
			}
			early.mu.Unlock()
		}
		got := mustWalkWith(t, c, WalkOptions{Sessions: 1 + rnd.IntN(4), RootAttr: &root.Attr})
		if !maps.Equal(got.entries, want.entries) || !maps.Equal(got.gaps, want.gaps) || len(got.twice) > 0 {
			t.Errorf("seed %d: %d entries, want %d; gaps %q, want %q; twice %q",
				seed, len(got.entries), len(want.entries), got.gaps, want.gaps, got.twice)
		}
	}
	if taken < seeds*2/3 {
		t.Errorf("the root was listed early in %d of %d trees", taken, seeds)
	}
	if inside < seeds/6 {
		t.Errorf("what is in it was listed early in %d of %d trees", inside, seeds)
	}
}

// TestRootListingInside: far away, directories in a root are there when the walk
// begins, each asked for once, and those that it will not walk are not; also where
// the root's size says that it takes more READDIRs than were sent at first.
func TestRootListingInside(t *testing.T) {
	for size, rootOpened := range map[uint64]int{smallSize: 1, 3 * smallSize: 2} {
		top := dir("r", file("f"), dir("no", file("secret")))
		for i := range 2 * maxEarly {
			top.kids = append(top.kids, dir(fmt.Sprintf("d%03d", i), file("x"), dir("e", file("y"))))
		}
		top.attr.Size = size
		f := newFake(top)
		f.give, f.far = lifo, true
		opened := countOpendirs(f)
		c := f.client(t)
		root := lookEarly(t, c, []string{})
		c.lanes.first.root.listing.awaitAll(t, c, 1+maxEarly)
		s := &seen{entries: make(map[string]Attr)}
		err := c.Walk(t.Context(), "/r", Visitor{
			Entry: func(up *Dir, e *Entry) bool {
				path := string(e.Name)
				if up != nil {
					path = join(up.Path, path)
				}
				s.entries[path] = e.Attr
				return path != "no"
			},
			Gap: func(path string, err error) { t.Errorf("%s: %v", path, err) },
		}, WalkOptions{RootAttr: &root.Attr})
		must(t, err)
		if len(s.entries) != 3+4*2*maxEarly || opened["/r/no"] > 0 {
			t.Errorf("%d entries, the directory left out was opened %d times", len(s.entries), opened["/r/no"])
		}
		for path, n := range opened {
			if path == "/r" && n != rootOpened || path != "/r" && n != 1 {
				t.Errorf("size %d: %q was opened %d times", size, path, n)
			}
		}
	}
}

// countOpendirs has a fake server serve its login directory, and counts the
// OPENDIRs of each path.
func countOpendirs(f *fake) map[string]int {
	f.withLogin()
	opened := make(map[string]int)
	login := f.hook
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktOpendir {
			opened[r.arg]++
		}
		return login(r)
	}
	return opened
}

// awaitAll returns once n directories were asked for, and have been answered.
func (r *rootListing) awaitAll(t *testing.T, c *Client, n int) {
	for {
		must(t, c.Lstat(t.Context(), "/r", []string{"."}, func(int, Attr, error) {})) // a round trip
		r.mu.Lock()
		ready := len(r.list) == n
		for _, e := range r.list {
			ready = ready && e.reading == 0
		}
		r.mu.Unlock()
		if ready {
			return
		}
	}
}

// TestRootListingBounded: what is listed before a walk does not grow with what the
// server sends.
func TestRootListingBounded(t *testing.T) {
	top := dir("r")
	for i := range maxEarly {
		d := dir(fmt.Sprintf("d%03d", i))
		for j := range 250 {
			d.kids = append(d.kids, file(fmt.Sprintf("%0900d", j)))
		}
		top.kids = append(top.kids, d)
	}
	f := newFake(top)
	f.give, f.far = lifo, true
	f.withLogin()
	c := f.client(t)
	root := lookEarly(t, c, []string{})
	early := c.lanes.first.root.listing
	early.awaitAll(t, c, 1+maxEarly)
	kept := 0
	early.mu.Lock()
	for _, e := range early.list {
		kept += e.kept.bytes
	}
	n := len(early.list)
	early.mu.Unlock()
	if n != 1+maxEarly || kept < defaultLimits.ahead || kept > defaultLimits.ahead+maxKept {
		t.Errorf("%d bytes of %d directories are kept", kept, n)
	}
	if got := mustWalkWith(t, c, WalkOptions{RootAttr: &root.Attr}); len(got.entries) != 1+251*maxEarly || len(got.gaps) > 0 || len(got.twice) > 0 {
		t.Errorf("%d entries, gaps %v, twice %q", len(got.entries), got.gaps, got.twice)
	}
}

// TestRootListingSavesIt: a walk does not ask for a root that was listed.
func TestRootListingSavesIt(t *testing.T) {
	for name, o := range map[string]WalkOptions{"taken": {}, "not wanted": {WaitForHandles: true}} {
		top := dir("r", dir("d", file("f")), file("g"))
		f := newFake(top)
		f.give = lifo
		opened := countOpendirs(f)
		c := f.client(t)
		root := lookEarly(t, c, []string{})
		o.RootAttr = &root.Attr
		if got := mustWalkWith(t, c, o); len(got.entries) != 4 || len(got.gaps) > 0 {
			t.Errorf("%s: %v, %v", name, got.entries, got.gaps)
		}
		if want := map[bool]int{false: 1, true: 2}[o.WaitForHandles]; opened["/r"] != want || opened["/r/d"] != 1 {
			t.Errorf("%s: opened %v, want the root %d times", name, opened, want)
		}
	}
}

// TestRootListingStray has a server give another handle than the one foreseen:
// it is closed, and the root listed as any other directory.
func TestRootListingStray(t *testing.T) {
	f := newFake(dir("r", file("f"), file("g")))
	n := 0
	f.give = func(s *fakeSession) string {
		if n++; n == 2 { // the root's, after that of "."
			return string(u32(nil, 77))
		}
		return lifo(s)
	}
	f.withLogin()
	closed := false
	login := f.hook
	f.hook = func(r fakeReq) []byte {
		closed = closed || r.kind == pktClose && r.arg == string(u32(nil, 77))
		return login(r)
	}
	c := f.client(t)
	root := lookEarly(t, c, []string{})
	if got := mustWalkWith(t, c, WalkOptions{RootAttr: &root.Attr}); len(got.entries) != 3 || len(got.gaps) > 0 {
		t.Errorf("%v, %v", got.entries, got.gaps)
	}
	must(t, c.Lstat(t.Context(), "/r", []string{"."}, func(int, Attr, error) {}))
	f.between(func() {
		if n != 3 || !closed {
			t.Errorf("%d handles given, the stray one closed: %v", n, closed)
		}
	})
}
