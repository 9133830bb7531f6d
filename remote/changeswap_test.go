package remote

import (
	"path"
	"testing"

	"hostperm/remote/fastlane"
)

// swaps are what a tenant can put in the place of d/e/x, or of a directory that
// it lies in, while it is being changed. v is another's.
var swaps = map[string]struct {
	path string
	with func(v *node) *node
}{
	"the entry by a symlink":            {"/r/d/e/x", func(*node) *node { return symlink("x", "/r/v/e/x") }},
	"the entry by a hard link":          {"/r/d/e/x", func(v *node) *node { return v.kids[0].kids[0] }},
	"the entry by a FIFO":               {"/r/d/e/x", func(*node) *node { return owned(0, &node{name: "x", attr: attrOf(fastlane.TypeFIFO | 0o666)}) }},
	"the entry by a directory":          {"/r/d/e/x", func(v *node) *node { return renamed("x", v.kids[0]) }},
	"its directory by a symlink":        {"/r/d/e", func(*node) *node { return symlink("e", "/r/v/e") }},
	"its directory by another's":        {"/r/d/e", func(v *node) *node { return v.kids[0] }},
	"the directory above by a symlink":  {"/r/d", func(*node) *node { return symlink("d", "/r/v") }},
	"the directory above by another's":  {"/r/d", func(v *node) *node { return renamed("d", v) }},
	"the directory above by a dead end": {"/r/d", func(*node) *node { return symlink("d", "/r/none") }},
}

func symlink(name, to string) *node {
	return &node{name: name, attr: attrOf(fastlane.TypeSymlink | 0o777), text: to}
}

// owned gives all that n is and has to uid.
func owned(uid uint32, n *node) *node {
	n.attr.UID = uid
	for _, kid := range n.kids {
		owned(uid, kid)
	}
	return n
}

func renamed(name string, n *node) *node {
	again := *n
	again.name = name
	return &again
}

// put has a path of the fake's name another node.
func (f *fake) put(p string, n *node) {
	up := f.find(path.Dir(p))
	for i, kid := range up.kids {
		if kid.name == n.name {
			up.kids[i] = n
		}
	}
}

// TestChangeSwapped exchanges an entry and what it lies in before each request
// of a change in turn, for each kind of thing and each way of making the change.
// Nothing of another's is ever changed by handle; by lsetstat only if a hard link
// or a directory above is put there at that very request, and by path only at that
// of SETSTAT or between the two requests of the look before (see look), and it is
// then no success. Package remote's doc says what bounds that.
func TestChangeSwapped(t *testing.T) {
	ways := map[string]struct {
		kind  byte // of the request that makes the change
		setUp func(f *fake, c *Client)
	}{
		"handle":   {pktFsetstat, func(*fake, *Client) {}},
		"lsetstat": {pktExtended, func(f *fake, _ *Client) { f.extensions = []string{fastlane.LSetStatExtension} }},
		"path":     {pktSetstat, func(_ *fake, c *Client) { c.pathChmod = true }},
	}
	for name, swap := range swaps {
		for wayName, way := range ways {
			t.Run(name+", by "+wayName, func(t *testing.T) {
				for n := 1; ; n++ {
					v := owned(0, dir("v", dir("e", file("x"))))
					f := newFake(dir("r", dir("d", dir("e", file("x"))), v))
					c := f.client(t)
					way.setUp(f, c)
					reqs := f.asAudited(0o600, "d/e/x")
					seen, looks, made := 0, 0, false
					f.hook = func(r fakeReq) []byte {
						if seen++; seen == n {
							f.put(swap.path, swap.with(v))
							made = r.kind == way.kind || way.kind == pktSetstat && r.kind == pktReadlink && looks == 2
						}
						if r.kind == pktLstat && r.path == "/r/d/e/x" {
							looks++
						}
						if way.kind != pktFsetstat && r.kind == pktOpen {
							return status(r.id, codeDenied)
						}
						return nil
					}
					results, err := change(t, t.Context(), c, "/r", reqs)
					must(t, err)
					c.Close() // and nothing more is served
					f.group.Wait()
					r := results[0]
					if seen < n {
						if n < 7 || r.Outcome != ChangeApplied {
							t.Errorf("%d requests, %+v", seen, r)
						}
						return
					}
					followed := made && (way.kind == pktSetstat || way.kind == pktExtended && name != "the entry by a symlink")
					if touched := v.kids[0].kids[0].attr.Perm() != 0o644; r.Outcome == ChangeApplied || touched && !followed {
						t.Errorf("at request %d: %+v, %v touched", n, r, touched)
					}
				}
			})
		}
	}
}
