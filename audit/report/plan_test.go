package report

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hostperm/audit"
	"hostperm/policy"
)

func TestPlan(t *testing.T) {
	var findings []audit.Finding
	for i := range 5 {
		findings = append(findings, testFinding(fmt.Sprintf("a/%d", i)))
	}
	for i := range 6 {
		f := testFinding(fmt.Sprintf("b%d/x\x1b", i))
		f.Severity = policy.Low
		findings = append(findings, f)
	}
	show := func(limit int, o Options) string {
		var out bytes.Buffer
		if err := Plan(&out, findings, limit, o); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, w := range []int{0, 40, 80, 200} {
		text := show(3, Options{Width: w})
		for line := range strings.Lines(text) {
			checkShown(t, "plan", strings.TrimSuffix(line, "\n"))
		}
		if !strings.Contains(text, "(5") || !strings.Contains(text, "… and 4 more entries\n") || strings.Count(text, " → ") != 3 ||
			!strings.Contains(text, "11 × world-writable") {
			t.Errorf("at width %d:\n%s", w, text)
		}
		for line := range strings.Lines(text) {
			if w > 0 && width(strings.TrimRight(line, "\n")) > w {
				t.Errorf("at width %d: %q", w, line)
			}
		}
	}
	if text := show(3, Options{All: true}); strings.Count(text, " → ") != len(findings) || strings.Contains(text, "more entries") {
		t.Errorf("all:\n%s", text)
	}
	if text := show(20, Options{}); strings.Contains(text, "more entries") || strings.Count(text, " → ") != 7 {
		t.Errorf("within the limit:\n%s", text)
	}
}

type fullDisk struct{ error }

func (w fullDisk) Write([]byte) (int, error) { return 0, w.error }

func TestPlanCannotBeWritten(t *testing.T) {
	full := errors.New("no space left")
	if err := Plan(fullDisk{full}, []audit.Finding{testFinding("a")}, 1, Options{}); !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 entries", 1: "1 entry", 1234567: "1,234,567 entries"} {
		if got := Count(n, "entry", "entries"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
