package remote

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hostperm/remote/remotetest"
)

// TestPatience has a server whose connection is alive and that answers nothing
// any more, from each of its requests on: each call ends by itself, and says so.
func TestPatience(t *testing.T) {
	for _, kind := range []remotetest.Type{remotetest.Init, remotetest.Realpath, remotetest.Stat, remotetest.Lstat, remotetest.Opendir, remotetest.Readdir} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "site"), 0o755); err != nil {
				t.Fatal(err)
			}
			c := serveDir(t, remotetest.Config{Dir: dir, Faults: remotetest.Faults{remotetest.StallAtRequest(1, kind)}})
			c.patience = 200 * time.Millisecond
			defer time.AfterFunc(20*time.Second, func() { c.Close() }).Stop() // should it hang after all
			root, err := c.ResolveRoot(t.Context(), Target{Path: "site", HasPath: true})
			if err == nil {
				_, err = walkAll(t, c, root.Path, WalkOptions{})
			}
			if !errors.Is(err, ErrDisconnected) || !strings.Contains(err.Error(), "no request was answered for 200ms") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestPatienceRenewed walks for longer than the patience lasts: each answer
// renews it.
func TestPatienceRenewed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "site"+strings.Repeat("/d", 30)), 0o755); err != nil {
		t.Fatal(err)
	}
	c := serveDir(t, remotetest.Config{Dir: dir, Latency: 60 * time.Millisecond})
	c.patience = 2 * time.Second
	began := time.Now()
	if _, err := walkAll(t, c, filepath.Join(dir, "site"), WalkOptions{}); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < c.patience {
		t.Errorf("a walk of %v proves nothing", took)
	}
}
