package policy

import (
	"bytes"
	"math/bits"
	"slices"
	"strings"
)

// reachRules are those that need to know who serves the files.
func reachRules() []*Rule {
	return []*Rule{
		{
			ID:       "web-untraversable",
			Title:    "a directory that the web server cannot get through",
			Severity: High,
			Doc: "Without the search bit of a directory for the web server, visitors get 403 Forbidden for everything below it; " +
				"only the first directory that blocks is reported, and one above the web root once, at the web root, with its path. " +
				"Who the web server runs as is for --web-user or the policy to say, or else comes from the server's /etc/passwd; " +
				"where that is not known either, dir-mode is all that is said. " +
				"A directory that the policy keeps private, because none of its modes there lets the web server in, is no finding, nor is a .git or the like. " +
				"A repair adds bits only if that leads to a mode that the policy has for the directory.",
			Check: checkUntraversable,
		},
		{
			ID:       "web-unreadable",
			Title:    "a file that the web server cannot read",
			Severity: High,
			Doc: "Apache and nginx answer 403 Forbidden for a file that they cannot read (medium); " +
				"a configuration file that PHP cannot read, where it runs as the web server, takes the site down (high). " +
				"Who the web server is, is known or not as for web-untraversable, below which nothing is reported; an .htaccess is htaccess-unreadable's. " +
				"Other secrets are no finding, nor are scripts that the account itself runs, or what the policy keeps private. " +
				"A repair adds bits only if that leads to a mode that the policy has for the file.",
			Check: checkUnreadable,
		},
		{
			ID:       "htpasswd-unreadable",
			Title:    "a password file that the web server cannot read",
			Severity: High,
			Doc: "Apache and nginx ask for a password without looking into the .htpasswd, and answer 500 Internal Server Error once somebody gives one. " +
				"It is only found where the web server's user is known. " +
				"Nothing is proposed, because secrets are never loosened: give it to the web server's group, with mode 0640.",
			Check: checkHtpasswd,
		},
		{
			ID:       "php-unwritable",
			Title:    "a directory that the application cannot write to",
			Severity: Medium,
			Doc: "Uploads, caches and the like fail where PHP lacks the write or the search bit of their directory. " +
				"Where these are, the application's profile says; who PHP runs as, the host's: " +
				"the owner of the web root (shared-suexec, cpanel, plesk), or the web server's user (mod-php), if that is known. " +
				"Only the topmost such directory is reported. " +
				"A repair adds bits only if that leads to a mode that the policy has for the directory.",
			Check: checkPHPUnwritable,
		},
		{
			ID:       "code-writable",
			Title:    "the web server could rewrite the site's code",
			Severity: Medium,
			Doc: "Where the web server may write a script or a directory of scripts, whoever finds a hole in the site can change what it runs, and stay. " +
				"It is looked for where the web server is known and a profile says what the application has to write, which is left out. " +
				"Of directories only the topmost is reported. " +
				"The owner's bits don't count where PHP runs as the account, and those for others are world-writable's. " +
				"Nothing is proposed, because an application that updates itself needs it so.",
			Check: checkCodeWritable,
		},
	}
}

// wayTo gives the way to an entry, from / down.
func (p *Policy) wayTo(f *File) Way {
	switch {
	case f.Dir != nil:
		return p.wayInto(f.Dir)
	case f.Above != nil:
		return *f.Above
	}
	return Way{}
}

// wayInto gives the way to what a directory holds: the one that Enter worked
// out, or, for a directory that nobody entered, one made for the occasion.
func (p *Policy) wayInto(d *Dir) Way {
	switch {
	case d.entered == p.lines.matcher:
		return d.way
	case d.Parent != nil:
		return p.web.Down(p.wayInto(d.Parent), d)
	case d.Above != nil:
		return p.web.Down(*d.Above, d)
	}
	return p.web.Down(Way{}, d)
}

// Down gives the way of the policy's web server to what a directory holds, from
// the way to that; see Identity.Down. It is for directories above the web root.
func (p *Policy) Down(w Way, d *Dir) Way { return p.web.Down(w, d) }

func checkUntraversable(p *Policy, f *File) (Finding, bool) {
	if p.web == nil || f.Kind != KindDir || !f.known() {
		return Finding{}, false
	}
	above := p.wayTo(f).Blocker
	switch {
	case f.Dir == nil && above != nil:
		return Finding{Severity: High, Blocker: above.Path, Detail: "a directory above the web root cannot be searched by " + p.webWords() +
			", so visitors get 403 Forbidden for everything; ask the host"}, true
	case above != nil, p.denied(f, MaySearch) != no, f.inSSH(), p.keepsPrivate(f, p.web, MaySearch):
		return Finding{}, false
	}
	found := Finding{Severity: High, Detail: p.webWords() + " cannot search it, so visitors get 403 Forbidden for everything below"}
	found.Set = p.opening(f, p.web, MaySearch)
	return found, true
}

func checkUnreadable(p *Policy, f *File) (Finding, bool) {
	if p.web == nil || f.Kind != KindFile || !f.known() || p.denied(f, MayRead) != no || p.wayTo(f).Blocker != nil ||
		string(f.Name) == htaccess || p.unserved(f) {
		return Finding{}, false
	}
	if p.secret(f) {
		if p.php != phpWeb || !isPHP(f.Name) {
			return Finding{}, false
		}
		return Finding{Severity: High, Detail: "PHP, which runs as " + p.webWords() +
			", cannot read it, so the site does not run; nothing is proposed, because secrets are never loosened: give it to the web server's group"}, true
	}
	if p.keepsPrivate(f, p.web, MayRead) {
		return Finding{}, false
	}
	found := Finding{Severity: Medium, Detail: p.webWords() + " cannot read it, so visitors get 403 Forbidden"}
	found.Set = p.opening(f, p.web, MayRead)
	return found, true
}

