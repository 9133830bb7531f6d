package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"hostperm/audit"
	"hostperm/audit/repair"
	"hostperm/audit/report"
	"hostperm/policy"
)

// planRows is how many rows of a plan are shown before l lists all.
const planRows = 15

// asker is the part of a terminal that confirmation needs.
type asker interface {
	Line(prompt string) (string, error)
	Print(text string)
}

// half is the part of a plan that is asked about in one question: what is
// tightened, or what is loosened.
type half struct {
	verb    string // for the question
	means   string // for the heading
	note    string // on entries that stand in the other half too; may be empty
	changes []proposal
	look    report.Options
}

// proposal is what one half of a plan does to one entry.
type proposal struct {
	repair.Step
	from, to policy.Mode
	why      []audit.Finding // that ask for this half of the step
}

// tightenHalf is what a plan takes away. findings are those that it was made of.
func tightenHalf(plan *repair.Plan, findings []audit.Finding) half {
	h := half{verb: "tighten", means: "takes access away and gives none"}
	mixed := 0
	for _, s := range plan.Steps {
		if s.Direction == policy.Loosen {
			continue
		}
		if s.Direction == policy.Mixed {
			mixed++
		}
		h.changes = append(h.changes, proposal{Step: s, from: s.From, to: s.From & s.Want,
			why: reasons(findings, s.Path, func(f audit.Finding) bool { return f.Clear != 0 })})
	}
	if mixed > 0 {
		h.note = report.Count(mixed, "of them lacks bits too", "of them lack bits too") + ", which is asked about next"
	}
	return h
}

// loosenHalf is what a plan gives to others, after what was agreed to take away.
func loosenHalf(plan *repair.Plan, findings []audit.Finding, tightened []proposal) half {
	now := make(map[string]policy.Mode)
	for _, p := range tightened {
		now[p.Path] = p.to
	}
	h := half{verb: "loosen", means: "others can read or enter them then"}
	kept := 0
	for _, s := range plan.Steps {
		if s.Direction == policy.Tighten {
			continue
		}
		from, ok := now[s.Path]
		if !ok {
			from = s.From
		}
		p := proposal{Step: s, from: from, to: from | s.Want,
			why: reasons(findings, s.Path, func(f audit.Finding) bool { return f.Set != 0 })}
		if p.to != s.Want {
			kept++
		}
		h.changes = append(h.changes, p)
	}
	if kept > 0 {
		h.note = report.Count(kept, "of them keeps bits that it should not have", "of them keep bits that they should not have")
	}
	return h
}

// reasons gives the findings about path that ask for one half of its step.
// findings are sorted by path.
func reasons(findings []audit.Finding, path string, asks func(audit.Finding) bool) []audit.Finding {
	i, _ := slices.BinarySearchFunc(findings, path, func(f audit.Finding, path string) int { return strings.Compare(f.Path, path) })
	var why, all []audit.Finding
	for ; i < len(findings) && findings[i].Path == path; i++ {
		all = append(all, findings[i])
		if asks(findings[i]) {
			why = append(why, findings[i])
		}
	}
	if len(why) == 0 {
		return all // nothing is changed that was not shown
	}
	return why
}

// text shows the half: as a table of its first rows, or of everything.
func (h half) text(all bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s %s: %s\n", h.verb, report.Count(len(h.changes), "entry", "entries"), h.means)
	if h.note != "" {
		b.WriteString(h.note + "\n")
	}
	b.WriteByte('\n')
	var rows []audit.Finding
	for _, p := range h.changes {
		for _, f := range p.why {
			f.Mode, f.Want = p.from, p.to
			rows = append(rows, f)
		}
	}
	look := h.look
	look.All = all
	_ = report.Plan(&b, rows, planRows, look) // a strings.Builder takes everything
	return b.String()
}

// confirm asks about one half of a plan and gives what was agreed to. At the
// end of input the error is io.EOF.
func confirm(t asker, h half) ([]proposal, error) {
	if len(h.changes) == 0 {
		return nil, nil
	}
	t.Print(h.text(h.look.All))
	for chosen := h; ; {
		answer, err := t.Line(fmt.Sprintf("%s %s? [y]es, [n]o, [l]ist all, [s]elect: ", h.verb,
			report.Count(len(chosen.changes), "entry", "entries")))
		if err != nil {
			return nil, err
		}
		switch strings.ToLower(answer) {
		case "y", "yes":
			return chosen.changes, nil
		case "n", "no":
			return nil, nil
		case "l", "list":
			t.Print(chosen.text(true))
		case "s", "select":
			if chosen, err = selectChanges(t, h); err != nil {
				return nil, err
			}
		default:
			t.Print("answer y, n, l or s\n")
		}
	}
}

// selectChanges narrows a half down to what rules and paths name.
func selectChanges(t asker, h half) (half, error) {
	answer, err := t.Line("rules or paths to keep, such as world-writable wp-content/uploads/ *.php: ")
	if err != nil {
		return h, err
	}
	words := strings.Fields(answer)
	for _, word := range words {
		if !doublestar.ValidatePattern(word) {
			t.Print(fmt.Sprintf("%s is not a pattern; all are kept\n", quote(word)))
			return h, nil
		}
	}
	kept := h
	kept.changes = nil
	for _, p := range h.changes {
		if slices.ContainsFunc(words, func(word string) bool { return p.namedBy(word) }) {
			kept.changes = append(kept.changes, p)
		}
	}
	if len(kept.changes) == 0 {
		t.Print("nothing matches; all are kept\n")
		return h, nil
	}
	t.Print(kept.text(h.look.All))
	return kept, nil
}

// namedBy reports whether a word names the change: one of its rules, or its path
// by a pattern that is read as those of --exclude are, except that a slash at
// the end takes in all that is below.
func (p proposal) namedBy(word string) bool {
	if slices.ContainsFunc(p.why, func(f audit.Finding) bool { return f.Rule == word }) {
		return true
	}
	glob, below := strings.CutSuffix(word, "/")
	glob, inRoot := strings.CutPrefix(glob, "/")
	if !inRoot && !strings.Contains(glob, "/") {
		glob = "**/" + glob
	}
	return doublestar.MatchUnvalidated(glob, p.Path) || below && doublestar.MatchUnvalidated(glob+"/**", p.Path)
}

// agreed joins what was agreed to in each half, in the plan's order.
func agreed(plan *repair.Plan, tightened, loosened []proposal) []repair.PlannedStep {
	target := make(map[string]policy.Mode)
	for _, p := range slices.Concat(tightened, loosened) { // the second half goes on from the first
		target[p.Path] = p.to
	}
	var steps []repair.PlannedStep
	for _, s := range plan.Steps {
		if to, ok := target[s.Path]; ok {
			steps = append(steps, repair.PlannedStep{Step: s, Target: to})
		}
	}
	return steps
}

// ask confirms a plan on the terminal, its two halves one after the other.
// Without an answer nothing of it is agreed to.
func ask(t asker, plan *repair.Plan, findings []audit.Finding, look report.Options) ([]repair.PlannedStep, error) {
	half := tightenHalf(plan, findings)
	half.look = look
	tightened, err := confirm(t, half)
	var loosened []proposal
	if err == nil {
		half = loosenHalf(plan, findings, tightened)
		half.look = look
		loosened, err = confirm(t, half)
	}
	if errors.Is(err, io.EOF) {
		t.Print("no answer: none of it is changed\n")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t.Print("\n")
	return agreed(plan, tightened, loosened), nil
}
