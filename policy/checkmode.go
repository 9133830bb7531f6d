package policy

import (
	"fmt"
	"strings"
)

func checkDirMode(p *Policy, f *File) (Finding, bool) {
	if f.Kind != KindDir || !f.known() {
		return Finding{}, false
	}
	l := p.lines.find(f, aspectDirs)
	if l == nil || l.dirs.right(f.Mode) {
		return Finding{}, false
	}
	return p.checkMode(f, l, l.dirs)
}

func checkFileMode(p *Policy, f *File) (Finding, bool) {
	if f.Kind != KindFile || !f.known() {
		return Finding{}, false
	}
	l := p.lines.find(f, aspectFiles)
	if l == nil || l.files.right(f.Mode) {
		return Finding{}, false
	}
	return p.checkMode(f, l, l.files)
}

// checkMode says what is to change of a mode that is not one of those expected.
// A secret, or what is there for nobody to visit, may have fewer bits, and keeps
// those that its readers may need.
func (p *Policy) checkMode(f *File, l *line, x *modeSet) (Finding, bool) {
	extra, missing := x.change(f.Mode)
	if f.secrecy() != notSecret || f.forNobody() || p.lines.find(f, aspectSecret) != nil {
		extra, missing = x.tighten(f.Mode, p.readers(f)), 0
	}
	if extra|missing == 0 {
		return Finding{}, false
	}
	found := Finding{Severity: Low, Clear: extra, Set: missing, Detail: modeDetail(f, x, extra, missing)}
	if extra&writeBits&^0o200 != 0 {
		found.Severity = Medium
	}
	if !l.base {
		found.Detail += fmt.Sprintf("; %s is expected (%s)", l.expects(f.Kind), l.from.Pos)
	}
	return found, true
}

// expects says in words which modes a line wants.
func (l *line) expects(kind Kind) string {
	m := l.from.Files
	if kind == KindDir {
		m = l.from.Dirs
	}
	return m.String()
}

// modeDetail says the worst about a mode that is not one of those expected.
func modeDetail(f *File, x *modeSet, extra, missing Mode) string {
	executable := f.Kind == KindFile && extra != 0 && extra&^execBits == 0
	switch {
	case extra&OtherWrite != 0:
		return "others can write to it"
	case extra&groupWrite != 0:
		return "its group can write to it"
	case executable && missing != 0:
		return "it has execute bits, and lacks others that it should have"
	case executable:
		return "it has execute bits, which only commands and CGI scripts need"
	case extra&0o044 != 0:
		return "more accounts than need it can read it"
	case extra != 0:
		return "it has bits that it should not have"
	case !x.exact || missing&^PermBits != 0:
		return "it lacks bits that it should have"
	case f.Kind == KindDir:
		return "it is tighter than " + x.modes[0].String() + ", so visitors may get 403 Forbidden for what is in it"
	}
	return "it is tighter than " + x.modes[0].String() + ", so visitors may get 403 Forbidden"
}

func checkOwner(p *Policy, f *File) (Finding, bool) {
	l := p.lines.find(f, aspectOwner)
	if l == nil || !f.OwnerKnown || !l.owner.excludes(f.UID) {
		return Finding{}, false
	}
	return wrongAccount("owner", f.UID, l.from.Owner, l), true
}

func checkGroup(p *Policy, f *File) (Finding, bool) {
	l := p.lines.find(f, aspectGroup)
	if l == nil || !f.OwnerKnown || !l.group.excludes(f.GID) {
		return Finding{}, false
	}
	return wrongAccount("group", f.GID, l.from.Group, l), true
}

func wrongAccount(what string, is uint32, want []Account, l *line) Finding {
	return Finding{Severity: Medium, Detail: fmt.Sprintf("its %s is %d, and %s is expected (%s); ask the host to change it",
		what, is, accountWords(want), l.from.Pos)}
}

func accountWords(list []Account) string {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = a.String()
	}
	return strings.Join(words, " or ")
}
