package audit

import (
	"strings"
	"testing"

	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/fastlane"
)

// TestHeld: what somebody else could have put in its place is found, and no
// repair is to change it.
func TestHeld(t *testing.T) {
	linked := file("linked", 0o666)
	a := linked.attrs()
	a.Links = 2
	linked.attr = &a
	nobodys := dir("nobodys", 0o755)
	nobodys.attr = &remote.Attr{Flags: fastlane.AttrPermissions, Mode: fastlane.TypeDir | 0o755}
	site := &tree{nodes: []node{
		dir(".", 0o755),
		file("own", 0o666),
		linked,
		owned(file("roots", 0o666), 0),
		owned(dir("uploads", 0o777), 33),
		owned(file("uploads/theirs", 0o666), 33),
		file("uploads/own", 0o666),
		owned(dir("by-root", 0o755), 0),
		file("by-root/own", 0o666),
		nobodys,
		file("nobodys/own", 0o666),
		owned(file("fine", 0o644), 33),
		owned(node{path: "pipe", mode: fastlane.TypeFIFO | 0o644}, 33),
	}}
	want := map[string]string{
		"own": "", "by-root/own": "",
		"linked":         "2 hard links",
		"roots":          "uid 0, and a directory or link above it to uid 1001",
		"uploads":        "uid 33, and a directory or link above it to uid 1001",
		"uploads/theirs": "uid 33, and a directory or link above it to uid 1001",
		"uploads/own":    "uid 1001, and a directory or link above it to uid 33",
		"nobodys/own":    "does not tell who owns",
		"pipe":           "", // no change is proposed
	}
	check := func(r *Result) {
		t.Helper()
		for _, f := range r.Findings {
			if f.Rule == "foreign-owner" {
				continue // it proposes nothing
			}
			why, known := want[f.Path]
			if !known || (f.Held == "") != (why == "") || !strings.Contains(f.Held, why) {
				t.Errorf("%s, %s: held back for %q", f.Path, f.Rule, f.Held)
			}
		}
	}
	r := run(t, site, Options{})
	if check(r); len(r.Findings) < len(want) {
		t.Errorf("%d findings", len(r.Findings))
	}
	check(run(t, site, Options{From: []string{"uploads", "by-root"}}))

	var way remote.Way
	r = run(t, site, Options{Way: way.ThroughOwner(33, true)})
	for _, f := range r.Findings {
		if f.Change != policy.None && f.Held == "" {
			t.Errorf("below a directory of another's: %s, %s is not held back", f.Path, f.Rule)
		}
	}
}
