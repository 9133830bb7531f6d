package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/fastlane"
)

// linkAt is a symlink of a tree.
func linkAt(path string) node { return node{path: path, mode: fastlane.TypeSymlink | 0o777} }

// targets are where symlinks lead, by path, as a LinkReader.
type targets struct {
	links map[string]remote.Link
	gone  map[string]bool // are no symlinks any more
	bad   map[string]bool // cannot be read
	fails error           // after the first call
	calls []int
}

func (l *targets) ReadLinks(_ context.Context, _ string, paths []string, each func(int, remote.Link, error)) error {
	if l.calls = append(l.calls, len(paths)); l.fails != nil && len(l.calls) > 1 {
		return l.fails
	}
	for i, p := range paths {
		if l.gone[p] {
			each(i, remote.Link{}, remote.ErrNotExist)
			continue
		}
		if l.bad[p] {
			each(i, remote.Link{}, errors.New("cannot be read as a symlink: failure"))
			continue
		}
		each(i, l.links[p], nil)
	}
	return nil
}

// TestFollow says of each symlink once where it leads, if it should not.
func TestFollow(t *testing.T) {
	attr := func(uid uint32) remote.Attr {
		return remote.Attr{Flags: everything, UID: uid, Mode: fastlane.TypeDir | 0o755}
	}
	l := &targets{gone: map[string]bool{"gone": true}, links: map[string]remote.Link{
		"in":          {Target: "d", Real: "/site/d", Attr: attr(1001)},
		"out":         {Target: "../other", Real: "/other", Attr: attr(1001)},
		"d/foreign":   {Target: "/etc", Real: "/etc", Attr: attr(0)},
		"by-text":     {Target: "/srv/x\x1b[2J", Attr: attr(1001)},
		"dangling":    {Target: "none", Real: "/site/none", Missing: remote.ErrNotExist},
		"out-nowhere": {Target: "/none", Missing: remote.ErrNotExist},
		"closed":      {Target: "/root/x", Missing: remote.ErrPermission},
		"meant":       {Target: "/srv/storage", Real: "/srv/storage", Attr: attr(1001)},
		"roots":       {Target: "/usr/share/x", Real: "/usr/share/x", Attr: attr(0)},
		"roots-out":   {Target: "/srv/y", Real: "/srv/y", Attr: attr(1001)},
		"long":        {Target: "/" + strings.Repeat("x", 4000), Attr: attr(1001)},
	}}
	site := &tree{nodes: []node{dir(".", 0o755), dir("d", 0o755), linkAt("in"), linkAt("out"), linkAt("d/foreign"), linkAt("by-text"), linkAt("dangling"),
		linkAt("out-nowhere"), linkAt("closed"), linkAt("gone"), linkAt("meant"), linkAt("long"), owned(linkAt("roots"), 0), owned(linkAt("roots-out"), 0), file("z", 0o666)}}
	own := "extends: [default]\nignore: [{path: meant, rules: [symlink-escape], reason: the host's storage}]"
	p := newPolicy(t, policy.Options{File: "own.yaml", Open: func(string) ([]byte, error) { return []byte(own), nil }})
	r, err := Run(t.Context(), site, "/site", p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Follow(t.Context(), l, p); err != nil || !r.Complete {
		t.Fatalf("error %v, complete %v", err, r.Complete)
	}
	var got []string
	for _, f := range r.Findings {
		if f.Kind == policy.KindSymlink {
			_, target, _ := strings.Cut(f.Detail, ": ")
			got = append(got, fmt.Sprint(f.Path, " ", f.Rule, " ", f.Severity, " ", target[:min(len(target), 20)]))
			if f.Change != policy.None || f.Attr.UID != f.UID || len(f.Detail) > 500 {
				t.Errorf("%+v", f)
			}
		}
	}
	equal(t, "findings", got, []string{
		`by-text symlink-escape medium "/srv/x\x1b[2J"`,
		`closed symlink-escape medium "/root/x"`,
		`d/foreign symlink-escape high "/etc"`,
		`dangling symlink-dangling low "none"`,
		`long symlink-escape medium "/xxxxxxxxxxxxxxxxxx`,
		`out symlink-escape medium "../other"`,
		`out-nowhere symlink-dangling low "/none"`,
		`roots-out symlink-escape high "/srv/y"`,
	})
	if !slices.IsSortedFunc(r.Findings, func(a, b Finding) int { return compareFindings(&a, &b) }) || r.Ignored != 1 {
		t.Errorf("findings are not in order, or %d are ignored", r.Ignored)
	}
	before := len(r.Findings)
	if err := r.Follow(t.Context(), l, p); err != nil || len(l.calls) != 1 || len(r.Findings) != before {
		t.Errorf("the second time: error %v, calls %v, %d findings", err, l.calls, len(r.Findings))
	}
}

// TestFollowManyAndFail asks in batches, stops with the first error, and says
// that not everything was seen.
func TestFollowManyAndFail(t *testing.T) {
	nodes := []node{dir(".", 0o755)}
	for i := range linkBatch + 10 {
		nodes = append(nodes, linkAt(fmt.Sprint("l", i)))
	}
	p := newPolicy(t, policy.Options{})
	lost := errors.New("lost")
	for _, l := range []*targets{{}, {fails: lost}} {
		r := run(t, &tree{nodes: nodes}, Options{})
		err := r.Follow(t.Context(), l, p)
		if !errors.Is(err, l.fails) || r.Complete != (l.fails == nil) || !slices.Equal(l.calls, []int{linkBatch, 10}) {
			t.Errorf("error %v, calls %v, complete %v", err, l.calls, r.Complete)
		}
	}
}

// TestFollowUnreadable: where a symlink leads that cannot be read is not known,
// and that is said; many are counted.
func TestFollowUnreadable(t *testing.T) {
	for _, n := range []int{1, maxLinkGaps, maxLinkGaps + 7} {
		nodes, l := []node{dir(".", 0o755)}, &targets{bad: make(map[string]bool)}
		for i := range n {
			name := fmt.Sprint("l", i)
			nodes, l.bad[name] = append(nodes, linkAt(name)), true
		}
		r := run(t, &tree{nodes: nodes}, Options{})
		if err := r.Follow(t.Context(), l, newPolicy(t, policy.Options{})); err != nil || r.Complete || len(r.Findings) > 0 {
			t.Errorf("%d: error %v, complete %v, %d findings", n, err, r.Complete, len(r.Findings))
		}
		want := min(n, maxLinkGaps)
		if n > maxLinkGaps {
			want++
			if r.Gaps[0].Path != "." || r.Gaps[0].Error != "7 more symlinks cannot be read" {
				t.Errorf("%d: the first gap is %+v", n, r.Gaps[0])
			}
		}
		if len(r.Gaps) != want {
			t.Errorf("%d: %d gaps, want %d", n, len(r.Gaps), want)
		}
	}
}

// TestTooManyLinks bounds what is kept of symlinks, and says so.
func TestTooManyLinks(t *testing.T) {
	c := &collector{limits: defaultLimits, policy: newPolicy(t, policy.Options{}), result: &Result{}}
	long := strings.Repeat("x", 1<<20)
	for range 40 {
		c.keepLink(long, remote.Attr{})
	}
	if len(c.result.links) != 32 || len(c.result.Gaps) != 1 || !strings.Contains(c.result.Gaps[0].Error, "where the others lead") {
		t.Errorf("%d kept, gaps %v", len(c.result.links), len(c.result.Gaps))
	}
	site := &tree{nodes: []node{dir(".", 0o755), linkAt("l")}}
	r, err := Run(t.Context(), site, "/site", newPolicy(t, policy.Options{Only: []string{"file-mode"}}), Options{})
	if err != nil || len(r.links) > 0 {
		t.Errorf("a symlink is kept that no rule is about (error %v)", err)
	}
}
