package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/fastlane"
)

func newPolicy(t testing.TB, o policy.Options) *policy.Policy {
	t.Helper()
	p, err := policy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func run(t *testing.T, w Walker, o Options) *Result {
	t.Helper()
	r, err := Run(t.Context(), w, "/home/u/public_html", newPolicy(t, policy.Options{}), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// brief gives one line a finding.
func brief(r *Result) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s %v %s %v %v>%v %s", f.Path, f.Kind, f.Rule, f.Severity, f.Mode, f.Want, f.Change))
	}
	return out
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// site has one of everything.
func site() *tree {
	return &tree{nodes: []node{
		dir(".", 0o755),
		file("index.php", 0o644),
		file("b", 0o666),
		dir("a", 0o2775),
		file("a/z", 0o600),
		file("a.b", 0o4755),
		dir("private", 0o700).denied("permission denied"),
		{path: "link", mode: fastlane.TypeSymlink | 0o777},
		{path: "pipe", mode: fastlane.TypeFIFO | 0o644},
		{path: "sock", mode: fastlane.TypeSocket | 0o755},
		{path: "char", mode: fastlane.TypeCharDevice | 0o600},
		{path: "block", mode: fastlane.TypeBlockDevice | 0o600},
		{path: "odd", mode: 0o644},
		{path: "dark", attr: &remote.Attr{Flags: fastlane.AttrSize}},
	}}
}

func TestRun(t *testing.T) {
	w := site()
	counts := &remote.Progress{}
	r := run(t, w, Options{Progress: counts, Window: 7})
	equal(t, "findings", brief(r), []string{
		"a dir dir-mode medium 2775>2755 tighten",
		"a.b file file-mode low 4755>0644 tighten",
		"a.b file setid-file high 4755>0644 tighten",
		"a/z file file-mode low 0600>0644 loosen",
		"b file file-mode medium 0666>0644 tighten",
		"b file world-writable critical 0666>0644 tighten",
		"block block-device special-file medium 0600>0000 none",
		"char char-device special-file medium 0600>0000 none",
		"dark unknown mode-unknown medium 0000>0000 none",
		"odd unknown mode-unknown medium 0644>0000 none",
		"pipe fifo special-file medium 0644>0000 none",
		"private dir dir-mode low 0700>0755 loosen",
		"sock socket special-file medium 0755>0000 none",
	})
	if want := []Gap{{"private", "permission denied"}}; !slices.Equal(r.Gaps, want) || r.Complete {
		t.Errorf("gaps %v, complete %v", r.Gaps, r.Complete)
	}
	if r.Dirs != 3 || r.Files != 4 || r.Symlinks != 1 || r.Other != 6 || r.Excluded != 0 || r.Root != "/home/u/public_html" {
		t.Errorf("counts %+v", r)
	}
	want := Counts{Critical: 1, High: 1, Medium: 8, Low: 3}
	if all, remaining := r.Counts(); all != want || remaining != want {
		t.Errorf("severities %+v, remaining %+v", all, remaining)
	}
	if w.asked.Progress != counts || w.asked.Window != 7 {
		t.Errorf("the walk was asked for %+v", w.asked)
	}
}

// TestFindingCarriesTheEntry holds that a repair can compare with what was seen.
func TestFindingCarriesTheEntry(t *testing.T) {
	attr := remote.Attr{Flags: everything | fastlane.AttrSize, Size: 9, UID: 5, GID: 6, Mode: fastlane.TypeRegular | 0o4600}
	r := run(t, &tree{nodes: []node{dir(".", 0o755), {path: "x", attr: &attr},
		{path: "y", attr: &remote.Attr{Flags: fastlane.AttrPermissions, Mode: fastlane.TypeRegular | 0o600}}}}, Options{})
	x, y := r.Findings[0], r.Findings[3]
	if x.Attr != attr || x.UID != 5 || x.GID != 6 || !x.OwnerKnown || !x.ModeKnown || x.Mode != 0o4600 || x.Detail == "" {
		t.Errorf("x is %+v", x)
	}
	if y.Path != "y" || y.OwnerKnown {
		t.Errorf("y is %+v", y)
	}
}

// TestRootHasNoDirectory holds that nothing of the entry before sticks to one.
func TestRootHasNoDirectory(t *testing.T) {
	c := &collector{limits: defaultLimits, policy: newPolicy(t, policy.Options{}), result: &Result{}}
	root := &remote.Dir{Path: ".", Attr: dir(".", 0o755).attrs()}
	ssh := &remote.Dir{Parent: root, Path: ".ssh", Attr: dir(".ssh", 0o755).attrs()}
	c.entry(nil, &remote.Entry{Name: []byte("."), Attr: root.Attr, Dir: root})
	c.entry(root, &remote.Entry{Name: []byte(".ssh"), Attr: ssh.Attr, Dir: ssh})
	c.entry(ssh, &remote.Entry{Name: []byte("x"), Attr: file("x", 0o600).attrs()})
	c.entry(nil, &remote.Entry{Name: []byte("."), Attr: dir(".", 0o777).attrs(), Dir: root})
	for _, f := range c.result.Findings {
		if f.Change != policy.Tighten {
			t.Errorf("%s of the root: %s", f.Rule, f.Change)
		}
	}
	if len(c.result.Findings) != 2 {
		t.Errorf("found %q", brief(c.result))
	}
}

// TestRootWithoutMode holds that a root whose type was not sent is a directory
// that mode-unknown speaks of, and that what is in it is seen.
func TestRootWithoutMode(t *testing.T) {
	r := run(t, &tree{nodes: []node{{path: ".", attr: &remote.Attr{}}, file("x", 0o600)}}, Options{})
	equal(t, "findings", brief(r), []string{
		". dir mode-unknown medium 0000>0000 none",
		"x file file-mode low 0600>0644 loosen",
	})
}

func TestBlockerIsQuoted(t *testing.T) {
	r := run(t, &tree{nodes: []node{dir(".", 0o755), dir("a\x1b[2J", 0o711), dir("a\x1b[2J/b\n\xff", 0o750),
		file("a\x1b[2J/b\n\xff/.htaccess", 0o644)}}, Options{})
	last := r.Findings[len(r.Findings)-1]
	const want = `a directory above it lacks the search bit for the web server, so visitors get 403 Forbidden on Apache: "a\x1b[2J/b\n\xff"`
	if last.Rule != "htaccess-unreadable" || last.Change != policy.None || last.Detail != want {
		t.Errorf("%+v", last)
	}
}

func TestRootInSSH(t *testing.T) {
	w := &tree{nodes: []node{dir(".", 0o777), file("authorized_keys", 0o666)}}
	r, err := Run(t.Context(), w, "/home/u/.ssh", newPolicy(t, policy.Options{}), Options{})
	if err != nil || len(r.Findings) != 5 {
		t.Fatalf("%v, %v", brief(r), err)
	}
	for _, f := range r.Findings {
		if f.Change != policy.None {
			t.Errorf("%s %s: %s is proposed", f.Path, f.Rule, f.Change)
		}
	}
}

// TestWalkEndsEarly holds that what was seen is kept, and never called complete.
func TestWalkEndsEarly(t *testing.T) {
	w := site()
	w.cut = "a"
	r, err := Run(t.Context(), w, "/r", newPolicy(t, policy.Options{}), Options{})
	if !errors.Is(err, errCut) || r.Complete || len(r.Findings) == 0 || !slices.IsSortedFunc(r.Findings, func(a, b Finding) int { return compareFindings(&a, &b) }) {
		t.Errorf("%v, %+v", err, r)
	}
	w = &tree{nodes: []node{dir(".", 0o755)}, cut: "."}
	if r, err = Run(t.Context(), w, "/r", newPolicy(t, policy.Options{}), Options{}); err == nil || r.Complete {
		t.Error("a walk that saw nothing is complete")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err = Run(ctx, site(), "/r", newPolicy(t, policy.Options{}), Options{}); !errors.Is(err, context.Canceled) || r.Complete {
		t.Errorf("interrupted: %v, complete %v", err, r.Complete)
	}
	w = site()
	if r, err = Run(t.Context(), w, "/r", newPolicy(t, policy.Options{}), Options{Exclude: []string{"["}}); err == nil || r.Complete || len(w.seen) > 0 {
		t.Errorf("a pattern that is not valid: %v, visited %q", err, w.seen)
	}
}

func TestEmptyRoot(t *testing.T) {
	r := run(t, &tree{nodes: []node{dir(".", 0o755)}}, Options{})
	if !r.Complete || r.Dirs != 1 || len(r.Findings)+len(r.Gaps) != 0 {
		t.Errorf("%+v", r)
	}
}

// TestSeenTwice: a directory that changes while it is listed shows a name twice.
func TestSeenTwice(t *testing.T) {
	w := &tree{nodes: []node{dir(".", 0o755), file("x", 0o600), file("x", 0o640)}}
	equal(t, "findings", brief(run(t, w, Options{})), []string{"x file file-mode low 0600>0644 loosen"}) // visited last
}

func TestCleanEntriesDoNotAllocate(t *testing.T) {
	// With a profile whose patterns change on the way down: a directory that was
	// not entered would have them worked out again for each entry.
	c := &collector{limits: defaultLimits, policy: newPolicy(t, policy.Options{Profile: "wordpress+cpanel"}), result: &Result{}}
	root := &remote.Dir{Path: ".", Attr: dir(".", 0o755).attrs()}
	content := &remote.Dir{Parent: root, Path: "wp-content", Attr: dir("", 0o755).attrs()}
	c.entry(nil, &remote.Entry{Name: []byte("."), Attr: root.Attr, Dir: root})
	c.entry(root, &remote.Entry{Name: []byte("wp-content"), Attr: content.Attr, Dir: content})
	entries := []*remote.Entry{
		{Name: []byte("index.php"), Attr: file("", 0o644).attrs()},
		{Name: []byte(".htaccess"), Attr: file("", 0o644).attrs()},
	} // and no symlink: one costs its path
	allocs := testing.AllocsPerRun(100, func() {
		for _, e := range entries {
			c.entry(root, e)
			c.entry(content, e)
		}
	})
	if allocs != 0 || len(c.result.Findings) != 0 || c.result.Files == 0 {
		t.Errorf("%v allocations, %+v", allocs, c.result)
	}
}

// collect is a Handler that fails at its nth message.
type collect struct {
	messages []Message
	failAt   int
}

func (c *collect) Handle(m Message) error {
	if c.messages = append(c.messages, m); len(c.messages) == c.failAt {
		return errCut
	}
	return nil
}

func TestEmit(t *testing.T) {
	r := &Result{Findings: []Finding{{Path: "a"}, {Path: "b"}}, Gaps: []Gap{{Path: "c"}}}
	want := []Message{Finding{Path: "a"}, Finding{Path: "b"}, Gap{Path: "c"}}
	for failAt := range 4 {
		h := &collect{failAt: failAt}
		err := r.Emit(h)
		n := failAt
		if failAt == 0 {
			n = 3
		}
		if !slices.Equal(h.messages, want[:n]) || (err != nil) != (failAt > 0) {
			t.Errorf("failing at %d: %v, %v", failAt, h.messages, err)
		}
	}
}
