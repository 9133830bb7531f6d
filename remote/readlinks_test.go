package remote

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hostperm/remote/remotetest"
	"hostperm/remote/remotetest/realserver"
)

func TestLeadsOutside(t *testing.T) {
	for _, test := range []struct {
		root, rel, target string
		outside           bool
	}{
		{"/w", "l", "f", false},
		{"/w", "l", ".", false},
		{"/w", "l", "..", true},
		{"/w", "l", "../w", false},
		{"/w", "l", "../w/f", false},
		{"/w", "l", "../wide", true},
		{"/w", "d/l", "..", false},
		{"/w", "d/l", "../../w2/f", true},
		{"/w", "d/l", "../../w/./f", false},
		{"/w", "d/l", "x/../../../etc", true},
		{"/w", "l", "/", true},
		{"/w", "l", "/w", false},
		{"/w", "l", "/w/", false},
		{"/w", "l", "/w/d", false},
		{"/w", "l", "/wide", true},
		{"/w", "l", "/w/../etc/passwd", true},
		{"/w", "l", "/etc/../w/f", false},
		{"/w", "l", "//w//f", false},
		{"/w", "l", "../../../../w/f", false},
		{"/w", "...", "f", false},
		{"/", "l", "/etc", false},
		{"/", "l", "../../x", false},
		{"/a/b", "c/d/l", "../../../b/f", false},
		{"/a/b", "c/d/l", "../../..", true},
	} {
		if got := LeadsOutside(test.root, test.rel, test.target); got != test.outside {
			t.Errorf("%s in %s leads to %s: outside %v", test.rel, test.root, test.target, got)
		}
	}
	l := Link{Target: "../safe", Real: "/etc/x"}
	if !l.Outside("/w", "d/l") || LeadsOutside("/w", "d/l", l.Target) {
		t.Error("the server's word does not count")
	}
}

// readLinks gives the answers by path.
func readLinks(t testing.TB, c *Client, root string, paths []string) (links map[string]Link, errs map[string]error) {
	t.Helper()
	links, errs = make(map[string]Link), make(map[string]error)
	err := c.ReadLinks(t.Context(), root, paths, func(i int, l Link, err error) {
		if _, twice := links[paths[i]]; twice {
			t.Errorf("%q was answered twice", paths[i])
		}
		links[paths[i]], errs[paths[i]] = l, err
	})
	if err != nil || len(links) != len(paths) {
		t.Fatalf("%d answers for %d paths, error %v", len(links), len(paths), err)
	}
	return links, errs
}

// linkServers serve a directory: the real ones, and one that only tidies paths.
func linkServers() map[string]func(t *testing.T) (*Client, string, func(string)) {
	servers := map[string]func(t *testing.T) (*Client, string, func(string)){
		"pkg/sftp": func(t *testing.T) (*Client, string, func(string)) {
			if runtime.GOOS == "windows" {
				t.Skip("skipped: symlinks need rights there")
			}
			top, err := filepath.EvalSymlinks(t.TempDir())
			must(t, err)
			return serveDir(t, remotetest.Config{Dir: top}), top, func(string) {}
		},
	}
	for name, start := range reals() {
		servers[name] = func(t *testing.T) (*Client, string, func(string)) {
			s := start(t, realserver.Options{})
			return dialReal(t, s), s.HomeDir, func(tree string) { s.Chown(t, tree) }
		}
	}
	return servers
}

