package report

import (
	"bytes"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"hostperm/policy"
)

// columns are the widths of a table in terminal columns; 0 hides one.
type columns struct{ severity, mode, owner, path, rule, detail int }

const (
	columnGap  = 2
	pathFair   = 40 // shows most paths whole
	pathScarce = 16 // below this other columns give way to the path
	pathLeast  = 12 // leaves a character or two between quotes and the sign of a group
	ruleFair   = 24
	ruleScarce = 12
	detailFair = 40 // shows the point of most reasons
	detailGood = 72
)

// naturalColumns are the widths that show every row whole.
func naturalColumns(rows []row) columns {
	c := columns{severity: len("SEVERITY"), mode: len("MODE"), owner: len("OWNER"), path: len("PATH"),
		rule: len("RULE"), detail: len("WHY")}
	for i := range rows {
		r := &rows[i]
		c.mode = max(c.mode, width(r.mode))
		c.owner = max(c.owner, width(r.owner))
		c.path = max(c.path, width(r.path)+width(r.suffix))
		c.rule = max(c.rule, width(r.rule))
		c.detail = max(c.detail, width(r.detail))
	}
	return c
}

// fitted squeezes natural widths into total terminal columns; 0 is no limit.
// The reason in words is shown where a good part of it fits, since the list of
// rules below the table has it too; then long paths and lists of rules are
// shortened, then the owner and the rule give way. What is narrower overflows.
func (c columns) fitted(total int) columns {
	if total <= 0 {
		return c
	}
	room := total - c.severity - c.mode - c.owner - 3*columnGap
	least := columns{path: min(c.path, pathFair), rule: min(c.rule, ruleFair), detail: min(c.detail, detailFair)}
	if left := room - least.path - least.rule - least.detail - 2*columnGap; left >= 0 {
		detail := c.detail
		c.detail = grow(least.detail, min(detail, detailGood), &left)
		c.rule = grow(least.rule, c.rule, &left)
		c.path = grow(least.path, c.path, &left)
		c.detail = grow(c.detail, detail, &left)
		return c
	}
	c.detail = 0
	if share(c, room).path < min(c.path, pathScarce) {
		room += c.owner + columnGap
		c.owner = 0
	}
	if share(c, room).path < min(c.path, pathScarce) {
		c.rule = 0
		c.path = min(c.path, max(room, pathLeast))
		return c
	}
	return share(c, room)
}

// grow widens a column up to what it wants, as far as room is left.
func grow(have, want int, left *int) int {
	n := min(want-have, *left)
	*left -= n
	return have + n
}

// share divides room between path and rule.
func share(c columns, room int) columns {
	room -= columnGap
	if c.path+c.rule <= room {
		return c
	}
	rule := min(c.rule, max(ruleScarce, room*2/5))
	c.path = min(c.path, room-rule)
	c.rule = min(c.rule, room-c.path)
	return c
}

// cells are the texts of one row in the columns that are shown.
func (c columns) cells(r *row) []string {
	cells := []string{r.severity.String(), r.mode}
	if c.owner > 0 {
		cells = append(cells, r.owner)
	}
	cells = append(cells, c.pathCell(r))
	if c.rule > 0 {
		cells = append(cells, fitRules(r.rule, c.rule))
	}
	if c.detail > 0 {
		cells = append(cells, clip(r.detail, c.detail))
	}
	return cells
}

// pathCell never exceeds the column: the table library would break it anywhere.
func (c columns) pathCell(r *row) string {
	for _, suffix := range []string{r.suffix, r.short} {
		if room := c.path - width(suffix); room >= min(pathLeast, width(r.path)) {
			return shorten(r.path, room) + suffix
		}
	}
	return shorten(r.path, c.path)
}

func (c columns) header() ([]string, []int) {
	names := []string{"SEVERITY", "MODE"}
	widths := []int{c.severity, c.mode}
	for _, o := range []struct {
		name  string
		width int
	}{{"OWNER", c.owner}, {"PATH", c.path}, {"RULE", c.rule}, {"WHY", c.detail}} {
		if o.width > 0 {
			names = append(names, o.name)
			widths = append(widths, o.width)
		}
	}
	return names, widths
}

