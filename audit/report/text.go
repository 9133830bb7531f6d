package report

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

const ellipsis = "…"

// width is the number of terminal columns that s takes, counted as the table
// library counts them.
func width(s string) int { return twwidth.Width(s) }

// number writes n with a comma between thousands.
func number[T ~int | ~int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Count writes a number with its noun, as the tables do: 1 entry, 2,000 entries.
func Count(n int, one, many string) string { return count(n, one, many) }

// count writes a number with its noun.
func count[T ~int | ~int64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// clip shortens s at its end to w columns.
func clip(s string, w int) string {
	if w <= 0 || width(s) <= w {
		return s
	}
	units := displayUnits(s)
	head := takeHead(units, w-width(ellipsis))
	return strings.Join(units[:head], "") + ellipsis
}

// shorten shortens a quoted path in its middle to w columns, keeping its end:
// all of the last component if that fits. An escape is kept or left out as a
// whole, and so are the quotes around the path.
func shorten(quoted string, w int) string {
	if w <= 0 || width(quoted) <= w {
		return quoted
	}
	open, body, end := "", quoted, ""
	if strings.HasPrefix(quoted, `"`) {
		i := strings.LastIndexByte(quoted, '"') // what follows is a slash, or the sign of a group
		open, body, end = `"`, quoted[1:i], quoted[i:]
	}
	room := max(w-width(ellipsis)-len(open)-len(end), 1)
	units := displayUnits(body)
	name := width(body[lastComponent(body):])
	tail := takeTail(units, max(room*2/3, min(name, room*4/5)))
	used := width(strings.Join(units[tail:], ""))
	head := min(takeHead(units, room-used), tail)
	return open + strings.Join(units[:head], "") + ellipsis + strings.Join(units[tail:], "") + end
}

// lastComponent is where the last component of a path begins, with its slash.
func lastComponent(path string) int {
	return max(strings.LastIndexByte(strings.TrimSuffix(path, "/"), '/'), 0)
}

// displayUnits splits text that Quote or SafeText wrote into what may not be
// cut: an escape, or a character with the marks that join it.
func displayUnits(s string) []string {
	var units []string
	for len(s) > 0 {
		n := unitLen(s)
		if len(units) > 0 && width(s[:n]) == 0 {
			units[len(units)-1] += s[:n]
		} else {
			units = append(units, s[:n])
		}
		s = s[n:]
	}
	return units
}

func unitLen(s string) int {
	if s[0] != '\\' || len(s) == 1 {
		_, n := utf8.DecodeRuneInString(s)
		return n
	}
	n := 2
	switch s[1] {
	case 'x':
		n = 4
	case 'u':
		n = 6
	case 'U':
		n = 10
	}
	return min(n, len(s))
}

// takeHead is how many of the first units fit in w columns.
func takeHead(units []string, w int) int {
	for i, u := range units {
		if w -= width(u); w < 0 {
			return i
		}
	}
	return len(units)
}

// takeTail is where the last units that fit in w columns begin.
func takeTail(units []string, w int) int {
	i := len(units)
	for i > 0 {
		if w -= width(units[i-1]); w < 0 {
			break
		}
		i--
	}
	return i
}

// wrap breaks text at spaces into lines of at most w columns, the second and
// later ones indented, so that no text can pass for a line of the report. A
// word that is longer stays whole, and so do several spaces. 0: no limit.
func wrap(s string, w int, indent string) string {
	if w <= 0 || width(s) <= w {
		return s
	}
	var b strings.Builder
	col, gap := 0, 0 // gap: spaces not yet written
	for i, word := range strings.Split(s, " ") {
		if i > 0 {
			gap++
		}
		n := width(word)
		if n == 0 {
			continue
		}
		if b.Len() > 0 && col+gap+n > w {
			b.WriteString("\n" + indent)
			col, gap = len(indent), 0
		}
		b.WriteString(strings.Repeat(" ", gap) + word)
		col += gap + n
		gap = 0
	}
	return b.String()
}
