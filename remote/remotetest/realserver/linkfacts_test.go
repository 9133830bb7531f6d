package realserver

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	rt "hostperm/remote/remotetest"
)

// where says what a server answers to READLINK or REALPATH, with its home
// directory written as ~.
func (p *probe) where(t rt.Type, name string) string {
	p.t.Helper()
	reply := p.ask(t, filepath.Join(p.home, name))
	if reply.Type != rt.Name {
		return p.say(reply)
	}
	names, err := rt.ParseNames(reply.Body)
	if err != nil || len(names) != 1 {
		p.t.Fatal(err, names)
	}
	return strings.Replace(names[0].Filename, p.home, "~", 1)
}

// read opens an entry and reads from it.
func (p *probe) read(name string, offset uint64, length uint32) string {
	p.t.Helper()
	const forReading, noAttrs = uint32(1), uint32(0)
	handle, done := p.opening(rt.Open, name, forReading, noAttrs)
	defer done()
	reply := p.ask(rt.Read, handle, binary.BigEndian.AppendUint64(nil, offset), length)
	if reply.Type == rt.Data {
		return fmt.Sprintf("%q", reply.Body[4:])
	}
	return p.say(reply)
}

// linkFacts are what ReadLinks, Heads and Above rest on.
func linkFacts() []fact {
	return []fact{
		{"STAT of a symlink", func(p *probe) string { return p.say(p.ask(rt.Stat, "in/rel")) }, "100644", "100644"},
		{"STAT of a dangling symlink", func(p *probe) string { return p.say(p.ask(rt.Stat, "in/gone")) }, "status 2", "status 2"},
		{"STAT of a loop", func(p *probe) string { return p.say(p.ask(rt.Stat, "in/loop")) }, "status 2", "status 4"},
		{"STAT through a file", func(p *probe) string { return p.say(p.ask(rt.Stat, "in/through")) }, "status 2", "status 4"},
		{"STAT behind 0000", func(p *probe) string { return p.say(p.ask(rt.Stat, "in/shut")) }, "status 3", "status 3"},
		{"READLINK, relative", func(p *probe) string { return p.where(rt.Readlink, "in/rel") }, "../out/f", "~/out/f"},
		{"READLINK, absolute", func(p *probe) string { return p.where(rt.Readlink, "in/abs") }, "~/out/f", "~/out/f"},
		{"READLINK, dangling", func(p *probe) string { return p.where(rt.Readlink, "in/gone") }, "no/such", "~/in/no/such"},
		{"REALPATH of a symlink", func(p *probe) string { return p.where(rt.Realpath, "in/rel") }, "~/out/f", "~/out/f"},
		{"REALPATH, through a directory that is one", func(p *probe) string { return p.where(rt.Realpath, "in/dir/f") }, "~/out/f", "~/out/f"},
		{"REALPATH, dangling in its last component", func(p *probe) string { return p.where(rt.Realpath, "in/gone1") }, "~/in/no", "status 2"},
		{"REALPATH, dangling before it", func(p *probe) string { return p.where(rt.Realpath, "in/gone") }, "status 2", "status 2"},
		{"REALPATH of a loop", func(p *probe) string { return p.where(rt.Realpath, "in/loop") }, "status 2", "status 4"},
		{"REALPATH of what is not there", func(p *probe) string { return p.where(rt.Realpath, "in/none") }, "~/in/none", "status 2"},
		{"READ", func(p *probe) string { return p.read("in/rel", 0, 4) }, `"four"`, `"four"`},
		{"READ of more than there is", func(p *probe) string { return p.read("in/rel", 3, 99) }, `"r and more"`, `"r and more"`},
		{"READ at the end", func(p *probe) string { return p.read("in/rel", 13, 99) }, "status 1", "status 1"},
		{"READ of an empty file", func(p *probe) string { return p.read("in/empty", 0, 99) }, "status 1", "status 1"},
		{"READ of a directory", func(p *probe) string { return p.read("in/sub", 0, 4) }, "status 4", ""},
	}
}

func TestLinkFacts(t *testing.T) {
	for name, start := range servers() {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{})
			layOutLinks(t, s)
			r, err := rt.NewRaw(s.Dial(t))
			if err != nil {
				t.Fatal(err)
			}
			p := &probe{r, t, s.HomeDir}
			for _, fact := range linkFacts() {
				want := fact.openssh
				if name == "ProFTPD" {
					want = fact.proftpd
				}
				if want == "" {
					continue // it does not come to it
				}
				if got := fact.ask(p); got != want {
					t.Errorf("%s: %s, want %s", fact.what, got, want)
				}
			}
		})
	}
}

func layOutLinks(t *testing.T, s *Server) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(s.HomeDir, name) }
	for _, d := range []string{"in", "in/sub", "out", "shut"} {
		must(os.Mkdir(at(d), 0o755))
	}
	for name, text := range map[string]string{"out/f": "four and more", "in/empty": "", "shut/f": ""} {
		must(os.WriteFile(at(name), []byte(text), 0o644))
		must(os.Chmod(at(name), 0o644))
	}
	for name, target := range map[string]string{
		"rel": "../out/f", "abs": at("out/f"), "dir": "../out", "gone": "no/such", "gone1": "no", "loop": "loop",
		"through": "empty/x", "shut": "../shut/f",
	} {
		must(os.Symlink(target, at("in/"+name)))
	}
	s.Chown(t, s.HomeDir)
	must(os.Chmod(at("shut"), 0))
	t.Cleanup(func() { os.Chmod(at("shut"), 0o755) })
}
