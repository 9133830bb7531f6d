package policy

import (
	"fmt"
	"strings"
)

// claim is what a document says of one thing.
type claim struct {
	by    *source
	pos   Position
	value string
}

// conflicts compares documents of the same layer, neither of which extends the
// other: where they say different things of the very same paths, and no document
// before them decides, neither has the better claim, and which was named first
// must not decide.
func conflicts(ordered []*source) error {
	first := map[string]claim{}
	var problems Problems
	for _, s := range ordered {
		own := map[string]bool{}
		for _, c := range claims(s) {
			if own[c.about] {
				continue // the document's own first line decides
			}
			own[c.about] = true
			before, claimed := first[c.about]
			switch {
			case !claimed:
				first[c.about] = c.claim
			case before.by.doc.Layer == s.doc.Layer && before.value != c.value && !before.by.reaches(s):
				problems = append(problems, c.pos.problem("%s: %s says %s, and %s %s; a policy file that extends both can decide",
					c.about, before.pos, before.value, c.pos, c.value))
			}
		}
	}
	return problems.err()
}

type aboutClaim struct {
	claim
	about string
}

// claims lists what a document says, in its order.
func claims(s *source) []aboutClaim {
	var out []aboutClaim
	add := func(pos Position, about, value string) {
		out = append(out, aboutClaim{claim{s, pos, value}, about})
	}
	for _, e := range s.doc.Expect {
		for _, where := range whereOf(e) {
			if e.Files != nil {
				add(e.Files.Pos, "files of "+where, e.Files.String())
			}
			if e.Dirs != nil {
				add(e.Dirs.Pos, "directories of "+where, e.Dirs.String())
			}
			if e.Owner != nil {
				add(e.Pos, "owner of "+where, fmt.Sprint(e.Owner))
			}
			if e.Group != nil {
				add(e.Pos, "group of "+where, fmt.Sprint(e.Group))
			}
		}
	}
	for _, r := range s.doc.Severities {
		add(r.Pos, "severity of "+r.Rule, r.Severity.String())
	}
	if w := s.doc.Web; w.User.Exists {
		add(w.User.Pos, "the web server's user", fmt.Sprint(w.User, w.Groups))
	}
	if s.doc.Web.PHP != "" {
		add(Position{File: s.doc.Name}, "who PHP runs as", s.doc.Web.PHP)
	}
	return out
}

func whereOf(e *Expectation) []string {
	if e.Role != "" {
		return []string{"role " + e.Role}
	}
	return globs(e.Patterns)
}

// String says in words what the modes are.
func (m *Modes) String() string {
	switch {
	case m.Want != "" && len(m.Allow) > 0:
		return m.Want + " (or " + strings.Join(m.Allow, ", ") + ")"
	case m.Want != "":
		return m.Want
	case m.Require != "" && m.Forbid != "":
		return m.Require + " and not " + m.Forbid
	case m.Require != "":
		return m.Require
	}
	return "not " + m.Forbid
}
