package repair

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote/fastlane"
)

func aFile(mode policy.Mode) node {
	return node{kind: policy.KindFile, mode: mode, uid: account, gid: account, size: 9, mtime: 7}
}

func aDir(mode policy.Mode) node {
	return node{kind: policy.KindDir, mode: mode, uid: account, gid: account, size: 4096, mtime: 7}
}

func TestPlanGroupsByPath(t *testing.T) {
	n := aFile(0o666)
	a, b := finding("a/x.php", n, 0o644), finding("a/x.php", n, 0o644)
	b.Rule, b.Severity = "world-writable", policy.Critical
	p := NewPlan([]audit.Finding{b, finding("a", aDir(0o700), 0o755), a})
	if len(p.Left) != 0 || len(p.Steps) != 2 {
		t.Fatalf("plan is %+v", p)
	}
	if got := p.Steps[0]; got.Path != "a" || got.Direction != policy.Loosen {
		t.Errorf("first step is %+v", got)
	}
	got := p.Steps[1]
	want := Step{
		Path: "a/x.php", Kind: policy.KindFile, Attr: n.attr(), From: 0o666, Want: 0o644, Direction: policy.Tighten,
		Rules: []string{"file-mode", "world-writable"}, Severity: policy.Critical, UID: account, GID: account,
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("second step is\n%+v, want\n%+v", got, want)
	}
}

func TestPlanLeavesOver(t *testing.T) {
	ok := finding("x", aFile(0o666), 0o644)
	with := func(change func(f *audit.Finding)) audit.Finding {
		f := ok
		change(&f)
		return f
	}
	cases := map[string]struct {
		f      audit.Finding
		reason string
	}{
		"no change":         {with(func(f *audit.Finding) { f.Change, f.Want = policy.None, 0 }), "needs a decision: no change is proposed"},
		"already so":        {with(func(f *audit.Finding) { f.Want = f.Mode }), "needs a decision: no change is proposed"},
		"ssh":               {with(func(f *audit.Finding) { f.Path = "home/.ssh/config" }), "nothing in .ssh is ever changed"},
		"ssh itself":        {with(func(f *audit.Finding) { f.Path = ".ssh" }), "nothing in .ssh is ever changed"},
		"ssh in capitals":   {with(func(f *audit.Finding) { f.Path = ".SSH/id" }), "nothing in .ssh is ever changed"},
		"fifo":              {with(func(f *audit.Finding) { f.Kind = policy.KindFIFO }), "only files and directories are changed, and this is a fifo"},
		"symlink":           {with(func(f *audit.Finding) { f.Kind = policy.KindSymlink }), "only files and directories are changed, and this is a symlink"},
		"mode unknown":      {with(func(f *audit.Finding) { f.ModeKnown = false }), "the server did not report its mode"},
		"mode not in attr":  {with(func(f *audit.Finding) { f.Attr.Flags &^= fastlane.AttrPermissions }), "the server did not report its mode"},
		"owner unknown":     {with(func(f *audit.Finding) { f.Attr.Flags &^= fastlane.AttrUIDGID }), "the server did not report its owner, so a change could not be kept to this very entry"},
		"mode contradicts":  {with(func(f *audit.Finding) { f.Attr.Mode ^= 1 }), "what is known of it contradicts itself"},
		"kind contradicts":  {with(func(f *audit.Finding) { f.Kind = policy.KindDir }), "what is known of it contradicts itself"},
		"two hard links":    {with(func(f *audit.Finding) { f.Attr.Links = 2 }), "it has 2 hard links: another name of it may lie outside the web root"},
		"held back":         {with(func(f *audit.Finding) { f.Held = "another's" }), "another's"},
		"more than 12 bits": {with(func(f *audit.Finding) { f.Want |= 0o10000 }), "what is known of it contradicts itself"},
	}
	for _, p := range []string{"", "..", "a/../b", "/etc/passwd", "a//b", "a/", "./a", "a\x00b"} {
		cases["path "+p] = struct {
			f      audit.Finding
			reason string
		}{with(func(f *audit.Finding) { f.Path = p }), "its path is not one below the root"}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := NewPlan([]audit.Finding{c.f})
			steps, rest := p.Select(all())
			if len(steps) != 0 || len(rest) != 1 || rest[0].Reason != c.reason {
				t.Errorf("steps %+v, left %+v, want the reason %q", steps, rest, c.reason)
			}
			if rest[0].Flags != "" {
				t.Errorf("flags %q for what none would change", rest[0].Flags)
			}
		})
	}
}

