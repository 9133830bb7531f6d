package remote

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hostperm/remote/fastlane"
)

// changeShapes are servers on which changes go different ways.
func changeShapes() map[string]func() *fake {
	tree := func() *fake {
		return newFake(dir("r", file("a"), dir("d", file("x"), dir("e", file("y"), file("z")))))
	}
	return map[string]func() *fake{
		"by handle": tree,
		"foreseen": func() *fake {
			f := tree()
			f.give = lifo
			return f
		},
		"by path": func() *fake {
			f := tree()
			f.extensions = []string{fastlane.LSetStatExtension}
			return f
		},
	}
}

// TestChangeCutOnce cuts the connection at each request of a Change in turn,
// before it is served and after: each change is made once, seen, and said so.
func TestChangeCutOnce(t *testing.T) {
	for name, shape := range changeShapes() {
		for _, served := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, served %v", name, served), func(t *testing.T) {
				for n := 1; ; n++ {
					f := shape()
					reqs := append(f.asAudited(0o600, "a", "d/x", "d/e/y", "d/e/z"), f.asAudited(0o700, ".", "d", "d/e")...)
					requests, twice := cutChange(f, n, served, name == "by path")
					c, _ := f.lasting(t)
					results, err := change(t, t.Context(), c, "/r", reqs)
					c.Close()
					f.group.Wait()
					if *requests < n {
						if n < 20 {
							t.Errorf("%d requests", *requests)
						}
						return
					}
					if err != nil {
						t.Fatalf("cut at %d: %v", n, err)
					}
					for i, r := range results {
						is := f.find(below("/r", reqs[i].Path)).attr
						if r.Outcome != ChangeApplied || is.Perm() != reqs[i].Mode || r.Now != is {
							t.Errorf("cut at %d: %q is %+v; it is %04o", n, reqs[i].Path, r, is.Perm())
						}
					}
					if len(*twice) > 0 {
						t.Errorf("cut at %d: changed again after it was made: %q", n, *twice)
					}
				}
			})
		}
	}
}

// cutChange has f cut at the nth request, and gives the paths for which a
// change was asked that had been made before the cut.
func cutChange(f *fake, n int, served, byPath bool) (requests *int, twice *[]string) {
	requests, twice = new(int), new([]string)
	f.hook = func(r fakeReq) []byte {
		*requests++
		if r.kind == pktFsetstat || r.kind == pktExtended {
			p := r.path
			if r.kind == pktExtended {
				p, _ = takeStr(r.rest)
			}
			if node := f.find(p); node != nil && node.attr.Perm() != 0o644 && node.attr.Perm() != 0o755 {
				*twice = append(*twice, p)
			}
		}
		if *requests == n {
			if served {
				f.serveOne(r)
			}
			return f.cut()
		}
		if byPath && (r.kind == pktOpen || r.kind == pktFsetstat) {
			return status(r.id, codeDenied)
		}
		return nil
	}
	return requests, twice
}

// TestChangeCutMeanwhile has something happen to an entry between the change
// that was cut off and the look at it.
func TestChangeCutMeanwhile(t *testing.T) {
	for name, test := range map[string]struct {
		served    bool
		meanwhile func(f *fake)
		outcome   ChangeOutcome
		why       string
		mode      uint16 // of what is there in the end
	}{
		"made":                   {true, func(*fake) {}, ChangeApplied, "", 0o600},
		"not made":               {false, func(*fake) {}, ChangeApplied, "", 0o600},
		"made by another":        {false, func(f *fake) { f.find("/r/d/x").attr.Mode = fastlane.TypeRegular | 0o600 }, ChangeApplied, "", 0o600},
		"another mode":           {true, func(f *fake) { f.find("/r/d/x").attr.Mode = fastlane.TypeRegular | 0o640 }, ChangeFailed, "0640 since, not 0600", 0o640},
		"another's":              {true, func(f *fake) { f.find("/r/d/x").attr.UID = 7 }, ChangeUnknown, "belonged to 1000:1000", 0o600},
		"another's, not made":    {false, func(f *fake) { f.find("/r/d/x").attr.UID = 7 }, ChangeUnknown, "belonged to 1000:1000", 0o644},
		"written to":             {true, func(f *fake) { f.find("/r/d/x").attr.Mtime++ }, ChangeUnknown, "content has changed", 0o600},
		"a symlink":              {false, func(f *fake) { f.find("/r/d/x").attr.Mode = fastlane.TypeSymlink | 0o777 }, ChangeUnknown, "a symlink now", 0o777},
		"the way is a symlink":   {true, func(f *fake) { f.find("/r/d").attr.Mode = fastlane.TypeSymlink | 0o777 }, ChangeUnknown, "d", 0o600},
		"symlink above, not set": {false, func(f *fake) { f.find("/r/d").attr.Mode = fastlane.TypeSymlink | 0o777 }, ChangeUnknown, "d", 0o644},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(dir("r", dir("d", file("x"))))
			reqs := f.asAudited(0o600, "d/x")
			f.hook = func(r fakeReq) []byte {
				if r.kind != pktFsetstat {
					return nil
				}
				f.hook = nil
				if test.served {
					f.serveOne(r)
				}
				test.meanwhile(f)
				return f.cut()
			}
			c, _ := f.lasting(t)
			results, err := change(t, t.Context(), c, "/r", reqs)
			r := results[0]
			if err != nil || r.Outcome != test.outcome || !strings.Contains(fmt.Sprint(r.Err), test.why) {
				t.Errorf("error %v, result %+v, want %+v", err, r, test)
			}
			if got := f.find("/r/d/x").attr.Perm(); got != test.mode {
				t.Errorf("it is %04o in the end, not %04o", got, test.mode)
			}
		})
	}
}

