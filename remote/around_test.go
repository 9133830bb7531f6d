package remote

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hostperm/remote/fastlane"
	"hostperm/remote/remotetest/realserver"
)

// TestAround holds that what is looked at in one go is what is seen one by one.
func TestAround(t *testing.T) {
	for name, start := range reals() {
		t.Run(name, func(t *testing.T) {
			s := start(t, realserver.Options{})
			root := filepath.Join(s.HomeDir, "a/www")
			must(t, os.MkdirAll(filepath.Join(root, "d"), 0o755))
			must(t, os.WriteFile(filepath.Join(root, "f"), nil, 0o640))
			s.Chown(t, s.HomeDir)
			c := dialReal(t, s)
			ctx := t.Context()

			paths := []string{"f", "none", "d"}
			collect := func(got []string) func(int, Attr, error) {
				return func(i int, a Attr, err error) {
					got[i] += fmt.Sprint(a, err)
				}
			}
			got, want := make([]string, len(paths)), make([]string, len(paths))
			around, err := c.Around(ctx, root, paths, collect(got))
			must(t, err)
			must(t, c.Lstat(ctx, root, paths, collect(want)))
			if !slices.Equal(got, want) {
				t.Errorf("entries %q, want %q", got, want)
			}
			above, err := c.Above(ctx, root)
			must(t, err)
			if !slices.Equal(around.Above, above) || len(above) < 3 {
				t.Errorf("above %+v, want %+v", around.Above, above)
			}
			ids, err := c.Identities(ctx)
			if (err == nil) != (around.NoIdentities == nil) || err != nil && err.Error() != around.NoIdentities.Error() {
				t.Errorf("accounts: %v, want %v", around.NoIdentities, err)
			}
			if err == nil && !slices.Equal(ids.Users, around.Identities.Users) {
				t.Errorf("accounts %v, want %v", around.Identities.Users, ids.Users)
			}
		})
	}
}

// TestAroundOfLittle looks around in a server without accounts, and for a root
// that has nothing above it.
func TestAroundOfLittle(t *testing.T) {
	f := newFake(dir("r", file("x")))
	c := f.client(t)
	seen := 0
	around, err := c.Around(t.Context(), "/r", []string{"x", "y"}, func(i int, _ Attr, err error) {
		if (err == nil) != (i == 0) {
			t.Errorf("%d: %v", i, err)
		}
		seen++
	})
	if err != nil || seen != 2 || len(around.Above) != 1 || around.Identities != nil || !errors.Is(around.NoIdentities, ErrNoIdentities) {
		t.Errorf("%d seen, %+v, %v", seen, around, err)
	}
	if around, err := c.Around(t.Context(), "/", nil, nil); err != nil || len(around.Above) != 0 || around.NoIdentities == nil {
		t.Errorf("%+v, %v", around, err)
	}
	for _, bad := range [][2]string{{"r", "x"}, {"/r", "../x"}, {"/r", ""}} {
		if _, err := c.Around(t.Context(), bad[0], []string{bad[1]}, nil); err == nil {
			t.Errorf("%q was looked at", bad)
		}
	}
}

// TestAroundCut cuts the connection at each request in turn: what is looked at
// has one answer each, and all of it is there in the end.
func TestAroundCut(t *testing.T) {
	var kids []*node
	var paths []string
	for i := range 30 {
		kids, paths = append(kids, file(fmt.Sprint(i))), append(paths, fmt.Sprint(i))
	}
	for n := 1; n < 60; n++ {
		f := newFake(dir("r", kids...))
		f.cutting(func(k int) bool { return k == n })
		c, _ := f.lasting(t)
		answers := make([]int, len(paths))
		around, err := c.Around(t.Context(), "/r", paths, func(i int, _ Attr, err error) {
			must(t, err)
			answers[i]++
		})
		must(t, err)
		if slices.ContainsFunc(answers, func(n int) bool { return n != 1 }) || around.Above[0].Path != "/" || !errors.Is(around.NoIdentities, ErrNoIdentities) {
			t.Errorf("cut at %d: answers %v, %+v", n, answers, around)
		}
		c.Close()
	}
}

// TestAroundEarly: what was looked at while the root was resolved is not looked
// at again, unless it is for another root or other paths, and is looked at once.
func TestAroundEarly(t *testing.T) {
	for name, test := range map[string]struct {
		root  string
		paths []string
		again bool
	}{
		"the same":    {root: "/r", paths: []string{"x", "none"}},
		"other root":  {root: "/r/d", paths: []string{"x", "none"}, again: true},
		"other paths": {root: "/r", paths: []string{"x", "y"}, again: true},
	} {
		etc := dir("etc", textFile("passwd", "www:x:33:33::/:/bin/sh\n"), textFile("group", "www:x:33:\n"))
		f := newFake(dir("r", file("x"), dir("d", file("x"))))
		f.give = lifo
		f.withLogin()
		f.etc = etc
		opened := 0
		login := f.hook
		f.hook = func(r fakeReq) []byte {
			if r.kind == pktOpen && r.arg == "/etc/passwd" {
				opened++
			}
			return login(r)
		}
		c := f.client(t)
		lookEarly(t, c, []string{"x", "none"})
		for nth := range 2 {
			seen := make([]error, len(test.paths))
			around, err := c.Around(t.Context(), test.root, test.paths, func(i int, a Attr, err error) {
				if seen[i] = err; err == nil && a.Type() != fastlane.TypeRegular {
					t.Errorf("%s: %d is %+v", name, i, a)
				}
			})
			must(t, err)
			if seen[0] != nil || !errors.Is(seen[1], ErrNotExist) || around.NoIdentities != nil || len(around.Identities.Users) != 1 || around.Identities.NoGroups != nil {
				t.Errorf("%s: seen %v, %+v", name, seen, around.Identities)
			}
			want := 1 + nth
			if test.again {
				want++
			}
			f.between(func() {
				if opened != want {
					t.Errorf("%s: /etc/passwd was opened %d times after call %d, want %d", name, opened, nth, want)
				}
			})
		}
	}
}

// TestAroundEarlyFails has a server that ends the session which looks around
// while the root is resolved: all is looked at in another.
func TestAroundEarlyFails(t *testing.T) {
	f := newFake(dir("r", file("x")))
	f.hasty = true
	c := f.client(t)
	root := lookEarly(t, c, []string{"x"})
	seen := 0
	_, err := c.Around(t.Context(), root.Path, []string{"x"}, func(_ int, _ Attr, err error) {
		must(t, err)
		seen++
	})
	must(t, err)
	if got := mustWalkWith(t, c, WalkOptions{RootAttr: &root.Attr}); seen != 1 || len(got.entries) != 2 || f.opened < 3 {
		t.Errorf("%d seen, entries %v, %d sessions", seen, got.entries, f.opened)
	}
}
