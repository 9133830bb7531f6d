package policy

import "fmt"

// ownerRules are those that are about who an entry belongs to.
func ownerRules() []*Rule {
	return []*Rule{
		{
			ID:       "wrong-owner",
			Title:    "its owner is not the one that the policy expects",
			Severity: Medium,
			Doc: "Who owns an entry can change its mode and, if it is a file, what is in it. " +
				"Only a policy that says who owns what has such expectations; a name that the server's accounts don't have is warned of and not checked. " +
				"Nothing is proposed: an account cannot give its files away, so it is the host who has to run chown.",
			Check: checkOwner,
		},
		{
			ID:       "wrong-group",
			Title:    "its group is not the one that the policy expects",
			Severity: Medium,
			Doc: "The group decides whom the middle digit of the mode is about: on some hosts the web server reads the site as a member of it. " +
				"Only a policy that says which group that is has such expectations; a name that the server's groups don't have is warned of and not checked. " +
				"Nothing is proposed: ask the host to run chgrp, or do it as an account that is a member of the group.",
			Check: checkGroup,
		},
		{
			ID:       "foreign-owner",
			Title:    "it belongs to somebody else than the web root does",
			Severity: Medium,
			Doc: "Neither the account nor a repair can change its mode, and its owner can, and what is in it if it is a file (medium; low where the owner is root). A web root of root's has none. " +
				"Of a directory that holds more of the same owner's, only the topmost is reported. " +
				"What the application writes as the web server's user is no finding, nor is what a policy has owners for. " +
				"Nothing is proposed: ask the host to run chown.",
			Check: checkForeign,
		},
	}
}

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
