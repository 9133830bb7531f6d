package audit

import (
	"cmp"
	"slices"
	"strings"

	"hostperm/remote"
)

// Result is what an audit found. Run makes it; a copy shares its slices.
type Result struct {
	Root     string    // absolute, as it was given to Run
	Findings []Finding // sorted by path, then rule
	Gaps     []Gap     // sorted by path, then error

	Dirs, Files, Symlinks, Other int64 // entries audited, the root included
	Excluded                     int64 // entries left out by Options.Exclude; what is in a directory left out is not counted
	Ignored                      int64 // findings that the policy ignores
	Complete                     bool  // everything was seen that was not excluded

	from   []string       // Options.From
	dirs   []remote.Known // Options.Remember: as they were visited
	links  []seenLink     // that Follow has not looked at
	failed bool           // the walk ended early
}

// Counts counts the findings by severity, and those among them that are not
// fixed.
func (r *Result) Counts() (all, remaining Counts) {
	for i := range r.Findings {
		f := &r.Findings[i]
		all.Add(f.Severity)
		if !f.Fixed {
			remaining.Add(f.Severity)
		}
	}
	return all, remaining
}

// Repaired gives what is to be said of a web root after changes: what later, an
// audit of all of it, saw; and the findings of r that later does not have any
// more, as fixed. A finding that later could not see again stays as it was. If
// later ended early it says nothing of what it did not come to, and r is given.
// Neither is changed.
func (r *Result) Repaired(later *Result) *Result {
	if later.failed {
		return r
	}
	unseen := make(map[string]bool, len(later.Gaps))
	for _, g := range later.Gaps {
		unseen[g.Path] = true
	}
	out := *later
	out.Findings = make([]Finding, 0, max(len(r.Findings), len(later.Findings)))
	rest := later.Findings
	for i := range r.Findings { // both are sorted
		f := &r.Findings[i]
		for len(rest) > 0 && compareFindings(&rest[0], f) < 0 {
			out.Findings = append(out.Findings, rest[0])
			rest = rest[1:]
		}
		if len(rest) > 0 && compareFindings(&rest[0], f) == 0 {
			continue // it remains
		}
		out.Findings = append(out.Findings, *f)
		out.Findings[len(out.Findings)-1].Fixed = !atOrBelow(unseen, f.Path)
	}
	out.Findings = append(out.Findings, rest...)
	return &out
}

// Emit hands the findings and then the gaps to h, in order, up to the first
// error, which it returns.
func (r *Result) Emit(h Handler) error {
	for _, f := range r.Findings {
		if err := h.Handle(f); err != nil {
			return err
		}
	}
	for _, g := range r.Gaps {
		if err := h.Handle(g); err != nil {
			return err
		}
	}
	return nil
}

// Merge takes over what a later audit of some directories (Options.From) says
// of them: the findings and gaps at and below these are replaced, and what it
// counted is added. It is for directories that could not be opened before, and
// were repaired since; one that had been listed in part counts that part twice.
// An audit of the whole root replaces everything. other is not changed.
func (r *Result) Merge(other *Result) {
	if len(other.from) == 0 {
		*r = *other
		r.Findings, r.Gaps = slices.Clone(other.Findings), slices.Clone(other.Gaps)
		return
	}
	seenAgain := pathSet(other.from)
	// Into new slices: a copy of r that someone kept stays as it is.
	var findings []Finding
	for _, f := range r.Findings {
		if !atOrBelow(seenAgain, f.Path) {
			findings = append(findings, f)
		}
	}
	var gaps []Gap
	for _, g := range r.Gaps {
		if !atOrBelow(seenAgain, g.Path) {
			gaps = append(gaps, g)
		}
	}
	r.Findings, r.Gaps = append(findings, other.Findings...), append(gaps, other.Gaps...)
	r.Dirs += other.Dirs
	r.Files += other.Files
	r.Symlinks += other.Symlinks
	r.Other += other.Other
	r.Excluded += other.Excluded
	r.Ignored += other.Ignored
	r.failed = r.failed || other.failed
	r.settle()
}

// settle puts everything in order. A directory that changes while it is listed
// can show a name twice: what was seen last counts.
func (r *Result) settle() {
	r.Findings = sortFindings(r.Findings)
	slices.SortFunc(r.Gaps, func(a, b Gap) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Error, b.Error))
	})
	r.Gaps = slices.Compact(r.Gaps)
	r.Complete = !r.failed && len(r.Gaps) == 0
}

// sortFindings gives findings sorted, and of those that are the same the last
// only. It moves each of them once: they are large.
func sortFindings(findings []Finding) []Finding {
	order := make([]int, len(findings))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(compareFindings(&findings[a], &findings[b]), cmp.Compare(a, b))
	})
	var sorted []Finding
	if len(order) > 0 {
		sorted = make([]Finding, 0, len(order))
	}
	for i, at := range order {
		if i+1 < len(order) && compareFindings(&findings[at], &findings[order[i+1]]) == 0 {
			continue
		}
		sorted = append(sorted, findings[at])
	}
	return sorted
}

func compareFindings(a, b *Finding) int {
	return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Rule, b.Rule))
}

func pathSet(paths []string) map[string]bool {
	set := make(map[string]bool, len(paths))
	for _, p := range paths {
		set[p] = true
	}
	return set
}

// atOrBelow reports whether path is one of dirs or lies below one.
func atOrBelow(dirs map[string]bool, path string) bool {
	if dirs["."] || dirs[path] {
		return true
	}
	for i := range len(path) {
		if path[i] == '/' && dirs[path[:i]] {
			return true
		}
	}
	return false
}
