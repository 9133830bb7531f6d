package remote

import (
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
	c.around = paths
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

// TestRootListing holds a walk whose root was listed while it was resolved to
// one that lists it itself, whatever is denied.
func TestRootListing(t *testing.T) {
	const seeds = 60
	taken := 0
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
		f.withLogin()
		c := f.client(t)
		root := lookEarly(t, c, []string{})
		_, err := c.Around(t.Context(), root.Path, nil, nil)
		must(t, err)
		if c.lanes.first.root.listing != nil {
			taken++
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
}

// TestRootListingSavesIt: a walk does not ask for a root that was listed.
func TestRootListingSavesIt(t *testing.T) {
	for name, o := range map[string]WalkOptions{"taken": {}, "not wanted": {WaitForHandles: true}} {
		top := dir("r", dir("d", file("f")), file("g"))
		f := newFake(top)
		f.give = lifo
		f.withLogin()
		opened := make(map[string]int)
		count := f.hook
		f.hook = func(r fakeReq) []byte {
			if r.kind == pktOpendir {
				opened[r.arg]++
			}
			return count(r)
		}
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
