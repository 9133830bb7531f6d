package remote

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hostperm/remote/remotetest"
)

// TestResolveRootNoSFTP has a server without SFTP. Nothing waits to hear of it when a
// session is opened; it is asked when nothing comes.
func TestResolveRootNoSFTP(t *testing.T) {
	for _, sessions := range []int{0, 3} {
		c := serveDir(t, remotetest.Config{Dir: t.TempDir(), NoSFTP: true, MaxSessions: sessions})
		_, err := c.ResolveRoot(t.Context(), Target{})
		if !errors.Is(err, ErrNoSFTP) || Hint(err) == "" {
			t.Errorf("%d sessions allowed: error %v, hint %q", sessions, err, Hint(err))
		}
	}
}

// TestResolveRootNoSFTPCancelled ends the wait for a server that does not say.
func TestResolveRootNoSFTPCancelled(t *testing.T) {
	c := serveDir(t, remotetest.Config{Dir: t.TempDir(), NoSFTP: true, MaxSessions: 1})
	ctx, cancel := context.WithTimeout(t.Context(), lateAfter/20)
	defer cancel()
	if _, err := c.ResolveRoot(ctx, Target{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestFirstSessionGivesWay: where the server opens one session only, and the
// first for pipelined work has got it, that makes room for the one of pkg/sftp.
func TestFirstSessionGivesWay(t *testing.T) {
	top := t.TempDir()
	c := serveDir(t, remotetest.Config{Dir: top, MaxSessions: 1})
	c.lanes.first = c.openFirst("")
	<-c.lanes.first.done
	root, err := c.ResolveRoot(t.Context(), Target{Path: top, HasPath: true})
	if err != nil || root.Attr.Type() != typeDir {
		t.Fatalf("%+v, %v", root, err)
	}
	if seen, err := walkAll(t, c, root.Path, WalkOptions{}); err != nil || len(seen.entries) != 1 {
		t.Errorf("saw %v, %v", seen, err)
	}

	c = serveDir(t, remotetest.Config{Dir: top, MaxSessions: 1, NoSFTP: true})
	c.lanes.first = c.openFirst("")
	<-c.lanes.first.opened
	ctx, cancel := context.WithTimeout(t.Context(), lateAfter/2)
	defer cancel()
	if _, err := c.ResolveRoot(ctx, Target{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no SFTP: %v", err)
	}
}

// TestRootSeenEarly: the root is looked at while it is resolved, where the path
// tells where it will be.
func TestRootSeenEarly(t *testing.T) {
	top := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(top, link); err != nil {
		t.Skip(err)
	}
	for path, early := range map[string]bool{top: true, link: false} {
		c := serveDir(t, remotetest.Config{Dir: top})
		_, seen, err := c.findRoot(t.Context(), Target{Path: path, HasPath: true})
		if err != nil || (seen != nil) != early {
			t.Fatalf("%s: seen %v, %v", path, seen, err)
		}
		if early && (seen.err != nil || seen.attr.Type() != typeDir) {
			t.Errorf("%s: seen %+v", path, seen)
		}
		root, err := c.ResolveRoot(t.Context(), Target{Path: path, HasPath: true})
		if err != nil || root.Path != top || root.Attr.Type() != typeDir {
			t.Errorf("%s: %+v, %v", path, root, err)
		}
	}
}