func TestPlanConflict(t *testing.T) {
	a, b := finding("x", aFile(0o666), 0o644), finding("x", aFile(0o666), 0o640)
	b.Rule = "other"
	p := NewPlan([]audit.Finding{a, b})
	if len(p.Steps) != 0 || len(p.Left) != 2 || !strings.Contains(p.Left[0].Reason, "disagree") {
		t.Errorf("plan is %+v", p)
	}
}

// TestPlanKeepsDecisions: a finding without a change beside one that has one
// doesn't hold up the step, nor is it lost.
func TestPlanKeepsDecisions(t *testing.T) {
	a, b := finding(".env", aFile(0o666), 0o644), finding(".env", aFile(0o666), 0)
	b.Rule, b.Change = "secret-exposed", policy.None
	p := NewPlan([]audit.Finding{a, b})
	if len(p.Steps) != 1 || len(p.Left) != 1 || p.Left[0].Rules[0] != "secret-exposed" || !slices.Equal(p.Steps[0].Rules, []string{"file-mode"}) {
		t.Errorf("plan is %+v", p)
	}
}

func htaccess(p string, mode, want policy.Mode) audit.Finding {
	f := finding(p, aFile(mode), want)
	f.Rule = htaccessRule
	return f
}

func TestSelect(t *testing.T) {
	tighten, loosen := Choice{Tighten: true}, Choice{Loosen: true}
	yes, yesLoosen := Unattended(false), Unattended(true)
	cases := []struct {
		name   string
		f      audit.Finding
		c      Choice
		target policy.Mode
		flags  string // of what is left, "": nothing is left
	}{
		{"tighten", finding("x", aFile(0o666), 0o644), tighten, 0o644, ""},
		{"tighten not agreed", finding("x", aFile(0o666), 0o644), loosen, 0o666, "--fix"},
		{"loosen", finding("x", aFile(0o600), 0o644), loosen, 0o644, ""},
		{"loosen not agreed", finding("x", aFile(0o600), 0o644), yes, 0o600, "--fix --loosen"},
		{"mixed, tighten", finding("x", aFile(0o622), 0o644), tighten, 0o600, "--fix --loosen"},
		{"mixed, loosen", finding("x", aFile(0o622), 0o644), loosen, 0o666, "--fix"},
		{"mixed, both", finding("x", aFile(0o622), 0o644), yesLoosen, 0o644, ""},
		{"mixed, none", finding("x", aFile(0o622), 0o644), Choice{}, 0o622, "--fix --loosen"},
		{"setgid stays", finding("x", aDir(0o3777), 0o3755), tighten, 0o3755, ""},
		{"setuid goes", finding("x", aFile(0o4755), 0o755), tighten, 0o755, ""},
		{"htaccess", htaccess("a/.htaccess", 0o600, 0o644), yes, 0o644, ""},
		{"htaccess, no write bit", htaccess(".htaccess", 0o000, 0o644), yes, 0o444, "--fix --loosen"},
		{"htaccess, mixed", htaccess(".htaccess", 0o602, 0o644), yes, 0o644, ""},
		{"htaccess, not agreed", htaccess(".htaccess", 0o600, 0o644), tighten, 0o600, "--fix --loosen"},
		{"htaccess by name only", finding(".htaccess", aFile(0o600), 0o644), yes, 0o600, "--fix --loosen"},
		{"htaccess by rule only", htaccess("secret.txt", 0o600, 0o644), yes, 0o600, "--fix --loosen"},
		{"skipped", finding("x", aFile(0o666), 0o644), Choice{Tighten: true, Skip: func(s Step) bool { return s.Path == "x" }}, 0o666, "--fix"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			steps, rest := NewPlan([]audit.Finding{c.f}).Select(c.c)
			got := c.f.Mode
			if len(steps) == 1 {
				got = steps[0].Target
			}
			if got != c.target || (len(steps) == 0) != (c.target == c.f.Mode) {
				t.Errorf("target %s with %d steps, want %s", got, len(steps), c.target)
			}
			if (len(rest) == 0) != (c.flags == "") {
				t.Fatalf("left %+v, want flags %q", rest, c.flags)
			}
			if len(rest) == 0 {
				return
			}
			if rest[0].Flags != c.flags {
				t.Errorf("flags %q, want %q", rest[0].Flags, c.flags)
			}
			if l := rest[0]; l.From != c.target || l.Want != c.f.Want || l.Direction != policy.DirectionOf(c.target, c.f.Want) {
				t.Errorf("left is %+v", l)
			}
		})
	}
}

