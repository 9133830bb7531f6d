package policy

import "strings"

// Text writes what the policy comes to, with all that it extends, as one policy
// file: lines in the order in which they count, each with where it comes from in
// a comment. A policy read from it decides alike.
func (p *Policy) Text() string {
	w := &yamlWriter{}
	w.line("# ", p.name)
	for _, s := range p.sources {
		if s.doc.Description != "" {
			w.line("# ", s.doc.Name, ": ", oneLine(s.doc.Description))
		}
	}
	w.web(p.webOf())
	if p.lines.groupWrites {
		w.line("group-writes: true")
	}
	if written := writtenBy(p.sources); len(written) > 0 {
		w.roles([]Role{{Name: roleWritable, Patterns: written}})
	}
	w.heading("expect", len(p.lines.expect))
	for i := range p.lines.expect {
		l := &p.lines.expect[i]
		if len(l.patterns) > 0 {
			e := *l.from
			e.Patterns = l.patterns
			w.expectation(&e, l.origin())
		}
	}
	var severities []RuleSeverity
	for _, s := range p.sources {
		for _, r := range s.doc.Severities {
			if p.severities[r.Rule] == r.Severity && !hasRule(severities, r.Rule) {
				severities = append(severities, r)
			}
		}
	}
	w.severities(severities, func(r RuleSeverity) string { return r.Pos.String() })
	w.heading("ignore", len(p.lines.ignore))
	for _, i := range p.lines.ignore {
		w.ignore(i.from, i.from.Pos.String())
	}
	return w.b.String()
}

func hasRule(list []RuleSeverity, rule string) bool {
	for _, r := range list {
		if r.Rule == rule {
			return true
		}
	}
	return false
}

// webOf gives who serves and who runs the code, by the files.
func (p *Policy) webOf() *Web {
	web := &Web{PHP: p.php}
	for _, s := range p.sources {
		if w := s.doc.Web; w.User.Exists && !web.User.Exists {
			web.User, web.Groups = w.User, w.Groups
		}
	}
	return web
}

// origin says where a line comes from, and by which role it got its paths.
func (l *line) origin() string {
	if l.from.Role != "" {
		return l.from.Pos.String() + ", role " + l.from.Role
	}
	return l.from.Pos.String()
}

// oneLine keeps a text within a comment.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
