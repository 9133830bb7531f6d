package remote

import (
	"fmt"
	"strings"
	"testing"

	"hostperm/remote/fastlane"
)

// TestChangeRefuses swaps or alters an entry at each point of a change: what
// is not the audited entry is never changed.
func TestChangeRefuses(t *testing.T) {
	other := func(edit func(a *Attr)) func(n *node) { return func(n *node) { edit(&n.attr) } }
	become := func(mode uint32) func(n *node) { return other(func(a *Attr) { a.Mode = mode }) }
	tests := []struct {
		name string
		path string
		edit func(n *node)
		why  string
		opts string // "path": no change by handle; "readlink": a server whose LSTAT follows links
	}{
		{"symlink", "d/x", become(fastlane.TypeSymlink | 0o644), "is a symlink now", ""},
		{"FIFO", "d/x", become(fastlane.TypeFIFO | 0o644), "is a FIFO now", ""},
		{"socket", "d/x", become(fastlane.TypeSocket | 0o644), "is a socket now", ""},
		{"device", "d/x", become(fastlane.TypeBlockDevice | 0o644), "is a device now", ""},
		{"directory", "d/x", become(fastlane.TypeDir | 0o644), "is a directory now", ""},
		{"a file for a directory", "d", become(fastlane.TypeRegular | 0o755), "is a file now", ""},
		{"mode", "d/x", become(fastlane.TypeRegular | 0o640), "its mode was 0644 when it was audited, and is 0640 now", ""},
		{"owner", "d/x", other(func(a *Attr) { a.UID = 0 }), "belonged to 1000:1000 when it was audited, and to 0:1000 now", ""},
		{"group", "d", other(func(a *Attr) { a.GID = 0 }), "and to 1000:0 now", ""},
		{"size", "d/x", other(func(a *Attr) { a.Size++ }), "content has changed", ""},
		{"time", "d/x", other(func(a *Attr) { a.Mtime++ }), "content has changed", ""},
		{"fewer attributes", "d/x", other(func(a *Attr) { a.Flags &^= fastlane.AttrUIDGID }), "tells less of it", ""},
		{"no mode", "d/x", other(func(a *Attr) { a.Flags &^= fastlane.AttrPermissions }), "unknown type now", ""},
		{"symlink, by path", "d/x", become(fastlane.TypeSymlink | 0o644), "is a symlink now", "path"},
		{"owner, by path", "d/x", other(func(a *Attr) { a.UID = 0 }), "belonged to", "path"},
	}
	for _, test := range tests {
		// The entry changes before the request with this number, of the job's own.
		steps := map[string]byte{"looking": pktLstat, "opened": pktFstat}
		if test.opts == "path" {
			steps = map[string]byte{"looking": pktLstat, "looking again": pktOpen}
		}
		for when, kind := range steps {
			t.Run(test.name+" while "+when, func(t *testing.T) {
				f := newFake(dir("r", dir("d", file("x"))))
				f.extensions = []string{fastlane.LSetStatExtension}
				reqs := f.asAudited(0o600, test.path)
				done := false
				f.hook = func(r fakeReq) []byte {
					if r.kind == kind && r.path == "/r/"+test.path && !done {
						done = true
						test.edit(f.find(r.path))
					}
					if test.opts == "path" && r.kind == pktOpen {
						return status(r.id, codeDenied)
					}
					return nil
				}
				r := mustChange(t, f, reqs)[0]
				if r.Outcome != ChangeRefused || !strings.Contains(r.Err.Error(), test.why) {
					t.Errorf("%+v, want a refusal with %q", r, test.why)
				}
				if f.count[pktFsetstat]+f.count[pktExtended] > 0 || len(f.handles) > 0 {
					t.Errorf("requests %v, %d handles open", f.count, len(f.handles))
				}
				if when == "looking" && f.count[pktOpen] > 0 {
					t.Error("what is not the audited entry was opened")
				}
			})
		}
	}
}

