package policy

import "path"

// A matcher finds, among many patterns, those that match an entry, without
// looking at all of them for each: what is left of every pattern is worked out
// once for each directory, and an entry's name is compared only with last
// components.
type matcher struct {
	patterns []indexedPattern
	start    *dirState // of the web root
	root     []int     // lines that match the root itself, ascending
}

type indexedPattern struct {
	compiledPattern
	line int // of what it belongs to; ascending
}

// dirState is what a directory's path leaves of the patterns. It is immutable.
type dirState struct {
	alive []aliveSet  // patterns that can still match something below
	last  []candidate // what an entry directly in the directory is compared with, in the order of lines
}

// aliveSet is where in a pattern its directory's path can have got to: bit i
// says that the segments before i are used up.
type aliveSet struct {
	pattern int
	at      uint64
}

type candidate struct {
	segment *segment
	line    int
	dirOnly bool
}

// newMatcher makes a matcher of the patterns of lines.
func newMatcher(lines [][]compiledPattern) *matcher {
	m := &matcher{}
	for line, patterns := range lines {
		for _, p := range patterns {
			if p.root {
				m.root = append(m.root, line)
				continue
			}
			m.patterns = append(m.patterns, indexedPattern{p, line})
		}
	}
	alive := make([]aliveSet, len(m.patterns))
	for i := range m.patterns {
		alive[i] = aliveSet{i, m.closure(i, 1)}
	}
	m.start = m.state(alive)
	return m
}

// closure adds the positions that are reached by letting ** stand for nothing.
func (m *matcher) closure(pattern int, at uint64) uint64 {
	for i, s := range m.patterns[pattern].segments {
		if s.kind == segmentAny && at&(1<<i) != 0 {
			at |= 1 << (i + 1)
		}
	}
	return at
}

// state completes a state with the last components that are due.
func (m *matcher) state(alive []aliveSet) *dirState {
	s := &dirState{alive: alive}
	for _, a := range alive {
		p := &m.patterns[a.pattern]
		if last := len(p.segments) - 1; a.at&(1<<last) != 0 {
			s.last = append(s.last, candidate{&p.segments[last], p.line, p.dirOnly})
		}
	}
	return s
}

// below gives the state of a directory within one with the state s. Where the
// name changes nothing, as deep in a tree, that is s itself.
func (m *matcher) below(s *dirState, name []byte) *dirState {
	var next []aliveSet
	same := true
	for i, a := range s.alive {
		at := m.step(a, name)
		if same && at == a.at {
			continue
		}
		if same {
			same = false
			next = append(make([]aliveSet, 0, len(s.alive)), s.alive[:i]...)
		}
		if at != 0 {
			next = append(next, aliveSet{a.pattern, at})
		}
	}
	if same {
		return s
	}
	return m.state(next)
}

// step lets a pattern take one more component.
func (m *matcher) step(a aliveSet, name []byte) uint64 {
	segments := m.patterns[a.pattern].segments
	var at uint64
	for i := range segments {
		switch {
		case a.at&(1<<i) == 0:
		case segments[i].kind == segmentAny:
			at |= 1 << i
		case i+1 < len(segments) && segments[i].match(name):
			at |= 1 << (i + 1)
		}
	}
	return m.closure(a.pattern, at)
}

// at gives the state of a directory: the one that Enter worked out, or, for a
// directory that nobody entered, one made for the occasion.
func (m *matcher) at(d *Dir) *dirState {
	switch {
	case d == nil || d.Parent == nil:
		return m.start
	case d.entered == m:
		return d.state
	}
	return m.below(m.at(d.Parent), []byte(path.Base(d.Path)))
}

// Enter prepares a directory for judging what is in it: what follows from its
// path is worked out once, rather than for each entry. It is not needed for
// being right, and must not be called while the directory is in use elsewhere.
func (p *Policy) Enter(d *Dir) {
	d.state = p.lines.matcher.at(d)
	p.enterReach(d)
	d.entered = p.lines.matcher
}
