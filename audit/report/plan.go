package report

import (
	"io"

	"hostperm/audit"
)

// Plan writes changes that a repair proposes as a table, most severe first and
// siblings that are alike as one row, with what each rule means below it.
// proposed are the findings that ask for the changes, sorted by path, with the
// mode that each entry has in Mode and the one that it would get in Want. Of the
// rows at most limit are written, unless o.All says all.
//
// The error is the writer's.
func Plan(w io.Writer, proposed []audit.Finding, limit int, o Options) error {
	t := &table{out: newSink(w), o: o, rows: newRowSet(o.All, limit)}
	for _, f := range proposed {
		t.rows.add(f)
		t.rules.add(f)
	}
	if err := writeRows(t.out, t.rows.rows(), o); err != nil {
		return err
	}
	if hidden := t.rows.hiddenEntries; hidden > 0 {
		t.line("… and "+count(hidden, "more entry", "more entries"), "  ")
	}
	t.out.text("\n")
	t.rules.write(t)
	return t.out.flush()
}
