package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"hostperm/audit"
	"hostperm/audit/repair"
	"hostperm/audit/report"
	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/fastlane"
)

// scripted answers questions from a list, and then as end says.
type scripted struct {
	answers []string
	end     error
	asked   []string
	shown   strings.Builder
}

func (s *scripted) Line(prompt string) (string, error) {
	s.asked = append(s.asked, prompt)
	if len(s.answers) == 0 {
		return "", s.end
	}
	answer := s.answers[0]
	s.answers = s.answers[1:]
	return answer, nil
}

func (s *scripted) Print(text string) { s.shown.WriteString(text) }

// found makes the findings of the default policy about entries of some modes.
func found(t *testing.T, entries map[string]policy.Mode) []audit.Finding {
	t.Helper()
	p, err := policy.New(policy.Options{Profile: "default"})
	if err != nil {
		t.Fatal(err)
	}
	var out []audit.Finding
	for path, mode := range entries {
		name := path[strings.LastIndexByte(path, '/')+1:]
		f := &policy.File{Name: []byte(name), Kind: policy.KindFile, Mode: mode, ModeKnown: true, OwnerKnown: true,
			Dir: &policy.Dir{Path: ".", Mode: 0o755, ModeKnown: true}}
		for _, x := range p.Evaluate(nil, f) {
			attr := remote.Attr{Flags: fastlane.AttrPermissions | fastlane.AttrUIDGID, Mode: 0o100000 | uint32(mode)}
			out = append(out, audit.Finding{Path: path, Kind: f.Kind, Rule: x.Rule.ID, Severity: x.Severity, Mode: mode,
				ModeKnown: true, Want: x.Want, Change: x.Change, OwnerKnown: true, Detail: x.Detail, Attr: attr, Clear: x.Clear, Set: x.Set})
		}
	}
	slices.SortFunc(out, func(a, b audit.Finding) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Rule, b.Rule)) })
	return out
}

const (
	public = "public.php"      // 0666: is tightened
	closed = "closed.txt"      // 0600: is loosened
	mixed  = "in/mixed.html"   // 0606: is both
	theirs = "in/deep/cgi.php" // 4755: is tightened
)

func samplePlan(t *testing.T) (*repair.Plan, []audit.Finding) {
	t.Helper()
	findings := found(t, map[string]policy.Mode{public: 0o666, closed: 0o600, mixed: 0o606, theirs: 0o4755})
	plan := repair.NewPlan(findings)
	if len(plan.Steps) != 4 || len(plan.Left) != 0 {
		t.Fatalf("the sample makes %d steps and leaves %d", len(plan.Steps), len(plan.Left))
	}
	return plan, findings
}

// Every way to answer, and what comes of it.
func TestAsk(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers string // separated by bars
		end     error
		want    string // path=mode, in the order of the plan
		err     error
	}{
		{"yes to both", "y|yes", nil, "closed.txt=0644 in/deep/cgi.php=0644 in/mixed.html=0644 public.php=0644", nil},
		{"tighten alone", "Y|n", nil, "in/deep/cgi.php=0644 in/mixed.html=0604 public.php=0644", nil},
		{"loosen alone", "no|YES", nil, "closed.txt=0644 in/mixed.html=0646", nil},
		{"no to both", "n|n", nil, "", nil},
		{"what is no answer is asked again", "maybe||y|?|n", nil, "in/deep/cgi.php=0644 in/mixed.html=0604 public.php=0644", nil},
		{"a list decides nothing", "l|list|n|l|n", nil, "", nil},
		{"by rule", "s|setid-file|y|n", nil, "in/deep/cgi.php=0644", nil},
		{"by path", "select|public.php|y|n", nil, "public.php=0644", nil},
		{"by name at any depth", "s|mixed.html|y|n", nil, "in/mixed.html=0604", nil},
		{"by name in the root alone", "s|/mixed.html /public.php|y|n", nil, "public.php=0644", nil},
		{"by directory", "s|in/|y|n", nil, "in/deep/cgi.php=0644 in/mixed.html=0604", nil},
		{"by directory at any depth", "s|deep/|y|n", nil, "in/deep/cgi.php=0644", nil},
		{"a directory without a slash is itself", "s|in public.php|y|n", nil, "public.php=0644", nil},
		{"by pattern", "s|in/*|y|n", nil, "in/mixed.html=0604", nil},
		{"by two words", "s|*.html  public.php|y|n", nil, "in/mixed.html=0604 public.php=0644", nil},
		{"selected in each half", "s|*.html|y|s|*.html|y", nil, "in/mixed.html=0644", nil},
		{"selected anew from all", "s|public.php|s|in/|y|n", nil, "in/deep/cgi.php=0644 in/mixed.html=0604", nil},
		{"a bad pattern keeps all", "s|[|y|n", nil, "in/deep/cgi.php=0644 in/mixed.html=0604 public.php=0644", nil},
		{"no match keeps all", "s|nothing|y|n", nil, "in/deep/cgi.php=0644 in/mixed.html=0604 public.php=0644", nil},
		{"no word keeps all", "s||y|n", nil, "in/deep/cgi.php=0644 in/mixed.html=0604 public.php=0644", nil},
		{"the end of input", "", io.EOF, "", nil},
		{"the end of input after a yes", "y", io.EOF, "", nil},
		{"the end of input at a selection", "s", io.EOF, "", nil},
		{"an interruption", "y", errInterrupted, "", errInterrupted},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, findings := samplePlan(t)
			who := &scripted{answers: strings.Split(c.answers, "|"), end: c.end}
			if c.answers == "" {
				who.answers = nil
			}
			steps, err := ask(who, plan, findings, report.Options{})
			if !errors.Is(err, c.err) || (err != nil) != (c.err != nil) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			var got []string
			for _, s := range steps {
				got = append(got, fmt.Sprintf("%s=%s", s.Path, s.Target))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("agreed to %q, want %q\n%s", got, c.want, who.shown.String())
			}
			if len(who.answers) > 0 {
				t.Errorf("%q was not asked for", who.answers)
			}
		})
	}
}

