package policy

// The modes that the default profile expects, and the bits they leave out.
const (
	dirMode    Mode = 0o755
	fileMode   Mode = 0o644
	writeBits  Mode = 0o222
	execBits   Mode = 0o111
	readBits   Mode = 0o444
	setIDBits       = Setuid | Setgid
	groupWrite Mode = 0o020
)

// known reports whether the server said enough for the other rules to judge.
func (f *File) known() bool { return f.ModeKnown && f.Kind != KindUnknown }

func checkDirMode(_ *Policy, f *File) (Finding, bool) {
	if f.Kind != KindDir || !f.known() {
		return Finding{}, false
	}
	return checkMode(f, dirMode)
}

func checkFileMode(_ *Policy, f *File) (Finding, bool) {
	if f.Kind != KindFile || !f.known() {
		return Finding{}, false
	}
	return checkMode(f, fileMode)
}

// checkMode compares the nine permission bits with those expected. A secret
// may have fewer.
func checkMode(f *File, expect Mode) (Finding, bool) {
	extra, missing := f.Mode&PermBits&^expect, expect&^f.Mode
	if extra|missing == 0 {
		return Finding{}, false
	}
	if missing != 0 && f.secrecy() != notSecret {
		missing = 0
	}
	if extra|missing == 0 {
		return Finding{}, false
	}
	found := Finding{Severity: Low, Clear: extra, Set: missing, Detail: modeDetail(f.Kind, extra, missing)}
	if extra&writeBits != 0 {
		found.Severity = Medium
	}
	return found, true
}

// modeDetail says the worst about a mode that is not the one expected.
func modeDetail(kind Kind, extra, missing Mode) string {
	switch {
	case extra&OtherWrite != 0:
		return "others can write to it"
	case extra&groupWrite != 0:
		return "its group can write to it"
	case extra != 0 && missing != 0:
		return "it has execute bits, and lacks others that it should have"
	case extra != 0:
		return "it has execute bits, which only commands and CGI scripts need"
	case kind == KindDir:
		return "it is tighter than 0755, so visitors may get 403 Forbidden for what is in it"
	}
	return "it is tighter than 0644, so visitors may get 403 Forbidden"
}

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
	if f.Kind != KindFile || string(f.Name) != ".htaccess" || !f.known() || p.webIsRoot() {
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

func checkSecret(_ *Policy, f *File) (Finding, bool) {
	if f.Kind != KindFile || f.Mode&OtherRead == 0 || !f.known() {
		return Finding{}, false
	}
	switch f.secrecy() {
	case configSecret:
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
