package realserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	rt "hostperm/remote/remotetest"
)

// probe asks a server for one thing at a time.
type probe struct {
	*rt.Raw
	t    *testing.T
	home string
}

func (p *probe) ask(t rt.Type, parts ...any) rt.Packet {
	p.t.Helper()
	reply, err := p.Ask(t, parts...)
	if err != nil {
		p.t.Fatal(err)
	}
	return reply
}

// say puts a reply in a few words.
func (p *probe) say(reply rt.Packet) string {
	switch mode, hasMode := rt.Mode(reply.Body); {
	case reply.Type == rt.Attrs && hasMode:
		return fmt.Sprintf("%06o", mode)
	case reply.Type == rt.Status:
		code, _ := reply.StatusCode()
		if rest := reply.Body[4:]; len(cut(cut(rest))) > 0 {
			return fmt.Sprintf("status %d, and more in the packet", code)
		}
		return fmt.Sprintf("status %d", code)
	}
	return fmt.Sprintf("type %d", reply.Type)
}

// cut leaves out a string with its length at the beginning of b.
func cut(b []byte) []byte { return b[4+binary.BigEndian.Uint32(b):] }

func (p *probe) opening(t rt.Type, name string, more ...any) (string, func()) {
	p.t.Helper()
	handle, ok := p.ask(t, append([]any{name}, more...)...).HandleString()
	if !ok {
		p.t.Fatalf("%s was not opened", name)
	}
	return handle, func() { p.ask(rt.Close, handle) }
}

// first opens a directory and gives the first reply to READDIR.
func (p *probe) first(name string) rt.Packet {
	p.t.Helper()
	handle, done := p.opening(rt.Opendir, name)
	defer done()
	return p.ask(rt.Readdir, handle)
}

// swapped opens an entry, puts another in its place, changes the mode by the
// handle, and tells which of the two was changed.
func (p *probe) swapped(t rt.Type, name, other string, more ...any) string {
	p.t.Helper()
	handle, done := p.opening(t, name, more...)
	defer done()
	name, other = filepath.Join(p.home, name), filepath.Join(p.home, other)
	for _, step := range []error{
		os.Rename(name, name+".moved"), os.Symlink(other, name),
		os.Chmod(name+".moved", 0o755), os.Chmod(other, 0o755),
	} {
		if step != nil {
			p.t.Fatal(step)
		}
	}
	defer os.Rename(name+".moved", name)
	defer os.Remove(name)
	reply := p.say(p.ask(rt.Fsetstat, handle, rt.ModeAttrs(0o711)))
	opened, err1 := os.Stat(name + ".moved")
	swapped, err2 := os.Stat(other)
	switch {
	case err1 != nil || err2 != nil:
		return fmt.Sprint(err1, err2)
	case opened.Mode().Perm() == 0o711 && swapped.Mode().Perm() == 0o755:
		return reply + ", what was opened"
	case opened.Mode().Perm() == 0o755 && swapped.Mode().Perm() == 0o711:
		return reply + ", what a symlink led to"
	}
	return reply + ", neither"
}

type fact struct {
	what             string
	ask              func(*probe) string
	openssh, proftpd string
}

