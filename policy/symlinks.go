package policy

import "slices"

// linkRules are those that are about where symlinks lead.
func linkRules() []*Rule {
	return []*Rule{
		{
			ID:       "symlink-escape",
			Title:    "a symlink that leads out of the web root",
			Severity: High,
			Doc: "A web server that follows it serves what is there: by accident, or because somebody who broke into the site looks at that of a neighbour (high where what it leads to belongs to somebody else than the link, else medium). " +
				"It is not followed by hostperm, and what is there is not audited; one of root's that leads to what is root's is no finding: the host has put it there. " +
				"Nothing is proposed: remove it, or say in a policy file why it is there.",
			OfLinks: true,
			Check:   checkSymlinkEscape,
		},
		{
			ID:       "symlink-dangling",
			Title:    "a symlink that leads nowhere",
			Severity: Low,
			Doc: "Visitors get 404 Not Found or 403 Forbidden, and whoever can make what it names decides what the site serves there. " +
				"In a chroot, an absolute one may lead somewhere for the web server and nowhere for the account. " +
				"Nothing is proposed: remove it, or make what it leads to.",
			OfLinks: true,
			Check:   checkSymlinkDangling,
		},
	}
}

// Link is what is known of where a symlink leads.
type Link struct {
	Outside  bool // of the web root
	Dangling bool // there is nothing, as the account sees it
	Foreign  bool // what it leads to belongs to somebody else than the link
	Hosts    bool // the link is root's, and what it leads to: the host has put it there
}

func checkSymlinkEscape(_ *Policy, f *File) (Finding, bool) {
	switch l := f.Link; {
	case l == nil || !l.Outside || l.Dangling || l.Hosts:
		return Finding{}, false
	case l.Foreign:
		return Finding{Severity: High, Detail: "it leads out of the web root, to what belongs to somebody else; " +
			"a web server that follows it serves that (Apache's SymLinksIfOwnerMatch does not)"}, true
	}
	return Finding{Severity: Medium, Detail: "it leads out of the web root, and the web server may serve what is there"}, true
}

func checkSymlinkDangling(_ *Policy, f *File) (Finding, bool) {
	switch l := f.Link; {
	case l == nil || !l.Dangling:
		return Finding{}, false
	case l.Outside:
		return Finding{Severity: Low, Detail: "nothing is where it leads, out of the web root, as this account sees it"}, true
	}
	return Finding{Severity: Low, Detail: "nothing is where it leads"}, true
}

// FollowsLinks reports whether one of the rules is about where symlinks lead.
func (p *Policy) FollowsLinks() bool {
	return slices.ContainsFunc(p.rules, func(r *Rule) bool { return r.OfLinks })
}
