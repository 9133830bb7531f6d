package policy

import (
	"path"
	"slices"
)

func checkPHPUnwritable(p *Policy, f *File) (Finding, bool) {
	if p.php == "" || f.Kind != KindDir || !f.known() || !p.lines.writable(f) || !p.phpShut(f) || p.wayTo(f).Blocker != nil {
		return Finding{}, false
	}
	if f.Dir != nil {
		if up := f.Dir.file(); p.lines.writable(&up) && p.phpShut(&up) {
			return Finding{}, false // said there
		}
	}
	id, who := p.web, p.webWords()
	if p.php == phpAccount {
		id, who = &Identity{UID: f.account()}, "the owner of the web root"
	}
	found := Finding{Severity: Medium, Detail: "the application writes here, and PHP, which runs as " + who + ", cannot"}
	if p.php == phpWeb || f.UID == id.UID {
		found.Set = p.opening(f, id, MayWrite|MaySearch)
	}
	if found.Set == 0 {
		found.Detail += "; no change of its mode that the policy has would help, but another owner or group: ask the host"
	}
	return found, true
}

// keepWriting withdraws what is proposed for a directory that the application
// writes to, if PHP, which runs as the web server, could not any more: it does so
// by the bits of others, and has to be given others before these are taken.
func (p *Policy) keepWriting(findings []Finding, f *File) {
	const both = MayWrite | MaySearch
	if p.php != phpWeb || p.web == nil || f.Kind != KindDir || !f.OwnerKnown || findings[0].Change == None ||
		!p.web.May(both, f.Mode, f.UID, f.GID) || p.web.May(both, findings[0].Want, f.UID, f.GID) || !p.lines.writable(f) {
		return
	}
	for i := range findings {
		x := &findings[i]
		x.Clear, x.Set, x.Want, x.Change = 0, 0, f.Mode, None
		x.Detail += "; no change is proposed, because PHP, which runs as " + p.webWords() +
			", writes here by these bits: ask the host to give it to the web server's group, then repair it"
	}
}

// phpShut reports whether PHP certainly cannot make files in a directory. The
// account's groups are not known: they may be any.
func (p *Policy) phpShut(f *File) bool {
	const both = MayWrite | MaySearch
	switch {
	case p.php == phpWeb:
		return p.web != nil && p.denied(f, both) == no
	case !f.OwnerKnown || !f.ModeKnown || !f.rootKnown():
		return false
	}
	account := f.account()
	switch {
	case account == 0:
		return false
	case account == f.UID:
		return f.Mode>>6&both != both
	}
	return f.Mode>>3&both != both && f.Mode&both != both
}

// file gives a directory as an entry.
func (d *Dir) file() File {
	return File{Dir: d.Parent, Name: []byte(path.Base(d.Path)), Kind: KindDir, Mode: d.Mode, ModeKnown: d.ModeKnown,
		UID: d.UID, GID: d.GID, OwnerKnown: d.OwnerKnown}
}

// root gives the web root's directory, nil for the web root itself.
func (f *File) root() *Dir {
	d := f.Dir
	for d != nil && d.Parent != nil {
		d = d.Parent
	}
	return d
}

// account is the user that the web root belongs to.
func (f *File) account() uint32 {
	if d := f.root(); d != nil {
		return d.UID
	}
	return f.UID
}

// rootKnown reports whether account means anything.
func (f *File) rootKnown() bool {
	if d := f.root(); d != nil {
		return d.OwnerKnown
	}
	return f.OwnerKnown
}

func checkCodeWritable(p *Policy, f *File) (Finding, bool) {
	if !p.watchesCode() || !f.known() || f.Kind != KindDir && (f.Kind != KindFile || !isCode(f.Name)) ||
		!p.rewrites(f) || f.Dir != nil && p.rewritable(f.Dir) {
		return Finding{}, false
	}
	if f.Kind == KindDir {
		return Finding{Severity: Medium, Detail: p.webWords() + " can add and replace code in it, and in what it may write below"}, true
	}
	return Finding{Severity: Medium, Detail: p.webWords() + " can change this code"}, true
}

// watchesCode reports whether it is known what the web server must not write.
func (p *Policy) watchesCode() bool {
	return p.web != nil && p.web.UID != 0 && p.lines.written > 0
}

// rewrites reports whether the web server may write an entry that the
// application does not have to write. What others can write is not counted.
func (p *Policy) rewrites(f *File) bool {
	if !f.OwnerKnown || !f.ModeKnown {
		return false
	}
	switch {
	case p.web.UID == f.UID:
		own := p.php == phpAccount || p.php == "" && f.rootKnown() && f.account() == p.web.UID
		if own || f.Mode&(MayWrite<<6) == 0 {
			return false
		}
	case !slices.Contains(p.web.GIDs, f.GID) || f.Mode&groupWrite == 0:
		return false
	}
	return !p.lines.writable(f)
}

// rewritable reports whether a directory, or one that it lies in, is one in
// which the web server may replace code.
func (p *Policy) rewritable(d *Dir) bool {
	if d.entered == p.lines.matcher {
		return d.rewritable
	}
	if d.Parent != nil && p.rewritable(d.Parent) {
		return true
	}
	f := d.file()
	return p.watchesCode() && p.rewrites(&f)
}

// enterReach works out what of a directory counts for all that it holds.
func (p *Policy) enterReach(d *Dir) {
	d.entered = nil
	d.way = p.wayInto(d)
	d.rewritable = d.Parent != nil && p.rewritable(d.Parent)
	if !d.rewritable && p.watchesCode() && d.OwnerKnown && (d.UID == p.web.UID || d.Mode&groupWrite != 0) {
		f := d.file()
		d.rewritable = p.rewrites(&f)
	}
}

// firstPerson is the lowest uid that is not one of the system's own; on newer
// systems it is 1000. Several of those have nogroup, and none is a neighbour.
const firstPerson = 500

// secretForGroup is for a secret that others cannot read.
func (p *Policy) secretForGroup(f *File) (Finding, bool) {
	if f.Mode&0o040 == 0 || !f.OwnerKnown || !p.secret(f) || f.secrecy() == publicInSSH || p.web != nil && slices.Contains(p.web.GIDs, f.GID) ||
		!slices.ContainsFunc(p.members[f.GID], func(uid uint32) bool {
			return uid >= firstPerson && uid != f.UID && (p.web == nil || uid != p.web.UID)
		}) {
		return Finding{}, false
	}
	return Finding{Severity: Medium,
		Detail: "other accounts in its group can read it; the bit is left alone, because it is not known who else needs to read the file"}, true
}

// secret reports whether a file is a secret, by its name or by a line.
func (p *Policy) secret(f *File) bool {
	return f.secrecy() != notSecret || p.lines.find(f, aspectSecret) != nil
}
