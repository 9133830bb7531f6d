package repair

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/fastlane"
)

// planned is a line of a golden plan.
type planned struct {
	path     string
	dir      bool
	mode     policy.Mode
	uid, gid uint32
	want     string
}

// readPlan reads a plan that was written by hand; see testdata/plans.
func readPlan(t *testing.T, name string) (web *policy.Identity, lines []planned) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/plans", name+".plan"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		uid, gid := numbers(t, words[1])
		if words[0] == "web" {
			web = &policy.Identity{UID: uid, GIDs: []uint32{gid}}
			continue
		}
		mode, err := policy.ParseMode(words[0])
		if err != nil {
			t.Fatal(err)
		}
		p := path.Clean(words[2])
		lines = append(lines, planned{p, strings.HasSuffix(words[2], "/"), mode, uid, gid, strings.Join(words[3:], " ")})
	}
	return web, lines
}

func numbers(t *testing.T, text string) (uid, gid uint32) {
	t.Helper()
	if _, err := fmt.Sscanf(text, "%d:%d", &uid, &gid); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return uid, gid
}

// planTree serves the entries of a plan to an audit. A directory that the plan
// does not name is the account's, 0755.
type planTree struct{ lines []planned }

func (w planTree) attr(l *planned) remote.Attr {
	kind := uint32(fastlane.TypeRegular)
	if l.dir {
		kind = fastlane.TypeDir
	}
	return remote.Attr{Flags: fastlane.AttrUIDGID | fastlane.AttrPermissions, UID: l.uid, GID: l.gid, Mode: kind | uint32(l.mode)}
}

// Walk implements audit.Walker.
func (w planTree) Walk(_ context.Context, _ string, v remote.Visitor, _ remote.WalkOptions) error {
	known := make(map[string]*remote.Dir)
	var visit func(p string) *remote.Dir
	show := func(l *planned) *remote.Dir {
		var up *remote.Dir
		if l.path != "." {
			up = visit(path.Dir(l.path))
		}
		e := &remote.Entry{Name: []byte(path.Base(l.path)), Attr: w.attr(l)}
		if l.dir {
			e.Dir = &remote.Dir{Parent: up, Path: l.path, Attr: e.Attr}
			known[l.path] = e.Dir
		}
		v.Entry(up, e)
		return e.Dir
	}
	visit = func(p string) *remote.Dir {
		if known[p] == nil {
			at := slices.IndexFunc(w.lines, func(l planned) bool { return l.path == p })
			if at < 0 {
				return show(&planned{path: p, dir: true, mode: 0o755, uid: 1001, gid: 1001})
			}
			return show(&w.lines[at])
		}
		return known[p]
	}
	for i := range w.lines {
		if l := &w.lines[i]; known[l.path] == nil {
			show(l)
		}
	}
	return nil
}

// TestGoldenPlans holds two profiles of one application on two hosts to what
// their administrators would sign.
func TestGoldenPlans(t *testing.T) {
	for _, profile := range []string{"wordpress+cpanel", "wordpress+mod-php"} {
		web, lines := readPlan(t, profile)
		p, err := policy.New(policy.Options{Profile: profile, WebServer: web})
		if err != nil {
			t.Fatal(err)
		}
		found := planTree{lines}.audit(t, p)
		plan := NewPlan(found)
		steps, _ := plan.Select(Unattended(true))
		unasked, _ := plan.Select(Unattended(false))
		at := func(list []PlannedStep, path string) string {
			for _, s := range list {
				if s.Path == path {
					return s.Target.String()
				}
			}
			return ""
		}
		for _, l := range lines {
			got := "ok"
			switch all, yes := at(steps, l.path), at(unasked, l.path); {
			case all != "" && all == yes:
				got = all + " yes"
			case all != "":
				got = all + " loosen"
			case slices.ContainsFunc(found, func(f audit.Finding) bool { return f.Path == l.path }):
				got = "report"
			}
			if got != l.want {
				t.Errorf("%s: %v %d:%d %s: %s, want %s (%s)", profile, l.mode, l.uid, l.gid, l.path, got, l.want, details(found, l.path))
			}
		}
		for _, f := range found {
			if !slices.ContainsFunc(lines, func(l planned) bool { return l.path == f.Path }) {
				t.Errorf("%s: %s is no line of the plan, and breaks %s", profile, f.Path, f.Rule)
			}
		}
	}
}

func details(found []audit.Finding, path string) string {
	var out []string
	for _, f := range found {
		if f.Path == path {
			out = append(out, f.Rule+" "+strconv.Quote(f.Detail))
		}
	}
	return strings.Join(out, ", ")
}

// audit audits the tree.
func (w planTree) audit(t *testing.T, p *policy.Policy) []audit.Finding {
	t.Helper()
	r, err := audit.Run(t.Context(), w, "/home/site/public_html", p, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sniff(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return r.Findings
}
