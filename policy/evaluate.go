package policy

import "fmt"

// Evaluate appends to dst one Finding for each rule that f breaks, sorted by
// rule ID, and returns the extended slice. It does not allocate for an entry
// without findings. Of a symlink only where it leads counts: its mode means nothing.
//
// What the rules propose is combined: all findings of the entry carry the mode
// that repairs all of them at once. If one rule clears a bit that another sets,
// nothing is proposed, and every finding's Detail says which two disagree.
func (p *Policy) Evaluate(dst []Finding, f *File) []Finding {
	dst, _ = p.Judge(dst, f)
	return dst
}

// Judge does what Evaluate does, and counts the findings that the policy says
// are to be ignored: they are not among those appended, nor does the proposed
// mode have anything of theirs.
func (p *Policy) Judge(dst []Finding, f *File) (found []Finding, ignored int) {
	link := f.Kind == KindSymlink
	if link && f.Link == nil {
		return dst, 0
	}
	first := len(dst)
	for _, r := range p.rules {
		if r.OfLinks != link {
			continue
		}
		x, ok := r.Check(p, f)
		if !ok {
			continue
		}
		if p.ignored(f, r.ID) != nil {
			ignored++
			continue
		}
		x.Rule = r
		if s, says := p.severities[r.ID]; says {
			x.Severity = s
		}
		dst = append(dst, x)
	}
	if len(dst) > first {
		combine(dst[first:], f)
		p.keepWriting(dst[first:], f)
	}
	return dst, ignored
}

// combine fills in Want and Change of all findings of one entry.
func combine(findings []Finding, f *File) {
	if f.inSSH() {
		keepSSH(findings)
	}
	var clearBits, setBits Mode
	for i := range findings {
		clearBits |= findings[i].Clear
		setBits |= findings[i].Set
	}
	want := f.Mode&^clearBits | setBits
	if disputed := clearBits & setBits; disputed != 0 {
		explainConflict(findings, disputed)
		want = f.Mode
	}
	change := DirectionOf(f.Mode, want)
	for i := range findings {
		findings[i].Want, findings[i].Change = want, change
	}
}

// DirectionOf tells what going from one mode to another does.
func DirectionOf(from, to Mode) Direction {
	switch adds, removes := to&^from != 0, from&^to != 0; {
	case adds && removes:
		return Mixed
	case adds:
		return Loosen
	case removes:
		return Tighten
	}
	return None
}

// keepSSH withdraws every proposal: sshd refuses keys over a mode that it does
// not like (StrictModes, sshd_config(5)), so a change here can lock an account
// out, and it is not for an audit of web files to take that risk.
func keepSSH(findings []Finding) {
	for i := range findings {
		findings[i].Clear, findings[i].Set = 0, 0
		findings[i].Detail += "; no change is proposed, because a wrong mode in .ssh can lock the account out"
	}
}

// explainConflict names, in every finding, the two rules that disagree.
func explainConflict(findings []Finding, disputed Mode) {
	var clears, sets string
	var bits Mode
	for _, a := range findings {
		for _, b := range findings {
			if both := a.Clear & b.Set & disputed; both != 0 && bits == 0 {
				clears, sets, bits = a.Rule.ID, b.Rule.ID, both
			}
		}
	}
	for i := range findings {
		findings[i].Detail += fmt.Sprintf("; no change is proposed, because the rules disagree: %s clears %v, which %s sets",
			clears, bits, sets)
	}
}
