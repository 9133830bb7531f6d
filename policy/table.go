package policy

import "strings"

// Table describes all rules as a Markdown table: the ID, the highest severity
// that it reports, and what it flags.
func Table() string {
	var b strings.Builder
	b.WriteString("| Rule | Severity | What it flags |\n|---|---|---|\n")
	for _, r := range Rules() {
		b.WriteString("| `" + r.ID + "` | " + r.Severity.String() + " | " + r.Title + " |\n")
	}
	return b.String()
}
