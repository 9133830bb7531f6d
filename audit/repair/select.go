package repair

import (
	"cmp"
	"slices"
	"strings"

	"hostperm/audit"
	"hostperm/policy"
)

// Choice is what a repair may do. The zero value may do nothing.
type Choice struct {
	Tighten  bool            // remove bits
	Loosen   bool            // add bits
	HTAccess bool            // add the read bits that an .htaccess itself lacks
	Skip     func(Step) bool // steps to leave out altogether, by rule, by path, ...; nil: none
}

// Unattended is what --fix --yes may do without being asked: tighten, and make
// .htaccess readable; anything that adds bits elsewhere only with --loosen.
func Unattended(loosen bool) Choice {
	return Choice{Tighten: true, HTAccess: true, Loosen: loosen}
}

// PlannedStep is a step with the mode that was agreed to. It is between From
// and Want where only one direction was approved: bits are then only removed, or
// only added.
type PlannedStep struct {
	Step
	Target policy.Mode
}

// Planned gives the step as the message that announces it.
func (s PlannedStep) Planned() audit.Change {
	return audit.Change{Path: s.Path, From: s.From, To: s.Target, Status: audit.Planned}
}

// LeftOver is a change, or the rest of one, that a repair does not make.
type LeftOver struct {
	Path      string
	Kind      policy.Kind
	Rules     []string // sorted
	Severity  policy.Severity
	From      policy.Mode // the mode after the steps that were selected
	Want      policy.Mode // means something only if Direction is not None
	Direction policy.Direction
	Reason    string // one clause for a person; it quotes nothing that the server sent
	Flags     string // of hostperm audit, that would make the change; "": it takes a decision
}

// Select takes the steps that c allows, as far as it allows them, and gives the
// rest as left over, together with what the plan itself left over.
func (p *Plan) Select(c Choice) ([]PlannedStep, []LeftOver) {
	steps := make([]PlannedStep, 0, len(p.Steps))
	rest := slices.Clone(p.Left)
	for i := range p.Steps {
		s := &p.Steps[i]
		if c.Skip != nil && c.Skip(*s) {
			rest = append(rest, s.left(s.From, "was not chosen"))
			continue
		}
		target := c.target(s)
		if target != s.From {
			steps = append(steps, PlannedStep{*s, target})
		}
		if target != s.Want {
			rest = append(rest, s.left(target, "was not agreed to"))
		}
	}
	sortLeft(rest)
	return steps, rest
}

// target is the mode of s that c allows.
func (c Choice) target(s *Step) policy.Mode {
	to := s.From
	if c.Tighten {
		to &= s.Want
	}
	adds := s.Want &^ s.From
	switch {
	case c.Loosen:
		to |= adds
	case c.HTAccess && s.HTAccess:
		to |= adds & readBits
	}
	return to
}

// left is what remains of s when its mode is from.
func (s *Step) left(from policy.Mode, why string) LeftOver {
	d := policy.DirectionOf(from, s.Want)
	l := LeftOver{
		Path: s.Path, Kind: s.Kind, Rules: s.Rules, Severity: s.Severity,
		From: from, Want: s.Want, Direction: d, Flags: "--fix",
	}
	switch d {
	case policy.Tighten:
		l.Reason = "removing bits " + why
	case policy.Loosen:
		l.Reason, l.Flags = "adding bits "+why, "--fix --loosen"
	default:
		l.Reason, l.Flags = "removing and adding bits "+why, "--fix --loosen"
	}
	return l
}

// left is a finding that no step can come from.
func left(f *audit.Finding, reason string) LeftOver {
	l := LeftOver{
		Path: f.Path, Kind: f.Kind, Rules: []string{f.Rule}, Severity: f.Severity,
		From: f.Mode, Want: f.Want, Direction: f.Change, Reason: reason,
	}
	if l.Direction == "" {
		l.Direction = policy.None
	}
	return l
}

func sortLeft(list []LeftOver) {
	slices.SortFunc(list, func(a, b LeftOver) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), slices.Compare(a.Rules, b.Rules))
	})
}