// TestReadLinks has links of every kind on each server. What is dangling, and
// what leads outside, is the same on all.
func TestReadLinks(t *testing.T) {
	for name, start := range linkServers() {
		t.Run(name, func(t *testing.T) {
			c, top, own := start(t)
			at := func(p string) string { return filepath.Join(top, p) }
			must(t, os.MkdirAll(at("w/d/e"), 0o755))
			must(t, os.MkdirAll(at("out/in"), 0o755))
			for _, f := range []string{"w/f", "w/d/f", "out/f", "out/in/f"} {
				must(t, os.WriteFile(at(f), []byte("x"), 0o644))
			}
			type want struct {
				target   string
				dangling bool
				outside  bool
				real     string // "": the server can tell nothing
			}
			all := map[string]want{
				"rel":      {"f", false, false, "w/f"},
				"d/up":     {"../f", false, false, "w/f"},
				"abs":      {at("w/d/f"), false, false, "w/d/f"},
				"absout":   {at("out/f"), false, true, "out/f"},
				"relout":   {"../out/f", false, true, "out/f"},
				"dir":      {"../out/in", false, true, "out/in"},
				"gone":     {"d/nothing", true, false, ""},
				"goneout":  {"../no/such", true, true, ""},
				"self":     {".", false, false, "w"},
				"etc":      {"/etc", false, true, "/etc"},
				"chain":    {"relout", false, true, "out/f"},
				"viadir":   {"dir/../f", false, true, "out/f"}, // by its text it is w/f
				"d/e/back": {"../../../w/d", false, false, "w/d"},
			}
			paths := []string{"f", "none", "d", "../out"}
			for p, w := range all {
				must(t, os.Symlink(w.target, at("w/"+p)))
				paths = append(paths, p)
			}
			own(top)
			links, errs := readLinks(t, c, at("w"), paths)
			for _, p := range paths[:4] {
				if errs[p] == nil || p == "none" && !errors.Is(errs[p], ErrNotExist) {
					t.Errorf("%q is no symlink, error %v", p, errs[p])
				}
			}
			resolves := name != "pkg/sftp"
			for p, w := range all {
				l := links[p]
				if errs[p] != nil || l.Target != w.target && name != "ProFTPD" || !strings.HasPrefix(l.Target, "/") && name == "ProFTPD" {
					t.Errorf("%s: %+v, error %v", p, l, errs[p])
				}
				if errors.Is(l.Missing, ErrNotExist) != w.dangling || l.Missing == nil && l.Attr.Type() == 0 {
					t.Errorf("%s: %+v, want dangling %v", p, l, w.dangling)
				}
				outside := w.outside
				if !resolves && (p == "viadir" || p == "chain") {
					outside = false // no more is known than the text
				}
				if l.Outside(at("w"), p) != outside {
					t.Errorf("%s: %+v, want outside %v", p, l, outside)
				}
				want := w.real
				if want != "" && !strings.HasPrefix(want, "/") {
					want = at(want)
				}
				if resolves && want != "" && l.Real != want || !resolves && l.Real != "" {
					t.Errorf("%s: %+v, want %s", p, l, want)
				}
			}
		})
	}
}

// TestReadLinksHostile has a server whose answers are none.
func TestReadLinksHostile(t *testing.T) {
	names := func(id uint32, names ...string) []byte {
		var kids []*node
		for _, n := range names {
			kids = append(kids, file(n))
		}
		return nameReply(id, kids...)
	}
	for name, test := range map[string]struct {
		link, real []string
		ok         bool
	}{
		"good":           {[]string{"t"}, []string{"/r/t"}, true},
		"two targets":    {[]string{"a", "b"}, []string{"/r/t"}, false},
		"no target":      {nil, []string{"/r/t"}, false},
		"empty target":   {[]string{""}, []string{"/r/t"}, false},
		"NUL":            {[]string{"a\x00"}, []string{"/r/t"}, false},
		"long":           {[]string{strings.Repeat("x", 4096)}, []string{"/r/t"}, false},
		"relative":       {[]string{"t"}, []string{"t"}, true},
		"the link":       {[]string{"t"}, []string{"/r/./l"}, true},
		"two realpaths":  {[]string{"t"}, []string{"/a", "/b"}, true},
		"long realpath":  {[]string{"t"}, []string{"/" + strings.Repeat("x", 4096)}, true},
		"realpath empty": {[]string{"t"}, []string{""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(dir("r"))
			f.hook = func(r fakeReq) []byte {
				switch r.kind {
				case pktReadlink:
					return names(r.id, test.link...)
				case pktRealpath:
					return names(r.id, test.real...)
				case pktStat:
					return status(r.id, codeNoFile)
				}
				return nil
			}
			links, errs := readLinks(t, f.client(t), "/r", []string{"l"})
			real := ""
			if name == "good" {
				real = "/r/t"
			}
			if (errs["l"] == nil) != test.ok || test.ok && (links["l"].Target != "t" || links["l"].Real != real) {
				t.Errorf("%+v, error %v", links["l"], errs["l"])
			}
		})
	}
}

// TestReadLinksFlush: the server answers nothing before it has been asked about
// as many links as the window holds.
func TestReadLinksFlush(t *testing.T) {
	f := newFake(dir("r"))
	var held []byte
	asked := 0
	f.hook = func(r fakeReq) []byte {
		asked++
		reply := status(r.id, codeNoFile)
		if asked > 3*linkWindow {
			return reply
		}
		if held = append(held, reply...); asked < 3*linkWindow {
			return []byte{}
		}
		return held
	}
	var paths []string
	for i := range linkWindow + 500 {
		paths = append(paths, fmt.Sprint("l", i))
	}
	_, errs := readLinks(t, f.client(t), "/r", paths)
	for p, err := range errs {
		if !errors.Is(err, ErrNotExist) {
			t.Fatal(p, err)
		}
	}
	if asked != 3*len(paths) {
		t.Errorf("%d requests", asked)
	}
}
