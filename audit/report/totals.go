package report

import (
	"strings"

	"hostperm/audit"
	"hostperm/policy"
)

// fixable counts entries by what a repair could do about them.
type fixable struct {
	tighten, loosen, mixed, decide int

	rule  string // of the worst that needs a decision, and the first of those
	worst policy.Severity
	done  int // changes applied

	held heldBack
}

func (x *fixable) found(f audit.Finding) {
	if f.Held != "" {
		x.held.add(f.Held)
		return
	}
	switch f.Change {
	case policy.Tighten:
		x.tighten++
	case policy.Loosen:
		x.loosen++
	case policy.Mixed:
		x.mixed++
	default:
		if x.decide++; f.Severity > x.worst {
			x.rule, x.worst = f.Rule, f.Severity
		}
	}
}

// changed counts a change that was made.
func (x *fixable) changed(c audit.Change) {
	if c.Status == audit.Applied {
		x.done++
	}
}

// totals ends the report of one target.
func (t *table) totals(s audit.Summary, cut bool) {
	if why := incomplete(s, cut, t.gaps.total); why != "" {
		t.line(t.paint(styleBad, "INCOMPLETE")+": "+why, "  ")
	}
	if !cut {
		t.line(seen(s)+excludedNote(s.Excluded), "  ")
		if note := ignoredNote(s.Ignored); note != "" {
			t.line(note, "  ")
		}
	}
	t.line(found(s, t.rows.entries), "  ")
	for _, c := range s.Checks {
		t.line(audit.SafeText(checked(c)), "  ")
	}
	t.outlook()
	t.next()
}

// incomplete says why a run did not see everything, "" if it did.
func incomplete(s audit.Summary, cut bool, gaps int) string {
	const rest = "; there may be more findings than are shown"
	switch gaps = max(gaps, s.Gaps); {
	case cut:
		return "the scan ends without a summary" + rest
	case s.Interrupted:
		return "interrupted" + rest
	case gaps > 0:
		return count(gaps, "place", "places") + " could not be read" + rest
	case !s.Complete:
		return "not everything was seen" + rest
	}
	return ""
}

// checked says what became of a page around a repair.
func checked(c audit.Check) string {
	text := c.URL + ": " + c.Before + " before the repair, " + c.After + " after it"
	if c.Undone != "" {
		text += ", " + c.Undone + " once everything was put back"
	}
	return text
}

// seen counts the entries.
func seen(s audit.Summary) string {
	text := count(s.Dirs, "directory", "directories") + ", " + count(s.Files, "file", "files")
	if s.Symlinks > 0 {
		text += ", " + count(s.Symlinks, "symlink", "symlinks")
	}
	if s.Other > 0 {
		text += ", " + number(s.Other) + " other"
	}
	return text
}

func excludedNote(n int64) string {
	if n == 0 {
		return ""
	}
	return " (" + number(n) + " excluded and not looked at)"
}

// ignoredNote says that the policy keeps findings from being reported.
func ignoredNote(n int64) string {
	if n == 0 {
		return ""
	}
	return count(int(n), "finding", "findings") + " more that the policy ignores"
}

// found counts the findings and the entries that have them (0: not said);
// after a repair, what was found before and after it.
func found(s audit.Summary, entries int) string {
	total := s.Findings.AtLeast(policy.Low)
	text := count(total, "finding", "findings")
	switch left := s.Remaining.AtLeast(policy.Low); {
	case s.Remaining != s.Findings && left == 0:
		return text + " before, none remain"
	case s.Remaining != s.Findings:
		return text + " before, " + number(left) + " remain: " + severities(s.Remaining)
	case total == 0:
		return text
	}
	if entries > 0 && entries != total {
		text += " in " + count(entries, "entry", "entries")
	}
	return text + ": " + severities(s.Findings)
}

func severities(c audit.Counts) string {
	var parts []string
	for _, x := range []struct {
		n    int
		name policy.Severity
	}{{c.Critical, policy.Critical}, {c.High, policy.High}, {c.Medium, policy.Medium}, {c.Low, policy.Low}} {
		if x.n > 0 {
			parts = append(parts, number(x.n)+" "+x.name.String())
		}
	}
	return strings.Join(parts, ", ")
}

// outlook says what a repair could do.
func (t *table) outlook() {
	x := t.fixable
	var parts []string
	if x.tighten > 0 {
		parts = append(parts, number(x.tighten)+" can be tightened")
	}
	if x.loosen > 0 {
		parts = append(parts, number(x.loosen)+" would be loosened (private now, readable by others then)")
	}
	if x.mixed > 0 {
		parts = append(parts, number(x.mixed)+" would lose some bits and gain others")
	}
	if x.decide > 0 {
		parts = append(parts, count(x.decide, "needs", "need")+" your decision")
	}
	if len(parts) > 0 {
		t.line("Repair: "+strings.Join(parts, ", "), "  ")
	}
	for _, line := range x.held.lines() {
		t.line("Held back: "+line, "  ")
	}
}

// next writes the commands to type next. They are not wrapped, to be copied.
func (t *table) next() {
	x, next := t.fixable, t.commands()
	command := func(what, cmd string) {
		if cmd != "" {
			t.out.text(what, ": ", cmd, "\n")
		}
	}
	dry := t.changes[audit.Planned] != nil
	switch tried := len(t.changes) > 0; {
	case x.tighten+x.loosen+x.mixed == 0:
	case !t.o.Fixing || dry || !tried:
		command("To repair", next.Fix)
	case x.loosen+x.mixed > 0:
		command("To loosen the rest too", next.Loosen)
	}
	if x.done > 0 || t.changes[audit.Failed] != nil { // what failed may have been made, and not seen
		command("To put it all back", next.Undo)
	}
	if x.rule != "" {
		command("What to decide", "hostperm rules "+audit.ShellQuote(x.rule))
	}
}

// commands are what can be typed next about what was audited.
func (t *table) commands() Commands {
	if t.o.Commands != nil {
		return t.o.Commands(t.head)
	}
	var target string
	switch {
	case t.head.Target == "":
		return Commands{}
	case t.head.Root == "" || strings.Contains(t.head.Target, "://"):
		target = audit.ShellQuote(t.head.Target)
	default:
		target = audit.ShellQuote(t.head.Target + ":" + t.head.Root)
	}
	return Commands{Fix: "hostperm audit --fix " + target, Loosen: "hostperm audit --fix --loosen " + target, Undo: "hostperm undo"}
}