// fitRules shows as many rules as fit, and how many more there are.
func fitRules(rules string, w int) string {
	if width(rules) <= w {
		return rules
	}
	ids := strings.Split(rules, ", ")
	for n := len(ids) - 1; n > 0; n-- {
		if s := strings.Join(ids[:n], ", ") + " +" + number(len(ids)-n); width(s) <= w {
			return s
		}
	}
	if len(ids) == 1 {
		return clip(rules, w)
	}
	more := " +" + number(len(ids)-1)
	return clip(ids[0], w-len(more)) + more
}

// writeRows writes the table itself.
func writeRows(out *sink, rows []row, o Options) error {
	cols := naturalColumns(rows).fitted(o.Width)
	names, widths := cols.header()
	t := plainTable(&rowWriter{out: out, color: o.Color}, widths)
	if err := t.Start(); err != nil {
		return err
	}
	t.Header(names)
	for i := range rows {
		if err := t.Append(cols.cells(&rows[i])); err != nil {
			return err
		}
	}
	return t.Close()
}

// plainTable is a table without lines that streams its rows: blanks alone keep
// the columns apart, so that a row can be copied and searched.
func plainTable(w *rowWriter, widths []int) *tablewriter.Table {
	byColumn := tw.NewMapper[int, int]()
	for i, n := range widths {
		byColumn.Set(i, n+columnGap)
	}
	cell := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Padding:    tw.CellPadding{Global: tw.Padding{Right: strings.Repeat(" ", columnGap), Overwrite: true}},
		Alignment:  tw.CellAlignment{Global: tw.AlignLeft},
	}
	return tablewriter.NewTable(w,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Symbols: tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{
				Lines:      tw.Lines{ShowTop: tw.Off, ShowBottom: tw.Off, ShowHeaderLine: tw.Off, ShowFooterLine: tw.Off},
				Separators: tw.Separators{ShowHeader: tw.Off, ShowFooter: tw.Off, BetweenRows: tw.Off, BetweenColumns: tw.Off},
			},
		})),
		tablewriter.WithConfig(tablewriter.Config{
			Header: cell, Row: cell,
			Behavior: tw.Behavior{TrimSpace: tw.Off, AutoHide: tw.Off},
			Stream:   tw.StreamConfig{Enable: true},
			Widths:   tw.CellWidth{PerColumn: byColumn},
		}))
}

// rowWriter takes the lines of a table, drops the blanks at their ends, and
// colours the first column. Colour comes last because the table library counts
// and cuts text that must not have any in it.
type rowWriter struct {
	out   *sink
	color bool
	line  []byte
}

// Write implements io.Writer. It never fails: the sink keeps the error.
func (w *rowWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			w.line = append(w.line, p...)
			return n, nil
		}
		w.line = append(w.line, p[:i]...)
		w.out.text(w.colored(strings.TrimRight(string(w.line), " ")), "\n")
		w.line, p = w.line[:0], p[i+1:]
	}
}

func (w *rowWriter) colored(line string) string {
	if !w.color {
		return line
	}
	first, rest, _ := strings.Cut(line, " ")
	if rest != "" {
		rest = " " + rest
	}
	if first == "SEVERITY" {
		return styleHead + line + styleOff
	}
	severity, err := policy.ParseSeverity(first)
	if err != nil {
		return line
	}
	return styleOf(severity) + first + styleOff + rest
}

const (
	styleOff  = "\x1b[0m"
	styleHead = "\x1b[1m"
	styleGood = "\x1b[32m"
	styleBad  = "\x1b[1;31m"
	styleDim  = "\x1b[2m"
)

func styleOf(s policy.Severity) string {
	switch s {
	case policy.Critical:
		return styleBad
	case policy.High:
		return "\x1b[31m"
	case policy.Medium:
		return "\x1b[33m"
	}
	return "\x1b[36m"
}
