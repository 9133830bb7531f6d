package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"hostperm/audit/repair"
	"hostperm/policy"
)

// planRows is how many lines of a plan are shown before l lists all.
const planRows = 15

// asker is the part of a terminal that confirmation needs.
type asker interface {
	Line(prompt string) (string, error)
	Print(text string)
}

// half is the part of a plan that is asked about in one question: what is
// tightened, or what is loosened.
type half struct {
	verb   string // for the question
	means  string // for the heading
	steps  []repair.Step
	target func(repair.Step) policy.Mode
}

// halves splits a plan in two. A mixed step stands in both, each time with the
// mode that this half alone would give it.
func halves(plan *repair.Plan) (tighten, loosen half) {
	tighten = half{verb: "tighten", means: "removes access, adds none", target: func(s repair.Step) policy.Mode { return s.From & s.Want }}
	loosen = half{verb: "loosen", means: "others could read or enter what is private now", target: func(s repair.Step) policy.Mode { return s.From | s.Want }}
	for _, s := range plan.Steps {
		if s.Direction != policy.Loosen {
			tighten.steps = append(tighten.steps, s)
		}
		if s.Direction != policy.Tighten {
			loosen.steps = append(loosen.steps, s)
		}
	}
	return tighten, loosen
}

// text lists the half, at most limit lines of it; 0 is no limit.
func (h half) text(limit int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n", h.verb, countNoun(len(h.steps), "entry", "entries"), h.means)
	steps := slices.SortedStableFunc(slices.Values(h.steps), func(a, b repair.Step) int { return cmp.Compare(b.Severity, a.Severity) })
	for i, s := range steps {
		if limit > 0 && i == limit {
			fmt.Fprintf(&b, "  ... and %d more (l lists all)\n", len(steps)-limit)
			break
		}
		fmt.Fprintf(&b, "  %s → %s  %s  (%s)\n", s.From, h.target(s), quote(s.Path), strings.Join(s.Rules, ", "))
	}
	return b.String()
}

// confirm asks about one half of a plan and gives the steps agreed to. The end
// of input agrees to nothing.
func confirm(t asker, h half) ([]repair.Step, error) {
	if len(h.steps) == 0 {
		return nil, nil
	}
	t.Print(h.text(planRows))
	for {
		answer, err := t.Line(fmt.Sprintf("%s %s? [y]es, [n]o, [l]ist all, [s]elect: ", h.verb, countNoun(len(h.steps), "entry", "entries")))
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		switch strings.ToLower(answer) {
		case "y", "yes":
			return h.steps, nil
		case "n", "no":
			return nil, nil
		case "l", "list":
			t.Print(h.text(0))
		case "s", "select":
			if h, err = selectSteps(t, h); err != nil {
				return nil, err
			}
		default:
			t.Print("answer y, n, l or s\n")
		}
	}
}

// selectSteps narrows a half down to what a rule or a path pattern names.
func selectSteps(t asker, h half) (half, error) {
	answer, err := t.Line("rules or path patterns to keep, separated by blanks (world-writable  wp-content/**): ")
	if err != nil && !errors.Is(err, io.EOF) {
		return h, err
	}
	words := strings.Fields(answer)
	for _, word := range words {
		if !doublestar.ValidatePattern(word) {
			t.Print(fmt.Sprintf("%s is not a pattern\n", quote(word)))
			return h, nil
		}
	}
	kept := h
	kept.steps = nil
	for _, s := range h.steps {
		if slices.ContainsFunc(words, func(word string) bool { return selects(word, s) }) {
			kept.steps = append(kept.steps, s)
		}
	}
	if len(kept.steps) == 0 {
		t.Print("nothing matches; all are kept\n")
		return h, nil
	}
	t.Print(kept.text(planRows))
	return kept, nil
}

// selects reports whether a word names a step: one of its rules, its path, or
// a pattern of its path.
func selects(word string, s repair.Step) bool {
	return slices.Contains(s.Rules, word) || s.Path == word || doublestar.MatchUnvalidated(word, s.Path)
}

// agreed joins what was agreed to in each half, in the plan's order.
func agreed(plan *repair.Plan, tighten, loosen []repair.Step) []repair.PlannedStep {
	target := make(map[string]policy.Mode)
	for _, s := range tighten {
		target[s.Path] = s.From & s.Want
	}
	for _, s := range loosen {
		from, ok := target[s.Path]
		if !ok {
			from = s.From
		}
		target[s.Path] = from | s.Want&^s.From
	}
	var steps []repair.PlannedStep
	for _, s := range plan.Steps {
		if to, ok := target[s.Path]; ok {
			steps = append(steps, repair.PlannedStep{Step: s, Target: to})
		}
	}
	return steps
}

// countNoun is "1 entry", "2 entries".
func countNoun(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
