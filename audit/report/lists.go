package report

import (
	"cmp"
	"slices"
	"strings"

	"hostperm/audit"
	"hostperm/policy"
)

// capped keeps the first of many.
type capped[T any] struct {
	limit int // 0: no limit
	kept  []T
	total int
}

func (c *capped[T]) add(v T) {
	if c.total++; c.limit == 0 || len(c.kept) < c.limit {
		c.kept = append(c.kept, v)
	}
}

// ruleCounts counts findings by rule, in the order of the catalogue.
type ruleCounts struct {
	byID  map[string]*ruleCount
	order []*ruleCount // as first met
}

type ruleCount struct {
	id, why string
	n       int
	worst   policy.Severity
}

func (c *ruleCounts) add(f audit.Finding) {
	r := c.byID[f.Rule]
	if r == nil {
		if c.byID == nil {
			c.byID = map[string]*ruleCount{}
		}
		r = &ruleCount{id: f.Rule, why: f.Detail}
		c.byID[f.Rule] = r
		c.order = append(c.order, r)
	}
	r.n++
	r.worst = max(r.worst, f.Severity)
}

// write lists the rules that were broken, how often, and what each means.
func (c *ruleCounts) write(t *table) {
	titles := map[string]string{}
	for _, r := range policy.Rules() {
		titles[r.ID] = r.Title
	}
	slices.SortStableFunc(c.order, func(a, b *ruleCount) int {
		return cmp.Or(cmp.Compare(b.worst, a.worst), cmp.Compare(b.n, a.n), cmp.Compare(a.id, b.id))
	})
	shown := c.order
	if limit := t.limit(rowLimit); limit > 0 && len(shown) > limit {
		shown = shown[:limit]
	}
	idWidth, numWidth := 0, 0
	for _, r := range shown {
		idWidth = max(idWidth, width(audit.SafeText(r.id)))
		numWidth = max(numWidth, len(number(r.n)))
	}
	for _, r := range shown {
		id, n := audit.SafeText(r.id), number(r.n)
		why := titles[r.id]
		if why == "" {
			why = audit.SafeText(r.why)
		}
		lead := strings.Repeat(" ", numWidth-len(n)+2) + n + " × " + id + strings.Repeat(" ", idWidth-width(id)) + "  "
		t.hang(lead, why)
	}
	if left := len(c.order) - len(shown); left > 0 {
		t.line("… and "+count(left, "more rule", "more rules"), "  ")
	}
	t.out.text("\n")
}

// hang writes a paragraph beside its lead, or below it if there is no room.
func (t *table) hang(lead, text string) {
	if t.o.Width > 0 && t.o.Width-width(lead) < detailFair/2 {
		t.out.text(strings.TrimRight(lead, " "), "\n")
		lead = "    "
	}
	indent := strings.Repeat(" ", width(lead))
	if t.o.Width > 0 {
		text = wrap(text, max(t.o.Width-width(lead), detailFair/2), "")
	}
	t.out.text(lead, strings.ReplaceAll(text, "\n", "\n"+indent), "\n")
}

// listGaps says what could not be seen, and why.
func (t *table) listGaps(s audit.Summary) {
	total := max(t.gaps.total, s.Gaps)
	if total == 0 {
		return
	}
	t.line(t.paint(styleBad, "Could not be read")+": "+count(total, "place", "places"), "  ")
	for _, g := range t.gaps.kept {
		t.item(audit.Quote(g.Path), g.Error)
	}
	t.more(total-len(t.gaps.kept), "more place", "more places")
	t.out.text("\n")
}

// item is one line of a list: a path with what is to be said of it.
func (t *table) item(path, text string) {
	if t.o.Width > 0 {
		path = shorten(path, max(t.o.Width/2, pathScarce))
	}
	if text = audit.SafeText(text); text != "" {
		path += ": " + text
	}
	t.line("  "+path, "    ")
}

func (t *table) more(left int, one, many string) {
	if left > 0 {
		t.line("  … and "+count(left, one, many), "    ")
	}
}

// listChanges says what came of a repair, what did not work first.
func (t *table) listChanges() {
	for _, x := range []struct {
		status audit.Status
		style  string
		head   string
	}{
		{audit.Failed, styleBad, "Failed"},
		{audit.Refused, styleBad, "Refused"},
		{audit.Unchanged, "", "Left alone"},
		{audit.Applied, styleGood, "Changed"},
		{audit.Planned, "", "Would be changed"},
	} {
		list := t.changes[x.status]
		if list == nil {
			continue
		}
		head := x.head
		if x.style != "" {
			head = t.paint(x.style, head)
		}
		t.line(head+": "+count(list.total, "entry", "entries"), "  ")
		for _, c := range list.kept {
			path := audit.Quote(c.Path)
			if t.o.Width > 0 {
				path = shorten(path, max(t.o.Width/2, pathScarce))
			}
			text := "  " + c.From.String() + " → " + c.To.String() + "  " + path
			if c.Detail != "" {
				text += ": " + audit.SafeText(c.Detail)
			}
			t.line(text, "    ")
		}
		t.more(list.total-len(list.kept), "more entry", "more entries")
		t.out.text("\n")
	}
}
