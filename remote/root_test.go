package remote

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hostperm/remote/fastlane"
	"hostperm/remote/remotetest"
	"hostperm/remote/remotetest/realserver"
)

// rootServers start servers that allow one session at a time, and give their
// login directory and how to connect.
func rootServers() map[string]func(t *testing.T) (home string, dial func() *Client) {
	real := func(start func(testing.TB, realserver.Options) *realserver.Server, config string) func(*testing.T) (string, func() *Client) {
		return func(t *testing.T) (string, func() *Client) {
			s := start(t, realserver.Options{Config: config})
			return s.HomeDir, func() *Client { return dialReal(t, s) }
		}
	}
	return map[string]func(t *testing.T) (string, func() *Client){
		"embedded": func(t *testing.T) (string, func() *Client) {
			home, err := filepath.EvalSymlinks(t.TempDir())
			must(t, err)
			return home, func() *Client { return serveDir(t, remotetest.Config{Dir: home, MaxSessions: 1}) }
		},
		"OpenSSH": real(realserver.OpenSSH, "MaxSessions 1"),
		"ProFTPD": real(realserver.ProFTPD, ""),
	}
}

// TestResolveRoot finds roots on servers that allow one session only, and
// walks there with the session that comes after.
func TestResolveRoot(t *testing.T) {
	tests := []struct {
		target string // path of the target, "-" for none
		want   Root   // Path relative to the login directory
		is     error
		why    string
	}{
		{"site", Root{Path: "site", Asked: "site"}, nil, ""},
		{"site/", Root{Path: "site", Asked: "site/"}, nil, ""},
		{".", Root{Path: ".", Asked: "."}, nil, ""},
		{"HOME/site/sub", Root{Path: "site/sub", Asked: "HOME/site/sub"}, nil, ""},
		{"link", Root{Path: "site", Asked: "link", Linked: true}, nil, ""},
		{"twice", Root{Path: "site", Asked: "twice", Linked: true}, nil, ""},
		{"-", Root{Path: "www", Asked: "www", Found: true}, nil, ""},
		{"nowhere", Root{}, ErrNotExist, `web root "nowhere": no such file`},
		{"file", Root{}, ErrNotDir, `web root "file": not a directory`},
		{"loop", Root{}, nil, `web root "loop"`},
	}
	for name, start := range rootServers() {
		t.Run(name, func(t *testing.T) {
			home, dial := start(t)
			layOutHome(t, home)
			login, err := dial().ResolveRoot(t.Context(), Target{Path: ".", HasPath: true})
			must(t, err)
			for _, test := range tests {
				c := dial()
				target := Target{HasPath: test.target != "-"}
				if target.HasPath {
					target.Path = strings.Replace(test.target, "HOME", filepath.ToSlash(home), 1)
					test.want.Asked = strings.Replace(test.want.Asked, "HOME", filepath.ToSlash(home), 1)
				}
				root, err := c.ResolveRoot(t.Context(), target)
				if test.why != "" {
					if err == nil || !strings.Contains(err.Error(), test.why) || test.is != nil && !errors.Is(err, test.is) || Hint(err) == "" {
						t.Errorf("%q: error %v, hint %q", test.target, err, Hint(err))
					}
					continue
				}
				test.want.Path = filepath.ToSlash(filepath.Join(home, test.want.Path))
				attr, way := root.Attr, root.Way
				root.Attr, root.Home, root.Way = Attr{}, Attr{}, Way{}
				if err != nil || root != test.want || attr.Type() != fastlane.TypeDir {
					t.Errorf("%q: %+v (%+v), error %v, want %+v", test.target, root, attr, err, test.want)
					continue
				}
				// ProFTPD does not tell whose a symlink is.
				if why := way.Objection(login.Attr.UID); (why != "") != (name == "ProFTPD" && root.Linked) {
					t.Errorf("%q: to what is the account's own there is the objection %q", test.target, why)
				}
				if _, err := walkAll(t, c, root.Path, WalkOptions{}); err != nil {
					t.Errorf("%q: %v", test.target, err)
				}
				c.Close()
			}
		})
	}
}

