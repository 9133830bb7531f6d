package repair

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
)

// Step is one entry whose mode should change.
type Step struct {
	Path      string // relative to the root, "." for the root itself; bytes as the server sent them
	Kind      policy.Kind
	Attr      remote.Attr // what the audit saw; a change is refused if the entry no longer looks so
	From      policy.Mode
	Want      policy.Mode
	Direction policy.Direction // of From to Want: never None
	Rules     []string         // that want the change, sorted
	Severity  policy.Severity  // the worst of them
	UID, GID  uint32
	HTAccess  bool // an .htaccess whose own bits keep the web server from reading it
}

// Plan is what findings ask for.
type Plan struct {
	Steps []Step     // sorted by path; one a path
	Left  []LeftOver // findings that no step can come from, sorted by path
}

// htaccessRule is the rule whose repair --yes includes although it adds bits.
const htaccessRule = "htaccess-unreadable"

// NewPlan groups findings by path. A finding becomes part of a step only if it
// is about a file or directory whose mode and owner the server reported, that is
// not in a directory named .ssh, has no second hard link, is not where somebody
// else could have put it (audit.Finding.Held), and on whose wanted mode all
// findings agree; the others are left over, each with the reason.
func NewPlan(findings []audit.Finding) *Plan {
	byPath := func(a, b audit.Finding) int { return strings.Compare(a.Path, b.Path) }
	if !slices.IsSortedFunc(findings, byPath) { // those of an audit are
		findings = slices.Clone(findings)
		slices.SortStableFunc(findings, byPath)
	}
	paths := 0
	for i := range findings {
		if i == 0 || findings[i].Path != findings[i-1].Path {
			paths++
		}
	}
	p := &Plan{Steps: make([]Step, 0, paths)}
	for len(findings) > 0 {
		n := 1
		for n < len(findings) && findings[n].Path == findings[0].Path {
			n++
		}
		p.add(findings[:n])
		findings = findings[n:]
	}
	sortLeft(p.Left)
	return p
}

// add plans for the findings of one path.
func (p *Plan) add(group []audit.Finding) {
	asking := make([]*audit.Finding, 0, len(group))
	for i := range group {
		f := &group[i]
		if f.Change == policy.None || f.Change == "" || f.Want == f.Mode && f.ModeKnown {
			p.Left = append(p.Left, left(f, "needs a decision: no change is proposed"))
			continue
		}
		if reason := untouchable(f); reason != "" {
			p.Left = append(p.Left, left(f, reason))
			continue
		}
		asking = append(asking, f)
	}
	if len(asking) == 0 {
		return
	}
	first := asking[0]
	for _, f := range asking[1:] {
		if f.Want != first.Want || f.Mode != first.Mode || f.Attr != first.Attr {
			for _, f := range asking {
				p.Left = append(p.Left, left(f, "needs a decision: the rules disagree on the mode"))
			}
			return
		}
	}
	p.Steps = append(p.Steps, newStep(asking))
}

func newStep(group []*audit.Finding) Step {
	f := group[0]
	s := Step{
		Path: f.Path, Kind: f.Kind, Attr: f.Attr, From: f.Mode, Want: f.Want,
		Direction: policy.DirectionOf(f.Mode, f.Want), UID: f.Attr.UID, GID: f.Attr.GID,
		Rules: make([]string, 0, len(group)),
	}
	for _, f := range group {
		s.Rules = append(s.Rules, f.Rule)
		s.Severity = max(s.Severity, f.Severity)
	}
	slices.Sort(s.Rules)
	s.Rules = slices.Compact(s.Rules)
	s.HTAccess = s.Kind == policy.KindFile && path.Base(s.Path) == ".htaccess" &&
		slices.Contains(s.Rules, htaccessRule) && s.Want&^s.From&readBits != 0
	return s
}

// readBits are what a web server needs to read a file.
const readBits policy.Mode = 0o0444

// untouchable says why a finding must not lead to a change, "" if it may. Most
// of it no audit proposes; it is said here again so that a mistake there can't
// become a change.
func untouchable(f *audit.Finding) string {
	switch {
	case !validPath(f.Path):
		return "its path is not one below the root"
	case inSSH(f.Path):
		return "nothing in .ssh is ever changed"
	case f.Kind != policy.KindFile && f.Kind != policy.KindDir:
		return "only files and directories are changed, and this is a " + f.Kind.String()
	case !f.ModeKnown || !f.Attr.HasMode():
		return "the server did not report its mode"
	case !hasOwner(f.Attr):
		return "the server did not report its owner, so a change could not be kept to this very entry"
	case policy.Mode(f.Attr.Perm()) != f.Mode || audit.KindOf(&f.Attr) != f.Kind || f.Want > policy.AllBits:
		return "what is known of it contradicts itself"
	case f.Attr.Links > 1:
		return fmt.Sprintf("it has %d hard links: another name of it may lie outside the web root", f.Attr.Links)
	}
	return f.Held
}

// validPath reports whether p names the root or something below it, without any
// component that could lead elsewhere.
func validPath(p string) bool {
	if p == "." {
		return true
	}
	for rest, more := p, true; more; {
		var c string
		c, rest, more = strings.Cut(rest, "/")
		if c == "" || c == "." || c == ".." || strings.IndexByte(c, 0) >= 0 {
			return false
		}
	}
	return true
}

// inSSH reports whether a component of p is .ssh, in any case: a server may sit
// on a file system that doesn't tell them apart.
func inSSH(p string) bool {
	for rest, more := p, true; more; {
		var c string
		if c, rest, more = strings.Cut(rest, "/"); strings.EqualFold(c, ".ssh") {
			return true
		}
	}
	return false
}

// depth is the number of components below the root: 0 for the root itself.
func depth(p string) int {
	if p == "." {
		return 0
	}
	return strings.Count(p, "/") + 1
}
