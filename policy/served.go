package policy

import "bytes"

// noMode is what is to be said of what no mode can hide.
const noMode = "no mode hides what the account itself serves: move it out of the web root, or have the web server deny it"

// checkServed finds what lies in a web root and is not there to be visited: what
// a version control system keeps, and backups in the root itself. It is found as
// long as the web server, or others where that is not known, can get at it.
func (p *Policy) checkServed(f *File) (Finding, bool) {
	if f.Dir == nil || p.wayTo(f).Blocker != nil {
		return Finding{}, false
	}
	switch {
	case f.Kind == KindDir && isRepository(string(f.Name)) && p.denied(f, MaySearch) != no:
		return Finding{Severity: High, Detail: "visitors may be able to fetch the whole history of the site, with what was ever in it; " + noMode}, true
	case !f.isBackup() || p.denied(f, MayRead) == no:
	case !bytes.HasSuffix(f.Name, []byte(".zip")):
		return Finding{Severity: High, Detail: "it looks like a backup, which visitors may be able to fetch, even of a script that they could not; " + noMode}, true
	default:
		return Finding{Severity: Medium, Detail: "it may be a backup, which visitors may be able to fetch; " + noMode}, true
	}
	return Finding{}, false
}

// isBackup reports whether a file in the web root itself has the name of a
// backup, or of what is often one.
func (f *File) isBackup() bool {
	return f.Kind == KindFile && f.Dir != nil && f.Dir.Parent == nil &&
		(bytes.HasSuffix(f.Name, []byte(".sql")) || bytes.HasSuffix(f.Name, []byte(".bak")) || bytes.HasSuffix(f.Name, []byte(".zip")))
}

// forNobody reports whether an entry is there for nobody to visit, so that it
// may be as tight as it is.
func (f *File) forNobody() bool { return f.isBackup() || f.inRepository() }

// servesItself reports whether the web server is known to run as the owner of a
// file, who can read it.
func (p *Policy) servesItself(f *File) bool {
	return p.web != nil && !p.webGuessed && f.OwnerKnown && p.web.UID == f.UID && f.Mode&(MayRead<<6) != 0
}