// TestChangeGivenUp has a server that is gone for good: what was sent is
// unknown, also if it was taken back once.
func TestChangeGivenUp(t *testing.T) {
	f := newFake(dir("r", file("a"), file("b"), file("c")))
	reqs := f.asAudited(0o600, "a", "b", "c")
	sent := 0
	f.hook = func(r fakeReq) []byte {
		switch {
		case r.kind == pktFsetstat:
			if sent++; sent == 2 {
				return f.cut()
			}
		case r.kind == pktLstat && sent >= 2 && strings.HasPrefix(r.path, "/r/"):
			return f.cut()
		}
		return nil
	}
	c, _ := f.lasting(t)
	results, err := change(t, t.Context(), c, "/r", reqs)
	if !errors.Is(err, ErrDisconnected) || !strings.Contains(err.Error(), "given up after 5 tries") {
		t.Errorf("error %v", err)
	}
	for i, r := range results {
		if r.Outcome == ChangeRefused && f.find(below("/r", reqs[i].Path)).attr.Perm() == 0o600 || r.Outcome == ChangeFailed {
			t.Errorf("%q: %+v", reqs[i].Path, r)
		}
	}
	if results[1].Outcome != ChangeUnknown {
		t.Errorf("b is %+v", results[1])
	}
}

// TestManyChangesCut has more changes than a lane takes, and several lanes.
func TestManyChangesCut(t *testing.T) {
	top := dir("r")
	var names []string
	for i := range 3 * changesAhead {
		names = append(names, fmt.Sprint("f", i))
		top.kids = append(top.kids, file(names[i]))
	}
	for _, every := range []int{12_000, 20_011} {
		f := newFake(top)
		for _, k := range top.kids {
			k.attr.Mode = fastlane.TypeRegular | 0o644
		}
		reqs := make([]ChangeRequest, len(names))
		for i, k := range top.kids {
			reqs[i] = ChangeRequest{Path: k.name, Expect: k.attr, Mode: 0o600}
		}
		f.cutting(func(n int) bool { return n%every == 0 })
		c, news := f.lasting(t)
		results, err := change(t, t.Context(), c, "/r", reqs)
		if err != nil || len(*news) < 4 {
			t.Fatalf("cut at every %d: error %v, %d news", every, err, len(*news))
		}
		for i, r := range results {
			if r.Outcome != ChangeApplied || top.kids[i].attr.Perm() != 0o600 {
				t.Fatalf("cut at every %d: %q is %+v", every, reqs[i].Path, r)
			}
		}
	}
}

// TestLstatCut looks at many entries, with cuts: each has one answer.
func TestLstatCut(t *testing.T) {
	f := newFake(twoLevels(200))
	f.cutting(func(n int) bool { return n%37 == 0 })
	c, _ := f.lasting(t)
	var paths []string
	for _, d := range f.top.kids {
		paths = append(paths, d.name)
	}
	paths = append(paths, "nowhere")
	answers := make([]int, len(paths))
	err := c.Lstat(t.Context(), "/r", paths, func(i int, a Attr, err error) {
		answers[i]++
		if (err != nil) != (paths[i] == "nowhere") {
			t.Errorf("%q: %v", paths[i], err)
		}
	})
	for i, n := range answers {
		if n != 1 {
			t.Errorf("%d answers for %q", n, paths[i])
		}
	}
	if err != nil {
		t.Error(err)
	}
}
