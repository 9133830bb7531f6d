package main

import (
	"cmp"
	"slices"

	"hostperm/audit/repair"
	"hostperm/audit/report"
)

// sayLeft says, reason by reason, what a fix that did not ask has left as it is,
// with the command that would change it.
func (s *session) sayLeft() {
	paths := make(map[string]map[string]bool) // by reason
	var first []repair.LeftOver               // of each reason
	for _, l := range s.left {
		if paths[l.Reason] == nil {
			paths[l.Reason] = make(map[string]bool)
			first = append(first, l)
		}
		paths[l.Reason][l.Path] = true
	}
	slices.SortStableFunc(first, func(a, b repair.LeftOver) int {
		return cmp.Compare(len(paths[b.Reason]), len(paths[a.Reason]))
	})
	for _, l := range first {
		s.app.note("left as it is: %s: %s", report.Count(len(paths[l.Reason]), "entry", "entries"), l.Reason)
		if s.out.format != "table" { // a table ends with it
			s.app.note("hint: %s", s.remedy(l))
		}
	}
	s.sayForeign()
}

// sayForeign says after a fix what to ask the host for, since no fix changes an
// owner. No command is given for root to run: what a tenant has put into a
// directory, a chown -R would give him.
func (s *session) sayForeign() {
	if !s.fix {
		return
	}
	paths := make(map[string]bool)
	for i := range s.result.Findings {
		if f := &s.result.Findings[i]; !f.Fixed && (f.Rule == "foreign-owner" || f.Rule == "wrong-owner") {
			paths[f.Path] = true
		}
	}
	if len(paths) == 0 {
		return
	}
	s.app.note("%s to somebody else, which no repair changes: ask the host to set the owner",
		report.Count(len(paths), "entry belongs", "entries belong"))
	s.app.note("hint: they are listed by hostperm audit --rule foreign-owner --rule wrong-owner %s%s",
		again(s.typed, auditAgain()), shellQuote(s.target.String()))
}

// remedy is what to type to have a left-over changed, or to read about it.
func (s *session) remedy(l repair.LeftOver) string {
	switch l.Flags {
	case "":
		return "hostperm rules " + shellQuote(l.Rules[0])
	case "--fix":
		return s.commands().Fix
	}
	return s.commands().Loosen
}
