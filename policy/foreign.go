package policy

import "fmt"

// checkForeign finds what belongs to somebody else than the web root does, unless
// that is root, who can change anything. Of what lies in a directory of the same
// owner's, that directory stands for all.
func checkForeign(p *Policy, f *File) (Finding, bool) {
	if f.Dir == nil || !f.OwnerKnown || !f.rootKnown() || f.UID == f.account() || f.account() == 0 || p.writtenByWeb(f) || p.saidAbove(f) ||
		p.lines.find(f, aspectOwner) != nil {
		return Finding{}, false
	}
	found := Finding{Severity: Medium}
	if f.UID == 0 {
		found.Severity = Low // who could change anything anyway
	}
	found.Detail = fmt.Sprintf("it belongs to uid %d, and the web root to %d, who cannot change it, nor can a repair; ask the host to run chown",
		f.UID, f.account())
	return found, true
}

// saidAbove reports whether the directory that holds a foreign entry is one too,
// and of the same owner.
func (p *Policy) saidAbove(f *File) bool {
	d := f.Dir
	if d.Parent == nil || !d.OwnerKnown || d.UID != f.UID {
		return false
	}
	if !p.mayBeWeb(d.UID) {
		return true
	}
	up := d.file()
	return !p.writtenByWeb(&up)
}

// writtenByWeb reports whether an entry belongs to the web server, which writes
// there for the application.
func (p *Policy) writtenByWeb(f *File) bool { return p.mayBeWeb(f.UID) && p.lines.writable(f) }

// mayBeWeb reports whether PHP may run as uid, which is not the account.
func (p *Policy) mayBeWeb(uid uint32) bool {
	switch {
	case p.php == phpAccount:
		return false
	case p.web == nil:
		return p.php == phpWeb
	}
	return p.web.UID == uid
}
