package policy

import "slices"

// Permission bits within one class of a mode: owner, group or others.
const (
	readBit   Mode = 0o4
	searchBit Mode = 0o1
)

// class tells which of a mode's three digits decides for the web server, as the
// number of bits to shift it right by. The first match decides, as in the
// kernel: an owner without the owner's bits is not helped by the group's
// (POSIX.1-2024, 4.7 File Access Permissions). A server or an entry whose owner
// is not known is judged by the bits for others.
func (p *Policy) class(uid, gid uint32, ownerKnown bool) uint {
	switch {
	case p.web == nil || !ownerKnown:
		return 0
	case p.web.UID == uid:
		return 6
	case slices.Contains(p.web.GIDs, gid):
		return 3
	}
	return 0
}

// webIsRoot reports whether modes do not bind the web server at all.
func (p *Policy) webIsRoot() bool { return p.web != nil && p.web.UID == 0 }

// blocker gives the topmost directory on the way to f that the web server
// cannot search, or nil. A directory whose mode is not known is not counted
// as one: mode-unknown reports it.
func (p *Policy) blocker(f *File) *Dir {
	var top *Dir
	for d := f.Dir; d != nil; d = d.Parent {
		if d.ModeKnown && d.Mode>>p.class(d.UID, d.GID, d.OwnerKnown)&searchBit == 0 {
			top = d
		}
	}
	return top
}

// readers are the read bits that must not be taken from a secret, because
// somebody who runs the site may need them: PHP, when it does not run as the
// files' owner. As long as nobody says who that is, it may be anybody.
func (p *Policy) readers(f *File) Mode {
	const everybody Mode = 0o044
	switch {
	case p.php == phpAccount, p.webIsRoot():
		return 0
	case p.web != nil && !p.webGuessed:
		return readBit << p.class(f.UID, f.GID, f.OwnerKnown) & everybody
	}
	return everybody
}
