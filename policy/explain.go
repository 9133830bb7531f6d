package policy

// Explanation says what a policy decides for one entry, and by which lines.
type Explanation struct {
	Mode, Owner, Group *Decision // nil: no line speaks of it
	Secret             string    // why the entry counts as a secret, "" if it does not
	Later              []string  // where lines stand that match too, and decide nothing

	Findings []Finding
	Ignored  []Ignored
}

// Decision is a line that decides.
type Decision struct {
	Origin string // the file and the line
	Glob   string // the pattern that matches
	Role   string // "": the line has the pattern itself
	Want   string // what is expected, in words
	Why    string // a source or a reason; may be empty
}

// Ignored is a finding that the policy keeps out of the report.
type Ignored struct {
	Rule   string
	By     Position
	Reason string
}

// Explain does what Evaluate does, and says why. An entry whose mode is not known
// has no findings but mode-unknown, and everything else is explained all the same.
func (p *Policy) Explain(f *File) Explanation {
	about := aspectFiles
	if f.Kind == KindDir {
		about = aspectDirs
	}
	x := Explanation{Secret: p.secretWords(f)}
	mode, owner, group := p.lines.find(f, about), p.lines.find(f, aspectOwner), p.lines.find(f, aspectGroup)
	if f.Kind != KindDir && f.Kind != KindFile {
		mode = nil
	}
	if mode != nil {
		x.Mode = mode.decision(f, mode.expects(f.Kind))
	}
	if owner != nil {
		x.Owner = owner.decision(f, accountWords(owner.from.Owner))
	}
	if group != nil {
		x.Group = group.decision(f, accountWords(group.from.Group))
	}
	p.lines.each(f, func(i int) {
		if i >= len(p.lines.expect) {
			return
		}
		if l := &p.lines.expect[i]; l != mode && l != owner && l != group {
			x.Later = append(x.Later, l.from.Pos.String())
		}
	})
	x.Findings = p.Evaluate(nil, f)
	x.Ignored = p.ignoredOf(f)
	return x
}

func (p *Policy) ignoredOf(f *File) []Ignored {
	var out []Ignored
	for _, r := range p.rules {
		if r.OfLinks != (f.Kind == KindSymlink) {
			continue
		}
		if _, broken := r.Check(p, f); broken {
			if by := p.ignored(f, r.ID); by != nil {
				out = append(out, Ignored{r.ID, by.Pos, by.Reason})
			}
		}
	}
	return out
}

func (l *line) decision(f *File, want string) *Decision {
	d := &Decision{Origin: l.from.Pos.String(), Role: l.from.Role, Want: want, Why: l.from.Why}
	for _, pattern := range l.patterns {
		one := newMatcher([][]compiledPattern{compileAll([]Pattern{pattern})})
		set := lineSet{matcher: one}
		set.each(f, func(int) { d.Glob = pattern.Glob })
		if d.Glob != "" {
			break
		}
	}
	return d
}

// secretWords says by what an entry is known to be a secret.
func (p *Policy) secretWords(f *File) string {
	if f.secrecy() != notSecret {
		return "its name is that of a secret"
	}
	if l := p.lines.find(f, aspectSecret); l != nil && f.Kind == KindFile {
		return l.from.Pos.String() + " says that it is a secret"
	}
	return ""
}
