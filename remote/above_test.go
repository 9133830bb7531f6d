package remote

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hostperm/remote/remotetest/realserver"
)

// TestAbove has the directories above a root as an account sees them that may
// not look behind one of them.
func TestAbove(t *testing.T) {
	for name, start := range reals() {
		t.Run(name, func(t *testing.T) {
			s := start(t, realserver.Options{})
			at := func(p string) string { return filepath.Join(s.HomeDir, p) }
			must(t, os.MkdirAll(at("a/b/www"), 0o755))
			must(t, os.MkdirAll(at("shut/b/www"), 0o755))
			must(t, os.Symlink("a", at("link")))
			s.Chown(t, s.HomeDir)
			must(t, os.Chmod(at("a"), 0o711))
			must(t, os.Chmod(at("a/b"), 0o2750))
			must(t, os.Chmod(at("shut"), 0o600))
			t.Cleanup(func() { os.Chmod(at("shut"), 0o755) })
			c := dialReal(t, s)

			found, err := c.Above(t.Context(), at("a/b/www"))
			must(t, err)
			if len(found) != 3+strings.Count(s.HomeDir, "/") || found[0].Path != "/" {
				t.Errorf("above %s: %+v", at("a/b/www"), found)
			}
			for _, d := range found {
				info, err := os.Stat(d.Path)
				must(t, err)
				if d.Err != nil || d.Attr.Type() != typeDir || goMode(int(d.Attr.Perm())) != info.Mode()&^os.ModeDir {
					t.Errorf("%+v, and it is %v", d, info.Mode())
				}
			}
			found, err = c.Above(t.Context(), at("shut/b/www"))
			must(t, err)
			if last := found[len(found)-2:]; last[0].Err != nil || last[0].Attr.Perm() != 0o600 || !errors.Is(last[1].Err, ErrPermission) {
				t.Errorf("%+v", last)
			}
			found, err = c.Above(t.Context(), at("link/b/www"))
			must(t, err)
			if last := found[len(found)-2:]; !errors.Is(last[0].Err, errLinkAbove) || last[1].Err != nil {
				t.Errorf("%+v", last)
			}
		})
	}
}

func TestAboveHostile(t *testing.T) {
	unknown := dir("r")
	unknown.attr.Flags = 0
	f := newFake(unknown)
	c := f.client(t)
	found, err := c.Above(t.Context(), "/r/f/www")
	if err != nil || len(found) != 3 || found[0].Err != nil || found[1].Err == nil || !errors.Is(found[2].Err, ErrNotExist) {
		t.Errorf("%+v, error %v", found, err)
	}
	if found, err := c.Above(t.Context(), "/"); err != nil || found != nil {
		t.Errorf("%+v, error %v", found, err)
	}
	for _, bad := range []string{"", "www", "/a/../b", "/a//b", "/.", "/a/", "/a\x00", "/" + strings.Repeat("x/", 4096)} {
		if _, err := c.Above(t.Context(), bad); err == nil {
			t.Errorf("%q was taken for a root", bad)
		}
	}
	kid := file("f")
	f = newFake(dir("r", kid))
	if found, err := f.client(t).Above(t.Context(), "/r/f/www"); err != nil || found[1].Err != nil || !errors.Is(found[2].Err, ErrNotDir) {
		t.Errorf("%+v, error %v", found, err)
	}
}