func checkHtpasswd(p *Policy, f *File) (Finding, bool) {
	if p.web == nil || f.Kind != KindFile || !f.known() || string(f.Name) != ".htpasswd" && string(f.Name) != ".htdigest" ||
		p.denied(f, MayRead) != no || p.wayTo(f).Blocker != nil {
		return Finding{}, false
	}
	return Finding{Severity: High, Detail: p.webWords() +
		" cannot read it, so visitors who give a password get 500 Internal Server Error; " +
		"nothing is proposed, because secrets are never loosened: give it to the web server's group"}, true
}

// denied tells whether the web server may not do something to an entry.
func (p *Policy) denied(f *File, want Mode) verdict {
	return p.web.decides(want, f.Mode, f.ModeKnown, f.UID, f.GID, f.OwnerKnown)
}

// unserved reports whether a file is a script that the web server does not read
// itself, or may not have to: the account runs it.
func (p *Policy) unserved(f *File) bool {
	return isPHP(f.Name) && (p.php == phpAccount || p.webGuessed && p.php != phpWeb)
}

// keepsPrivate reports whether an entry has one of the modes that the policy has
// for it, and none of those would allow id what it wants; or it is there for
// nobody to visit.
func (p *Policy) keepsPrivate(f *File, id *Identity, want Mode) bool {
	x := p.modesOf(f)
	switch {
	case f.forNobody():
		return true
	case x == nil || !x.right(f.Mode):
		return false
	case !x.exact:
		return !x.right(f.Mode | id.bits(want, f.UID, f.GID))
	}
	return !slices.ContainsFunc(x.modes, func(m Mode) bool { return id.May(want, m, f.UID, f.GID) })
}

// inRepository reports whether an entry is, or lies in, the directory in which a
// version control system keeps what it needs.
func (f *File) inRepository() bool {
	if f.Kind == KindDir && isRepository(string(f.Name)) {
		return true
	}
	if f.Dir == nil {
		return false
	}
	for name := range strings.SplitSeq(f.Dir.Path, "/") {
		if isRepository(name) {
			return true
		}
	}
	return false
}

func isRepository(name string) bool {
	return name == ".git" || name == ".svn" || name == ".hg" || name == ".bzr"
}

// modesOf gives the modes that the policy has for an entry, nil if no line
// speaks of them.
func (p *Policy) modesOf(f *File) *modeSet {
	about := aspectFiles
	if f.Kind == KindDir {
		about = aspectDirs
	}
	l := p.lines.find(f, about)
	switch {
	case l == nil:
		return nil
	case f.Kind == KindDir:
		return l.dirs
	}
	return l.files
}

// opening gives bits that allow id what it wants, if with them, and with what
// the rule for its mode changes, an entry has a mode that the policy has for it;
// or else none.
func (p *Policy) opening(f *File, id *Identity, want Mode) Mode {
	x := p.modesOf(f)
	if x == nil {
		return 0
	}
	base := f.Mode
	if !x.right(base) {
		extra, missing := x.change(base)
		base = base&^extra | missing
	}
	var best Mode
	fewest := -1
	for _, m := range x.wider(base, id.bits(want, f.UID, f.GID)) {
		add := m &^ f.Mode
		with := base | add
		if n := bits.OnesCount16(uint16(add)); x.right(with) && id.May(want, with, f.UID, f.GID) && (fewest < 0 || n < fewest) {
			best, fewest = add, n
		}
	}
	return best
}

// wider gives modes that may be right and have more bits than base.
func (x *modeSet) wider(base, need Mode) []Mode {
	out := []Mode{base}
	if !x.exact {
		return append(out, base|need)
	}
	for _, m := range x.modes {
		if base&PermBits&^m == 0 {
			out = append(out, m)
		}
	}
	return out
}

// bits gives what an identity wants as bits of a mode: those of the class that
// decides for it.
func (id *Identity) bits(want Mode, uid, gid uint32) Mode {
	switch {
	case id == nil:
		return want
	case id.UID == uid:
		return want << 6
	case slices.Contains(id.GIDs, gid):
		return want << 3
	}
	return want
}

// webWords names the web server.
func (p *Policy) webWords() string {
	if p.webName == "" {
		return "the web server"
	}
	return "the web server (" + p.webName + ")"
}

// htaccess is the name of Apache's files for a directory, as it commonly is
// (AccessFileName).
const htaccess = ".htaccess"

// isPHP reports whether a name is one of those that servers commonly hand to
// PHP.
func isPHP(name []byte) bool {
	for _, suffix := range [...]string{".php", ".phtml", ".phar"} {
		if len(name) > len(suffix) && string(name[len(name)-len(suffix):]) == suffix {
			return true
		}
	}
	return false
}

// isCode reports whether a name is that of a file that a server runs, or takes
// orders from.
func isCode(name []byte) bool {
	if isPHP(name) || string(name) == htaccess || string(name) == ".user.ini" {
		return true
	}
	for _, suffix := range [...]string{".inc", ".module", ".cgi", ".pl", ".py", ".rb", ".sh", ".js"} {
		if bytes.HasSuffix(name, []byte(suffix)) {
			return true
		}
	}
	return false
}