// TestSelectProperties: whatever the modes, only approved bits move, and steps
// and what is left over add up to the whole.
func TestSelectProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 5000 {
		from, want := randomMode(rng), randomMode(rng)
		c := Choice{Tighten: rng.IntN(2) == 0, Loosen: rng.IntN(2) == 0, HTAccess: rng.IntN(2) == 0}
		f := finding("x", aFile(from), want)
		if rng.IntN(2) == 0 {
			f = htaccess(".htaccess", from, want)
		}
		steps, rest := NewPlan([]audit.Finding{f}).Select(c)
		to := from
		for _, s := range steps {
			to = s.Target
		}
		adds, removes := to&^from, from&^to
		readable := c.HTAccess && f.Path == ".htaccess"
		switch {
		case adds&^want != 0 || removes&want != 0:
			t.Fatalf("%s → %s passes %s", from, to, want)
		case removes != 0 && !c.Tighten:
			t.Fatalf("%s → %s removes bits unasked", from, to)
		case adds != 0 && !c.Loosen && !(readable && adds&^0o444 == 0):
			t.Fatalf("%s → %s adds bits unasked", from, to)
		case c.Tighten && c.Loosen && to != want:
			t.Fatalf("%s → %s, want %s", from, to, want)
		case (to != want) != (len(rest) == 1):
			t.Fatalf("%s → %s of %s leaves %+v", from, to, want, rest)
		}
	}
}

func TestOrder(t *testing.T) {
	planned := steps(
		finding("a/b/c.php", aFile(0o666), 0o644),
		finding("a/b", aDir(0o000), 0o755),
		finding("a", aDir(0o700), 0o600), // closes
		finding("z.php", aFile(0o666), 0o644),
		finding(".", aDir(0o777), 0o755),
		finding("a/b/d", aDir(0o755), 0o655), // closes
		finding("q", aDir(0o755), 0o700),     // closes for others only
	)
	var got []string
	for _, s := range inOrder(planned) {
		got = append(got, s.Path)
	}
	want := []string{".", "q", "z.php", "a/b", "a/b/c.php", "a/b/d", "a"}
	if !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
}

func TestTogether(t *testing.T) {
	// A path that ends in a slash is a directory whose search bits change.
	of := func(s *string) (string, bool) { return strings.TrimSuffix(*s, "/"), strings.HasSuffix(*s, "/") }
	cases := []struct {
		items []string
		limit int
		want  int
	}{
		{[]string{"."}, 5, 1},
		{[]string{".", "a"}, 5, 2},
		{[]string{"./", "a"}, 5, 1},
		{[]string{"a", "./"}, 5, 1},
		{[]string{"a", "b", "c/d"}, 5, 3},
		{[]string{"a/", "b/", "c/d", "b/x/y"}, 5, 3},
		{[]string{"b/x/y", "c/", "b/x", "b/"}, 5, 3},
		{[]string{"ab/", "a/", "abc/d", "b/c"}, 5, 4},
		{[]string{"a", "b", "c"}, 2, 2},
		{[]string{"a", "b", "a"}, 5, 2},
		{[]string{"a/b/c", "a/b/d", "a/"}, 5, 2},
		{[]string{"a/b/c", "a/b/d/", "a/b/e", "a/b/d/f"}, 5, 3},
		{[]string{"a/b/c", "x/a/b/", "x/a/b/c"}, 5, 2},
		{[]string{"a/b/c/", "a/b/d", "a/b/c/e"}, 5, 2},
	}
	for _, c := range cases {
		if got := together(c.items, c.limit, of); got != c.want {
			t.Errorf("together(%q, %d) = %d, want %d", c.items, c.limit, got, c.want)
		}
	}
}
