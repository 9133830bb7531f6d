package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// print writes the table, what is derived from it, who did not take part, and
// the bars.
func (r *results) print(w io.Writer, s settings) error {
	var text strings.Builder
	heading := fmt.Sprintf("%s at %v: %s", r.name, r.lane, r.plan.title)
	bullet := ""
	if s.markdown {
		fmt.Fprintf(&text, "\n### %s\n\n", heading)
		bullet = "- "
		writeMarkdown(&text, r.rows())
	} else {
		fmt.Fprintf(&text, "\n%s\n\n", heading)
		writeColumns(&text, r.rows())
	}
	for i, line := range r.notes(s.scale) {
		if i == 0 {
			text.WriteByte('\n')
		}
		fmt.Fprintf(&text, "%s%s\n", bullet, line)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// rows gives the table, with its heading. Who did not take part has no row.
func (r *results) rows() [][]string {
	first := r.series[0]
	rows := [][]string{{"", "runs", "wall s", "least–most", "× " + first.name, "CPU s", "CPU µs/entry", "peak MiB"}}
	for _, s := range r.series {
		switch {
		case s.failed != nil:
			rows = append(rows, []string{s.name, "", "FAILED", "", "", "", "", ""})
		case s.measured() && first.measured() && s.tree == first.tree:
			rows = append(rows, s.row(fmt.Sprintf("%.2f", s.ratio(first))))
		case s.measured():
			rows = append(rows, s.row(""))
		}
	}
	if r.plan.nearOnly { // every row has another tree
		for i, row := range rows {
			rows[i] = slices.Delete(row, 4, 5)
		}
	}
	return rows
}

func (s *series) row(ratio string) []string {
	walls := s.walls()
	return []string{
		s.name,
		fmt.Sprint(len(walls)),
		fmt.Sprintf("%.3f", s.wall().Seconds()),
		fmt.Sprintf("%.2f–%.2f", slices.Min(walls).Seconds(), slices.Max(walls).Seconds()),
		ratio,
		fmt.Sprintf("%.2f", s.cpu().Seconds()),
		fmt.Sprintf("%.1f", s.cpuPerEntry()),
		fmt.Sprintf("%.1f", s.peak()),
	}
}

func (r *results) notes(scale float64) []string {
	var lines []string
	if r.plan.derive != nil {
		lines = append(lines, r.plan.derive(r)...)
	}
	for _, s := range r.series {
		switch {
		case s.failed != nil:
			lines = append(lines, fmt.Sprintf("FAILED: %s: %v", s.name, s.failed))
		case s.skipped != "":
			lines = append(lines, fmt.Sprintf("skipped: %s: %s", s.name, s.skipped))
		}
	}
	met := r.bars()
	if scale != 1 && len(met) > 0 {
		lines = append(lines, fmt.Sprintf("The bars are for scale 1, and this is %v:", scale))
	}
	return append(lines, met...)
}

// writeColumns aligns the first column to the left and the others to the right.
func writeColumns(text *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		fmt.Fprintf(text, "%-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(text, "  %*s", widths[i+1], cell)
		}
		text.WriteByte('\n')
	}
}

func writeMarkdown(text *strings.Builder, rows [][]string) {
	for i, row := range rows {
		fmt.Fprintf(text, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(text, "|---%s|\n", strings.Repeat("|--:", len(row)-1))
		}
	}
}
