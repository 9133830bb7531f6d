package policy

// Some of the bits of a mode.
const (
	writeBits  Mode = 0o222
	execBits   Mode = 0o111
	readBits   Mode = 0o444
	setIDBits       = Setuid | Setgid
	groupWrite Mode = 0o020
)

// known reports whether the server said enough for the other rules to judge.
func (f *File) known() bool { return f.ModeKnown && f.Kind != KindUnknown }

func checkWorldWritable(_ *Policy, f *File) (Finding, bool) {
	if f.Mode&OtherWrite == 0 || !f.known() {
		return Finding{}, false
	}
	switch {
	case f.Kind == KindDir && f.Mode&Sticky != 0:
		return Finding{Severity: Medium, Clear: OtherWrite,
			Detail: "anyone on the server can add files to it, though the sticky bit keeps them from replacing others' files"}, true
	case f.Kind == KindDir:
		return Finding{Severity: Critical, Clear: OtherWrite,
			Detail: "anyone on the server can add, replace and delete files in it"}, true
	case f.Kind == KindFile:
		return Finding{Severity: Critical, Clear: OtherWrite,
			Detail: "anyone on the server can change it"}, true
	}
	return Finding{Severity: Critical,
		Detail: "anyone on the server can write to it; no change is proposed, because it is no regular file"}, true
}

func checkHtaccess(p *Policy, f *File) (Finding, bool) {
	if string(f.Name) != htaccess || !f.known() {
		return Finding{}, false
	}
	if f.Kind == KindDir {
		return Finding{Severity: High,
			Detail: "it is a directory, so visitors get 403 Forbidden on Apache for everything beside and below it"}, true
	}
	if f.Kind != KindFile || p.webIsRoot() {
		return Finding{}, false
	}
	class := p.class(f.UID, f.GID, f.OwnerKnown)
	own := f.Mode>>class&readBit == 0
	above := p.blocker(f)
	if !own && above == nil {
		return Finding{}, false
	}
	found := Finding{Severity: High}
	if own {
		// The read bits down to the class that lacks one: as 0644 has them.
		found.Set = readBits >> class << class &^ f.Mode
		found.Detail = "the web server cannot read it, so visitors get 403 Forbidden on Apache"
	}
	if above != nil {
		found.Blocker = above.Path
		found.Detail = "a directory above it lacks the search bit for the web server, so visitors get 403 Forbidden on Apache"
	}
	if own && above != nil {
		found.Detail = "the web server cannot read it, and a directory above it lacks the search bit for the web server"
	}
	return found, true
}

func checkSetID(_ *Policy, f *File) (Finding, bool) {
	if f.Kind != KindFile || f.Mode&setIDBits == 0 || !f.known() {
		return Finding{}, false
	}
	found := Finding{Severity: High, Clear: f.Mode & setIDBits}
	switch found.Clear {
	case Setuid:
		found.Detail = "setuid: it runs with the rights of its owner"
	case Setgid:
		found.Detail = "setgid: it runs with the rights of its group"
	default:
		found.Detail = "setuid and setgid: it runs with the rights of its owner and group"
	}
	return found, true
}

func checkSecret(p *Policy, f *File) (Finding, bool) {
	if !f.known() {
		return Finding{}, false
	}
	if x, served := p.checkServed(f); served || f.Kind != KindFile {
		return x, served
	}
	secrecy := f.secrecy()
	if f.Mode&OtherRead == 0 {
		if secrecy == plainSecret && p.servesItself(f) {
			return Finding{Severity: Medium, Detail: "visitors may be able to fetch it; " + noMode}, true
		}
		return p.secretForGroup(f)
	}
	if secrecy == notSecret && p.lines.find(f, aspectSecret) != nil {
		secrecy = configSecret
	}
	switch secrecy {
	case configSecret:
		if p.php == phpAccount {
			return Finding{Severity: Medium, Clear: OtherRead,
				Detail: "others can read the credentials in it, and PHP, which runs as its owner, does not need them to"}, true
		}
		return Finding{Severity: Medium,
			Detail: "others can read the credentials in it; the bit is left alone, because the web server may need it to run the site"}, true
	case secretInSSH:
		return Finding{Severity: High, Detail: "others can read it, and what belongs to ssh has no place in a web root"}, true
	case plainSecret:
		return Finding{Severity: High,
			Detail: "others can read it; the bit is left alone, because it is not known who else needs to read the file"}, true
	}
	return Finding{}, false
}

func checkSpecial(_ *Policy, f *File) (Finding, bool) {
	if !f.known() {
		return Finding{}, false
	}
	found := Finding{Severity: Medium}
	switch f.Kind {
	case KindFIFO:
		found.Detail = "it is a FIFO, which web sites have no use for"
	case KindSocket:
		found.Detail = "it is a socket, which belongs outside a web root"
	case KindCharDevice, KindBlockDevice:
		found.Detail = "it is a device, which belongs outside a web root"
	default:
		return Finding{}, false
	}
	return found, true
}

func checkUnknown(_ *Policy, f *File) (Finding, bool) {
	switch {
	case !f.ModeKnown:
		return Finding{Severity: Medium, Detail: "the server did not send its mode, so nothing is known about it"}, true
	case f.Kind == KindUnknown:
		return Finding{Severity: Medium, Detail: "the server sent its permission bits without its type, so what they should be is not known"}, true
	}
	return Finding{}, false
}
