package report

import (
	"fmt"
	"strings"
	"testing"

	"hostperm/audit"
)

// TestHeldBack: what no repair changes is not said to be repairable, and why is
// said in every format, as is the notice.
func TestHeldBack(t *testing.T) {
	head := testStart()
	head.Notice = "the web root belongs to \x1broot"
	messages := []audit.Message{head}
	for i := range 30 {
		f := testFinding(fmt.Sprintf("f%02d", i))
		if i > 0 {
			f.Held = fmt.Sprintf("it has %d hard links\x1b", 2+i/2)
		}
		messages = append(messages, f)
	}
	messages = append(messages, audit.Summary{Files: 30, Findings: audit.Counts{Critical: 30}, Remaining: audit.Counts{Critical: 30}, Complete: true})
	out := show(t, "table", Options{}, messages...)
	for _, line := range strings.Split(out, "\n") {
		checkShown(t, "table", line)
	}
	for _, want := range []string{"NOTE: the web root belongs to", "Repair: 1 can be tightened", "Held back: 1 entry: it has 2 hard links", "Held back: 2 entries: it has 3 hard links",
		"Held back: 10 more entries for other reasons"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table does not say %q:\n%s", want, out)
		}
	}
	for _, format := range []string{"json", "jsonl", "csv"} {
		out := show(t, format, Options{}, messages...)
		if !strings.Contains(out, "it has 16 hard links") || !strings.Contains(out, "the web root belongs to") {
			t.Errorf("%s does not say why, or has no notice:\n%s", format, out)
		}
	}
	out = show(t, "table", Options{}, head, messages[2], audit.Summary{Findings: audit.Counts{Critical: 1}, Remaining: audit.Counts{Critical: 1}, Complete: true})
	if strings.Contains(out, "To repair") {
		t.Errorf("a repair is suggested where none would change anything:\n%s", out)
	}
}