func layOutHome(t *testing.T, home string) {
	t.Helper()
	for _, d := range []string{"site/sub", "www", "web"} {
		must(t, os.MkdirAll(filepath.Join(home, d), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(home, "file"), nil, 0o644))
	must(t, os.WriteFile(filepath.Join(home, "httpdocs"), nil, 0o644)) // no directory
	for link, to := range map[string]string{"link": "site", "twice": filepath.Join(home, "link"), "loop": "loop", "htdocs": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(home, link)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
}

func TestResolveRootNone(t *testing.T) {
	c := serveDir(t, remotetest.Config{Dir: t.TempDir()})
	_, err := c.ResolveRoot(t.Context(), Target{})
	if err == nil || !strings.Contains(err.Error(), "tried public_html, httpdocs, htdocs, www, html, web") || Hint(err) != "give the path: host:path" {
		t.Errorf("error %v, hint %q", err, Hint(err))
	}
}

// TestResolveRootFaults has the server answer wrongly, hang or vanish.
func TestResolveRootFaults(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "www"), 0o755))
	answer := func(kind remotetest.Type, reply func(id uint32) remotetest.Packet) remotetest.Fault {
		return remotetest.Fault{Request: func(e *remotetest.Exchange) remotetest.Action {
			if e.Request.Type == kind {
				return remotetest.Answer(reply(e.Request.ID))
			}
			return remotetest.Pass()
		}}
	}
	name := func(path string) func(id uint32) remotetest.Packet {
		return func(id uint32) remotetest.Packet {
			return remotetest.Packet{Type: remotetest.Name, ID: id, Body: nameReply(id, file(path))[9:]}
		}
	}
	ok := func(id uint32) remotetest.Packet {
		return remotetest.Packet{Type: remotetest.Status, ID: id, Body: status(id, 0)[9:]}
	}
	tests := []struct {
		name  string
		fault remotetest.Fault
		is    error
	}{
		{"relative", answer(remotetest.Realpath, name("www")), fastlane.ErrProtocol},
		{"empty", answer(remotetest.Realpath, name("")), fastlane.ErrProtocol},
		{"NUL", answer(remotetest.Realpath, name("/a\x00b")), fastlane.ErrProtocol},
		{"long", answer(remotetest.Realpath, name("/"+strings.Repeat("x", 5000))), fastlane.ErrProtocol},
		{"ok to REALPATH", answer(remotetest.Realpath, ok), fastlane.ErrProtocol},
		{"ok to STAT", answer(remotetest.Stat, ok), fastlane.ErrProtocol},
		{"ok to LSTAT", answer(remotetest.Lstat, ok), fastlane.ErrProtocol},
		{"cut", remotetest.CutAtRequest(2), ErrDisconnected},
		{"cut later", remotetest.CutAtRequest(3), ErrDisconnected},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := serveDir(t, remotetest.Config{Dir: dir, Faults: remotetest.Faults{test.fault}})
			root, err := c.ResolveRoot(t.Context(), Target{Path: "www", HasPath: true})
			if !errors.Is(err, test.is) {
				t.Errorf("root %+v, error %v", root, err)
			}
		})
	}
}

// TestHungServer cancels each call on a server that has stopped answering.
func TestHungServer(t *testing.T) {
	calls := map[string]func(ctx context.Context, c *Client) error{
		"root": func(ctx context.Context, c *Client) error {
			_, err := c.ResolveRoot(ctx, Target{})
			return err
		},
		"walk": func(ctx context.Context, c *Client) error {
			return c.Walk(ctx, "/", Visitor{}, WalkOptions{})
		},
		"lstat": func(ctx context.Context, c *Client) error {
			return c.Lstat(ctx, "/", []string{"x"}, nil)
		},
		"change": func(ctx context.Context, c *Client) error {
			reqs := []ChangeRequest{{Path: "x", Expect: attrOf(fastlane.TypeRegular | 0o644), Mode: 0o600}}
			return c.Change(ctx, "/", reqs, func(int, ChangeResult) {})
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c, s := serveEmbedded(t, remotetest.Config{Dir: t.TempDir()})
			s.SetFaults(remotetest.Fault{Request: func(*remotetest.Exchange) remotetest.Action {
				s.Freeze()
				cancel()
				return remotetest.Drop()
			}})
			if err := call(ctx, c); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			if err := call(ctx, c); !errors.Is(err, context.Canceled) {
				t.Errorf("with a context cancelled before: error %v", err)
			}
			c.Close()
		})
	}
}
