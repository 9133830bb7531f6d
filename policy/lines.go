package policy

import "slices"

// aspect is what a line of expect can speak of.
type aspect uint8

const (
	aspectFiles aspect = 1 << iota
	aspectDirs
	aspectOwner
	aspectGroup
	aspectSecret
)

// line is an expectation, compiled.
type line struct {
	from         *Expectation
	patterns     []Pattern // its own, or those of its role, as far as they count
	base         bool      // of the base layer: what is expected when nobody says anything else
	speaks       aspect
	files, dirs  *modeSet
	owner, group *accountSet
}

// lineSet is everything of a policy that goes by paths: lines of expect, and
// behind them those of ignore, and what the application writes.
type lineSet struct {
	matcher *matcher
	expect  []line
	ignore  []*compiledIgnore
	speaks  aspect // of any line
	written int    // the index behind all lines, if an application is known to write anything; or else 0

	groupWrites bool
}

// ordered is a line with where it may stand.
type ordered struct {
	line
	rank int
}

// The ranks of lines: those of somebody's own files come first, then secrets,
// which are what they are on any host, then the rest.
const (
	rankFile = iota
	rankSecret
	rankOther
)

// newLineSet compiles lines in the order in which they count.
func newLineSet(sources []*source, o Options) *lineSet {
	var all []ordered
	roles := rolesOf(sources)
	groupWrites := slices.ContainsFunc(sources, func(s *source) bool { return s.doc.GroupWrites && !s.recognised })
	for _, s := range sources {
		for _, e := range s.doc.Expect {
			list := e.Patterns
			if e.Role != "" {
				list = roles[e.Role]
			}
			x := ordered{line: newLine(e, groupWrites, o.Names), rank: rankOther}
			x.line.patterns = counting(list, s.recognised)
			x.base = s.doc.Layer == LayerBase
			switch {
			case s.doc.Layer == LayerFile:
				x.rank = rankFile
			case e.Secret:
				x.rank = rankSecret
			}
			all = append(all, x)
		}
	}
	slices.SortStableFunc(all, func(a, b ordered) int { return a.rank - b.rank })
	set := fill(all, sources, o)
	set.groupWrites = groupWrites
	return set
}

// fill makes the set of lines in their order, and of what is to be ignored.
func fill(all []ordered, sources []*source, o Options) *lineSet {
	set := &lineSet{}
	var patterns [][]compiledPattern
	for _, x := range all {
		set.expect, set.speaks = append(set.expect, x.line), set.speaks|x.speaks
		patterns = append(patterns, compileAll(x.patterns))
	}
	for _, s := range sources {
		for _, i := range s.doc.Ignore {
			set.ignore = append(set.ignore, newIgnore(i, o.Now))
			patterns = append(patterns, compileAll(counting(i.Patterns, s.recognised)))
		}
	}
	if written := writtenBy(sources); len(written) > 0 {
		set.written = len(patterns)
		patterns = append(patterns, compileAll(written))
	}
	set.matcher = newMatcher(patterns)
	return set
}

// roleWritable is the role of what an application writes.
const roleWritable = "writable"

// writtenBy gives the paths that applications write.
func writtenBy(sources []*source) []Pattern {
	var out []Pattern
	for _, s := range sources {
		for _, r := range s.doc.Roles {
			if r.Name == roleWritable {
				out = append(out, counting(r.Patterns, s.recognised)...)
			}
		}
	}
	return out
}

// writable reports whether an entry is one that the application writes. It does
// not allocate below a directory that was entered.
func (s *lineSet) writable(f *File) bool {
	if s.written == 0 {
		return false
	}
	if f.Dir == nil {
		return slices.Contains(s.matcher.root, s.written)
	}
	for _, c := range s.matcher.at(f.Dir).last {
		if c.line == s.written && c.matches(f) {
			return true
		}
	}
	return false
}

func newLine(e *Expectation, groupWrites bool, names *Names) line {
	l := line{from: e, files: compileModes(e.Files, groupWrites && !e.Secret), dirs: compileModes(e.Dirs, groupWrites),
		owner: resolve(e.Owner, names.user), group: resolve(e.Group, names.group)}
	for _, part := range []struct {
		there bool
		a     aspect
	}{{l.files != nil, aspectFiles}, {l.dirs != nil, aspectDirs}, {l.owner != nil, aspectOwner},
		{l.group != nil, aspectGroup}, {e.Secret, aspectSecret}} {
		if part.there {
			l.speaks |= part.a
		}
	}
	return l
}

// rolesOf collects the paths of each role from all documents.
func rolesOf(sources []*source) map[string][]Pattern {
	roles := map[string][]Pattern{}
	for _, s := range sources {
		for _, r := range s.doc.Roles {
			roles[r.Name] = append(roles[r.Name], r.Patterns...)
		}
	}
	return roles
}

// everything is the pattern that a recognised profile does not get to use: it
// speaks of paths that the profile does not know.
const everything = "**"

// counting gives the patterns that count.
func counting(patterns []Pattern, recognised bool) []Pattern {
	if !recognised {
		return patterns
	}
	var out []Pattern
	for _, p := range patterns {
		if p.Glob != everything {
			out = append(out, p)
		}
	}
	return out
}

func compileAll(patterns []Pattern) []compiledPattern {
	var out []compiledPattern
	for _, p := range patterns {
		if c, err := compilePattern(p.Glob); err == nil { // the parser has checked it
			out = append(out, c)
		}
	}
	return out
}

// find gives the first line that matches an entry and speaks of something, nil
// if there is none. It does not allocate below a directory that was entered.
func (s *lineSet) find(f *File, about aspect) *line {
	if s.speaks&about == 0 {
		return nil
	}
	if f.Dir == nil {
		for _, i := range s.matcher.root {
			if i < len(s.expect) && s.expect[i].speaks&about != 0 {
				return &s.expect[i]
			}
		}
		return nil
	}
	for _, c := range s.matcher.at(f.Dir).last {
		if c.line >= len(s.expect) {
			return nil
		}
		if s.expect[c.line].speaks&about != 0 && c.matches(f) {
			return &s.expect[c.line]
		}
	}
	return nil
}

func (c *candidate) matches(f *File) bool {
	return c.segment.match(f.Name) && (!c.dirOnly || f.Kind == KindDir)
}

// each calls yield for every line that matches an entry, in order and each
// once, by its index; those of ignore come behind those of expect.
func (s *lineSet) each(f *File, yield func(i int)) {
	if f.Dir == nil {
		for _, i := range s.matcher.root {
			yield(i)
		}
		return
	}
	last := -1
	for _, c := range s.matcher.at(f.Dir).last {
		if c.line != last && c.matches(f) {
			yield(c.line)
			last = c.line
		}
	}
}
