package remote

import (
	"context"
	"errors"
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
