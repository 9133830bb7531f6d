package remote

import (
	"strings"
	"testing"

	"hostperm/remote/fastlane"
)

// TestChangeGuard has who owns what decide, and how many links there are,
// before anything is opened.
func TestChangeGuard(t *testing.T) {
	const tenant, other = 1000, 33
	tests := []struct {
		name                  string
		top, root, dir, entry uint32 // who owns /, /r, /r/d and /r/d/x
		edit                  func(r *ChangeRequest, f *fake)
		why                   string // "": it is made
	}{
		{"the tenant's own", 0, tenant, tenant, tenant, nil, ""},
		{"in a web root of root's", 0, 0, tenant, tenant, nil, ""},
		{"in a directory of root's", 0, tenant, 0, tenant, nil, ""},
		{"root's own", 0, 0, 0, 0, nil, ""},
		{"root's, in the tenant's web root", 0, tenant, tenant, 0, nil, "it belongs to uid 0, and a directory or link above it to uid 1000"},
		{"root's, in root's directory in the tenant's", 0, tenant, 0, 0, nil, "it belongs to uid 0, and a directory or link above it to uid 1000"},
		{"another's", 0, tenant, tenant, other, nil, "it belongs to uid 33, and a directory or link above it to uid 1000"},
		{"another's, in his directory", 0, tenant, other, other, nil, "it belongs to uid 33, and a directory or link above it to uid 1000"},
		{"the tenant's, in another's directory", 0, tenant, other, tenant, nil, "a directory or link above it to uid 33"},
		{"above the web root", other, tenant, tenant, tenant, nil, "a directory or link above it to uid 33"},
		{"unknown owner", 0, tenant, tenant, tenant, func(r *ChangeRequest, _ *fake) { r.Expect.Flags &^= fastlane.AttrUIDGID }, "its owner was not known"},
		{"unknown owner of the directory", 0, tenant, tenant, tenant, func(_ *ChangeRequest, f *fake) { f.find("/r/d").attr.Flags &^= fastlane.AttrUIDGID }, "does not tell who owns a directory or link"},
		{"one link", 0, tenant, tenant, tenant, func(r *ChangeRequest, _ *fake) { r.Expect.Links = 1 }, ""},
		{"two links", 0, tenant, tenant, tenant, func(r *ChangeRequest, _ *fake) { r.Expect.Links = 2 }, "it has 2 hard links"},
		{"setgid of the web root's group", 0, tenant, tenant, tenant, func(r *ChangeRequest, _ *fake) { r.Mode = 0o2755 }, ""},
		{"setgid of another group", 0, tenant, tenant, tenant, func(r *ChangeRequest, f *fake) { r.Mode = 0o2755; f.find("/r").attr.GID = 7 }, "the rights of group 1000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(dir("r", dir("d", file("x"))))
			f.rootUID = test.top
			f.find("/r").attr.UID = test.root
			f.find("/r/d").attr.UID = test.dir
			f.find("/r/d/x").attr.UID = test.entry
			reqs := f.asAudited(0o600, "d/x")
			if test.edit != nil {
				test.edit(&reqs[0], f)
			}
			r := mustChange(t, f, reqs)[0]
			if test.why == "" {
				if r.Outcome != ChangeApplied {
					t.Errorf("%+v", r)
				}
				return
			}
			if r.Outcome != ChangeRefused || !strings.Contains(r.Err.Error(), test.why) || f.count[pktOpen] > 0 {
				t.Errorf("%+v, want %q; requests %v", r, test.why, f.count)
			}
		})
	}
}

// TestChangeRootItself: what lies above the web root decides about the root.
func TestChangeRootItself(t *testing.T) {
	for _, test := range []struct {
		top  uint32
		want ChangeOutcome
	}{{0, ChangeApplied}, {1000, ChangeApplied}, {33, ChangeRefused}} {
		f := newFake(dir("r"))
		f.rootUID = test.top
		if r := mustChange(t, f, f.asAudited(0o700, "."))[0]; r.Outcome != test.want {
			t.Errorf("/ belongs to %d: %+v", test.top, r)
		}
	}
}

// TestChangeRefusedAtOnce: a request that waits for one that is refused without
// a word to the server is made.
func TestChangeRefusedAtOnce(t *testing.T) {
	f := newFake(dir("r", dir("d", file("x"))))
	f.find("/r/d").attr.UID = 33
	f.find("/r/d/x").attr.UID = 33
	reqs := append(f.asAudited(0o000, "d"), f.asAudited(0o600, "d/x")...)
	f.find("/r").attr.UID = 0
	reqs[0].Expect.Links = 2 // of a directory: nothing to do with hard links
	for i, r := range mustChange(t, f, reqs) {
		if r.Outcome != ChangeApplied {
			t.Errorf("%q: %+v", reqs[i].Path, r)
		}
	}
	f.find("/r").attr.UID = 1000
	for i, r := range mustChange(t, f, append(f.asAudited(0o755, "d"), f.asAudited(0o644, "d/x")...)) {
		if r.Outcome != ChangeRefused {
			t.Errorf("%q: %+v", reqs[i].Path, r)
		}
	}
}
