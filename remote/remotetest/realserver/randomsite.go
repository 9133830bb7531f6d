package realserver

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"hostperm/remote/remotetest"
)

// SiteEntry is one entry of a random site.
type SiteEntry struct {
	Path     string // relative to the docroot; parents come before children
	Kind     fs.FileMode
	Mode     uint32 // twelve bits; of a symlink they mean nothing
	UID, GID uint32
	Target   string // of a symlink: as its text is
}

// Owners are the users and groups that a random site's entries belong to.
type Owners struct{ UIDs, GIDs []uint32 }

// OwnersFor gives owners with which each class of a mode decides for some
// entries: as root the web server's user and others that are nobody's, else,
// when nothing can be given away, those of the test itself.
func OwnersFor(as WebIdentity) Owners {
	o := Owners{UIDs: []uint32{as.UID}, GIDs: append([]uint32(nil), as.GIDs...)}
	if os.Geteuid() == 0 {
		o.UIDs = append(o.UIDs, 64200, 64201, 0)
		o.GIDs = append(o.GIDs, 64300, 0)
	}
	return o
}

// RandomSite makes up a site of some n entries under top, a name: directories,
// files, symlinks within the site, and .htaccess files, with random modes that
// forbid about as much as they allow. The same rnd gives the same site.
func RandomSite(rnd *rand.Rand, top string, o Owners, n int) []SiteEntry {
	b := &siteBuilder{rnd: rnd, owners: o}
	b.add(top, fs.ModeDir, "")
	b.maybeHtaccess(top)
	for i := range n {
		p := path.Join(b.dirs[rnd.IntN(len(b.dirs))], b.name(i))
		switch rnd.IntN(10) {
		case 0, 1, 2:
			b.add(p, fs.ModeDir, "")
			b.maybeHtaccess(p)
		case 3:
			b.add(p, fs.ModeSymlink, b.target(top, p))
		default:
			b.add(p, 0, "")
		}
	}
	return b.all
}

type siteBuilder struct {
	rnd    *rand.Rand
	owners Owners
	all    []SiteEntry
	dirs   []string
}

func (b *siteBuilder) add(p string, kind fs.FileMode, target string) {
	e := SiteEntry{
		Path: p, Kind: kind, Target: target, Mode: b.mode(kind),
		UID: b.owners.UIDs[b.rnd.IntN(len(b.owners.UIDs))],
		GID: b.owners.GIDs[b.rnd.IntN(len(b.owners.GIDs))],
	}
	b.all = append(b.all, e)
	if kind == fs.ModeDir {
		b.dirs = append(b.dirs, p)
	}
}

// mode gives random bits, with most directories open: a site whose top nobody
// can search shows little.
func (b *siteBuilder) mode(kind fs.FileMode) uint32 {
	mode := b.rnd.Uint32N(0o1000)
	if b.rnd.IntN(8) == 0 {
		mode |= b.rnd.Uint32N(8) << 9
	}
	if kind == fs.ModeDir && b.rnd.IntN(8) > 0 {
		mode |= 0o111
	}
	return mode
}

// name gives a name that is unlike all others and that takes escaping.
func (b *siteBuilder) name(i int) string {
	return fmt.Sprintf([]string{"f%d", "a b%d", "%%41%d", "é#?%d", "\xff&%d;", "+%d.html", ".hid%d"}[b.rnd.IntN(7)], i)
}

func (b *siteBuilder) maybeHtaccess(dir string) {
	p := dir + "/.htaccess"
	switch b.rnd.IntN(14) {
	case 0, 1:
		b.add(p, 0, "")
	case 2:
		b.add(p, 0, "")
		b.all[len(b.all)-1].Mode |= 0o444
	case 3:
		b.add(p, fs.ModeSymlink, "nowhere")
	case 4:
		if b.rnd.IntN(3) == 0 {
			b.add(p, fs.ModeDir, "")
			b.dirs = b.dirs[:len(b.dirs)-1] // nothing is put into it
		}
	}
}

// target gives the text of a symlink at p: mostly to what is there already.
func (b *siteBuilder) target(top, p string) string {
	to := b.all[b.rnd.IntN(len(b.all))].Path
	up := strings.Repeat("../", strings.Count(p, "/"))
	if b.rnd.IntN(10) == 0 {
		to += "-is-not-there"
	}
	return up + to
}

// Docroot makes an empty directory that every user can reach, for a web server
// to serve. It is removed with the test.
func Docroot(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hostperm-docroot-")
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remotetest.RemoveSite(dir); err != nil {
			t.Errorf("remove what the web server served: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// LayOut makes the entries under docroot, owners and modes last and from the
// deepest up.
func LayOut(t testing.TB, docroot string, entries []SiteEntry) {
	t.Helper()
	for _, e := range entries {
		var err error
		switch p := filepath.Join(docroot, e.Path); e.Kind {
		case fs.ModeDir:
			err = os.Mkdir(p, 0o700)
		case fs.ModeSymlink:
			err = os.Symlink(e.Target, p)
		default: // an .htaccess holds nothing but a comment
			err = os.WriteFile(p, []byte("#\n"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := len(entries) - 1; i >= 0; i-- {
		e := &entries[i]
		p := filepath.Join(docroot, e.Path)
		err := os.Lchown(p, int(e.UID), int(e.GID))
		if err == nil && e.Kind != fs.ModeSymlink {
			err = os.Chmod(p, chmodBits(e.Mode))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// chmodBits gives twelve bits as package os has them.
func chmodBits(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	if mode&0o4000 != 0 {
		m |= fs.ModeSetuid
	}
	if mode&0o2000 != 0 {
		m |= fs.ModeSetgid
	}
	if mode&0o1000 != 0 {
		m |= fs.ModeSticky
	}
	return m
}
