package report

import (
	"strings"

	"hostperm/audit"
)

// table is the report for a person at a terminal, or for a mail from cron. It
// is written when a stream ends.
type table struct {
	out *sink
	o   Options

	n       int // streams written
	head    audit.Start
	rows    *rowSet
	rules   ruleCounts
	fixable fixable
	gaps    capped[audit.Gap]
	changes map[audit.Status]*capped[audit.Change]
	last    string // path of the finding before
}

func newTable(s *sink, o Options) streamHandler { return &table{out: s, o: o} }

func (t *table) start(s audit.Start) error {
	t.head = s
	t.rows = newRowSet(t.o.All, rowLimit)
	t.rules = ruleCounts{}
	t.fixable = fixable{}
	t.gaps = capped[audit.Gap]{limit: t.limit(rowLimit)}
	t.changes = map[audit.Status]*capped[audit.Change]{}
	return nil
}

// limit is how many lines a list may have; 0 is all.
func (t *table) limit(n int) int {
	if t.o.All {
		return 0
	}
	return n
}

func (t *table) message(m audit.Message) error {
	switch m := m.(type) {
	case audit.Finding:
		if m.Fixed {
			return nil // the list of changes has it
		}
		if first := t.rows.entries == 0 && len(t.rows.current) == 0; first || m.Path != t.last {
			t.fixable.found(m)
		}
		t.last = m.Path
		t.rows.add(m)
		t.rules.add(m)
	case audit.Gap:
		t.gaps.add(m)
	case audit.Change:
		list := t.changes[m.Status]
		if list == nil {
			limit := rowLimit
			if m.Status == audit.Refused || m.Status == audit.Failed {
				limit = troubleLimit
			}
			list = &capped[audit.Change]{limit: t.limit(limit)}
			t.changes[m.Status] = list
		}
		list.add(m)
		t.fixable.changed(m)
	}
	return nil
}

// troubleLimit is for changes that did not work: whoever runs a repair has to
// go through them.
const troubleLimit = 500

func (t *table) end(s audit.Summary, cut bool) error {
	if t.n++; t.n > 1 {
		t.out.text("\n")
	}
	if t.clean(s) {
		ignored := ignoredNote(s.Ignored)
		if ignored != "" {
			ignored = ", " + ignored
		}
		t.line(t.paint(styleGood, "clean")+": "+seen(s)+", 0 findings"+ignored+excludedNote(s.Excluded)+" in "+t.where(), "  ")
		t.recognised()
		return nil
	}
	head := t.where() + t.remark(s, cut)
	t.line(head, "  ")
	if t.head.Notice != "" {
		t.line(t.paint(styleBad, "NOTE")+": "+audit.SafeText(t.head.Notice), "  ")
	}
	t.recognised()
	if err := t.findings(); err != nil {
		return err
	}
	t.listGaps(s)
	t.listChanges()
	t.totals(s, cut)
	t.rows = nil // what a stream held is not kept for the next
	return nil
}

// recognised says which profiles nobody asked for, and why they were taken, and
// what else to know about how the web root was judged.
func (t *table) recognised() {
	for _, r := range t.head.Recognised {
		t.line("recognised "+audit.SafeText(r.Profile)+": "+audit.SafeText(r.Reason), "  ")
	}
	for _, note := range t.head.Notes {
		t.line(audit.SafeText(note), "  ")
	}
}

// remark says by what and when the web root was judged.
func (t *table) remark(s audit.Summary, cut bool) string {
	var parts []string
	if t.head.Profile != "" {
		parts = append(parts, "profile "+audit.SafeText(t.head.Profile))
	}
	if s.Complete && !cut && t.repaired() {
		parts = append(parts, "after the repair")
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// repaired reports whether a repair was tried. A complete stream then shows what
// a second audit found.
func (t *table) repaired() bool {
	return len(t.changes) > 0 && t.changes[audit.Planned] == nil
}

// clean reports whether "clean" is the truth: everything was seen, and nothing
// is wrong or was changed, by the summary and by what came before it.
func (t *table) clean(s audit.Summary) bool {
	return Clean(s) && t.rows.findings == 0 && len(t.rows.current) == 0 &&
		t.gaps.total == 0 && len(t.changes) == 0
}

// where names the target and the web root.
func (t *table) where() string {
	switch {
	case t.head.Target == "":
		return audit.Quote(t.head.Root)
	case strings.Contains(t.head.Target, "://"), t.head.Root == "":
		return audit.Quote(t.head.Target)
	}
	return audit.Quote(t.head.Target + ":" + t.head.Root)
}

// findings writes the table and the rules below it.
func (t *table) findings() error {
	rows := t.rows.rows()
	if len(rows) == 0 {
		if t.gaps.total > 0 || len(t.changes) > 0 {
			t.out.text("\n") // before the lists
		}
		return nil
	}
	t.out.text("\n")
	if err := writeRows(t.out, rows, t.o); err != nil {
		return err
	}
	grouped := false
	for i := range rows {
		grouped = grouped || rows[i].entries > 1
	}
	switch hidden := t.rows.hiddenEntries; {
	case hidden > 0:
		t.line("… and "+count(hidden, "more entry", "more entries")+" ("+count(t.rows.hiddenFindings, "finding", "findings")+
			"): --all lists every entry, --format jsonl is for scripts", "  ")
	case grouped:
		t.line("(--all lists the entries of a group one by one)", "  ")
	}
	t.out.text("\n")
	t.rules.write(t)
	return nil
}

// line writes one paragraph that fits the width.
func (t *table) line(s, indent string) { t.out.text(wrap(s, t.o.Width, indent), "\n") }

// paint colours s where that is asked for.
func (t *table) paint(style, s string) string {
	if !t.o.Color {
		return s
	}
	return style + s + styleOff
}