// facts are what the client's design rests on: what servers really answer.
func facts() []fact {
	const forReading, noAttrs = uint32(1), uint32(0)
	return []fact{
		{"OPENDIR of 0000", func(p *probe) string { return p.say(p.ask(rt.Opendir, "d000")) }, "status 3", "status 3"},
		{"READDIR of 0444: its owner may read names and see nothing else", func(p *probe) string { return p.say(p.first("d444")) }, "status 1", "status 3"},
		{"READDIR of an empty directory: . and .. at least", func(p *probe) string { return p.say(p.first("empty")) }, "type 104", "type 104"},
		{"LSTAT of a symlink", func(p *probe) string { return p.say(p.ask(rt.Lstat, "link")) }, "120777", "100644"},
		{"READLINK of a symlink", func(p *probe) string { return p.say(p.ask(rt.Readlink, "link")) }, "type 104", "type 104"},
		{"READLINK of a file", func(p *probe) string { return p.say(p.ask(rt.Readlink, "f")) }, "status 5", "status 8"},
		{"OPEN of a directory", func(p *probe) string { return p.say(p.ask(rt.Open, "d", forReading, noAttrs)) }, "type 102", "status 3"},
		{"OPEN of a file that its owner cannot read", func(p *probe) string { return p.say(p.ask(rt.Open, "f200", forReading, noAttrs)) }, "status 3", "status 3"},
		{"FSETSTAT of a file's handle", func(p *probe) string { return p.swapped(rt.Open, "f", "g", forReading, noAttrs) }, "status 0, what was opened", "status 0, what was opened"},
		{"FSETSTAT of an OPENDIR handle", func(p *probe) string { return p.swapped(rt.Opendir, "d", "e") }, "status 4, neither", "status 0, what a symlink led to"},
		{"lsetstat", func(p *probe) string {
			return p.say(p.ask(rt.Extended, "lsetstat@openssh.com", "f", rt.ModeAttrs(0o644)))
		}, "status 0", "status 8"},
		{"lsetstat of a symlink", func(p *probe) string {
			return p.say(p.ask(rt.Extended, "lsetstat@openssh.com", "link", rt.ModeAttrs(0o644)))
		}, "status 4", "status 8"},
		{"lsetstat of a file that its owner cannot read", func(p *probe) string {
			return p.say(p.ask(rt.Extended, "lsetstat@openssh.com", "f200", rt.ModeAttrs(0o200)))
		}, "status 0", "status 8"},
		{"FSETSTAT of another's file", func(p *probe) string {
			if os.Geteuid() != 0 {
				return "" // nobody else to own a file
			}
			handle, done := p.opening(rt.Open, "root", forReading, noAttrs)
			defer done()
			return p.say(p.ask(rt.Fsetstat, handle, rt.ModeAttrs(0o600)))
		}, "status 3", "status 3, and more in the packet"},
		{"SETSTAT of all twelve bits", func(p *probe) string {
			p.ask(rt.Setstat, "f", rt.ModeAttrs(0o7755))
			defer p.ask(rt.Setstat, "f", rt.ModeAttrs(0o644))
			return p.say(p.ask(rt.Lstat, "f"))
		}, "107755", "107755"},
	}
}

func TestFacts(t *testing.T) {
	for name, start := range servers() {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{})
			layOut(t, s)
			r, err := rt.NewRaw(s.Dial(t))
			if err != nil {
				t.Fatal(err)
			}
			p := &probe{r, t, s.HomeDir}
			for _, fact := range facts() {
				want := fact.openssh
				if name == "ProFTPD" {
					want = fact.proftpd
				}
				if got := fact.ask(p); got != want && got != "" {
					t.Errorf("%s: %s, want %s", fact.what, got, want)
				}
			}
		})
	}
}

// layOut makes the entries that the facts are about.
func layOut(t *testing.T, s *Server) {
	t.Helper()
	for _, e := range []struct {
		name string
		mode os.FileMode
	}{
		{"f", 0o644}, {"g", 0o644}, {"f200", 0o200}, {"d/", 0o755}, {"e/", 0o755}, {"empty/", 0o755},
		{"d000/", 0o000}, {"d444/", 0o444},
	} {
		name := filepath.Join(s.HomeDir, e.name)
		var err error
		if e.name[len(e.name)-1] == '/' {
			if err = os.Mkdir(name, 0o700); err == nil {
				err = os.WriteFile(filepath.Join(name, "inside"), nil, 0o644)
			}
		} else {
			err = os.WriteFile(name, nil, 0o600)
		}
		if err == nil {
			err = os.Chmod(name, e.mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(s.HomeDir, "empty", "inside")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("f", filepath.Join(s.HomeDir, "link")); err != nil {
		t.Fatal(err)
	}
	s.Chown(t, s.HomeDir)
	root := filepath.Join(s.HomeDir, "root")
	if err := errors.Join(os.WriteFile(root, nil, 0o644), os.Chmod(root, 0o644)); err != nil {
		t.Fatal(err)
	}
}