// TestChangeAbove has a directory above the entry be none, or unknown.
func TestChangeAbove(t *testing.T) {
	for _, test := range []struct {
		mode uint32
		why  string
	}{
		{fastlane.TypeSymlink | 0o777, `"d" above it is not a directory now`},
		{fastlane.TypeRegular | 0o755, `"d" above it is not a directory now`},
	} {
		f := newFake(dir("r", dir("d", dir("e", file("x"))), file("y")))
		reqs := f.asAudited(0o600, "d/e/x", "y")
		f.find("/r/d").attr.Mode = test.mode
		r := mustChange(t, f, reqs)
		if r[0].Outcome != ChangeRefused || !strings.Contains(r[0].Err.Error(), test.why) || r[1].Outcome != ChangeApplied {
			t.Errorf("%+v", r)
		}
		if f.count[pktOpen] != 1 {
			t.Errorf("requests %v", f.count)
		}
	}
}

// TestChangeLinkSeenByReadlink has a server whose LSTAT follows symlinks, as
// ProFTPD's does: READLINK tells.
func TestChangeLinkSeenByReadlink(t *testing.T) {
	for _, link := range []string{"/r", "/r/d", "/r/d/x"} {
		f := newFake(dir("r", dir("d", file("x"))))
		reqs := f.asAudited(0o600, "d/x")
		f.hook = func(r fakeReq) []byte {
			if r.kind == pktReadlink && r.path == link {
				return nameReply(r.id, file("/etc/passwd"))
			}
			return nil
		}
		if r := mustChange(t, f, reqs)[0]; r.Outcome != ChangeRefused || f.count[pktOpen] > 0 {
			t.Errorf("%s: %+v, requests %v", link, r, f.count)
		}
	}
}

func TestChangeBadRequests(t *testing.T) {
	f := newFake(dir("r", file("x"), &node{name: "link", attr: attrOf(fastlane.TypeSymlink | 0o777)}))
	var reqs []ChangeRequest
	for _, p := range []string{"", "/etc/passwd", "../x", "x/..", "x//y", "x\x00"} {
		reqs = append(reqs, ChangeRequest{Path: p, Expect: f.find("/r/x").attr, Mode: 0o600})
	}
	reqs = append(reqs, f.asAudited(0o600, "link")...)
	reqs = append(reqs, ChangeRequest{Path: "x", Expect: Attr{}, Mode: 0o600}, ChangeRequest{Path: "nowhere", Expect: f.find("/r/x").attr})
	for i, r := range mustChange(t, f, reqs) {
		if r.Outcome != ChangeRefused {
			t.Errorf("%q: %+v", reqs[i].Path, r)
		}
	}
	if f.count[pktOpen] > 0 {
		t.Errorf("requests %v", f.count)
	}
}

// TestChangeVerifies has servers that accept a change and do something else.
func TestChangeVerifies(t *testing.T) {
	tests := []struct {
		name  string
		after func(n *node)
		why   string
	}{
		{"ignored", func(n *node) { n.attr.Mode = n.attr.Mode&^0o7777 | 0o644 }, "did not make it: the mode is still 0644"},
		{"masked", func(n *node) { n.attr.Mode &^= 0o2000 }, "made the mode 0750, not 2750"},
		{"swapped for a link", func(n *node) { n.attr.Mode = fastlane.TypeSymlink | 0o2750 }, "names another entry since"},
		{"swapped for another's", func(n *node) { n.attr.UID = 0 }, "names another entry since"},
		{"mode gone", func(n *node) { n.attr = Attr{} }, "does not tell its mode since"},
	}
	for _, test := range tests {
		for _, way := range []byte{pktFsetstat, pktExtended} {
			t.Run(fmt.Sprint(test.name, way), func(t *testing.T) {
				f := newFake(dir("r", file("x")))
				f.extensions = []string{fastlane.LSetStatExtension}
				f.hook = func(r fakeReq) []byte {
					if r.kind == pktOpen && way == pktExtended {
						return status(r.id, codeDenied)
					}
					if r.kind != way {
						return nil
					}
					reply := f.serveOne(r)
					test.after(f.find("/r/x"))
					return reply
				}
				r := mustChange(t, f, f.asAudited(0o2750, "x"))[0]
				if r.Outcome != ChangeFailed || !strings.Contains(r.Err.Error(), test.why) || r.Now != f.find("/r/x").attr {
					t.Errorf("%+v, want %q", r, test.why)
				}
			})
		}
	}
}