// A half that is empty is not asked about.
func TestAskOnlyWhatThereIs(t *testing.T) {
	findings := found(t, map[string]policy.Mode{closed: 0o600})
	who := &scripted{answers: []string{"y"}, end: io.EOF}
	steps, err := ask(who, repair.NewPlan(findings), findings, report.Options{})
	if err != nil || len(steps) != 1 || len(who.asked) != 1 || !strings.HasPrefix(who.asked[0], "loosen 1 entry?") {
		t.Errorf("%d steps, error %v, asked %q", len(steps), err, who.asked)
	}
}

// What was typed and means nothing is said, quoted.
func TestAskSaysWhatIsWrong(t *testing.T) {
	plan, findings := samplePlan(t)
	who := &scripted{answers: []string{"what", "s", "public.php [\x1b", "s", "nothing"}, end: io.EOF}
	if _, err := ask(who, plan, findings, report.Options{}); err != nil {
		t.Fatal(err)
	}
	has(t, who.shown.String(), "answer y, n, l or s\n", `"[\x1b" is not a pattern; all are kept`, "nothing matches; all are kept\n",
		"no answer: none of it is changed\n")
	lacks(t, who.shown.String(), "\x1b")
}

// What is shown of each half is what it would do, and why: an entry of both
// stands in the second as the first leaves it.
func TestPlanText(t *testing.T) {
	plan, findings := samplePlan(t)
	tighten := tightenHalf(plan, findings)
	lacks(t, tighten.text(false), "closed.txt", "0644  0:0    in/mixed.html")
	has(t, tighten.text(false), "tighten 3 entries: ", "1 of them lacks bits too", "0606 → 0604", "0666 → 0644", "4755 → 0644",
		"2 × world-writable", "anyone on the server can write to it", "1 × setid-file")
	after := loosenHalf(plan, findings, tighten.changes)
	has(t, after.text(false), "loosen 2 entries: ", "0600 → 0644", "0604 → 0644", "2 × file-mode")
	lacks(t, after.text(false), "world-writable", "public.php", "keeps bits")
	without := loosenHalf(plan, findings, nil)
	has(t, without.text(false), "0606 → 0646", "1 of them keeps bits that it should not have")
}

// A long plan is cut, and listed in full on request; siblings make one row.
func TestPlanTextLimit(t *testing.T) {
	entries := make(map[string]policy.Mode)
	for i := range 2 * planRows {
		entries[fmt.Sprintf("d%02d/a.php", i)] = 0o666
	}
	for i := range 9 {
		entries[fmt.Sprintf("all/%d.php", i)] = 0o666
	}
	findings := found(t, entries)
	h := tightenHalf(repair.NewPlan(findings), findings)
	has(t, h.text(false), "tighten 39 entries", "all/* (9 files)", "d00/a.php", "and 16 more entries", "39 × world-writable")
	if n := strings.Count(h.text(false), " → "); n != planRows {
		t.Errorf("%d rows are shown, want %d", n, planRows)
	}
	has(t, h.text(true), "all/8.php", "d29/a.php")
	lacks(t, h.text(true), "more entries")
	if n := strings.Count(h.text(true), " → "); n != len(entries) {
		t.Errorf("%d rows are shown of all, want %d", n, len(entries))
	}
}

// Names from a server reach the terminal quoted.
func TestPlanTextQuotes(t *testing.T) {
	findings := found(t, map[string]policy.Mode{"\x1b]0;x\a": 0o666})
	text := tightenHalf(repair.NewPlan(findings), findings).text(false)
	lacks(t, text, "\x1b", "\a")
	has(t, text, `"\x1b]0;x\x07"`)
}

// An entry whose findings do not say which bits they are about is shown all the
// same: nothing is changed that was not shown.
func TestPlanTextShowsEverything(t *testing.T) {
	findings := found(t, map[string]policy.Mode{public: 0o666})
	for i := range findings {
		findings[i].Clear, findings[i].Set = 0, 0
	}
	has(t, tightenHalf(repair.NewPlan(findings), findings).text(false), public)
}

func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

func lacks(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%q stands in:\n%s", part, text)
		}
	}
}
