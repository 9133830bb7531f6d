//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hostperm/remote/remotetest"
)

// hostperm prepares the command as a process of its own, against an account of
// a test server, with its state and configuration in home.
func hostperm(t *testing.T, home string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), runAsHostperm+"=1", "HOME="+home, "XDG_STATE_HOME="+filepath.Join(home, "state"),
		"SSH_AUTH_SOCK=", "HOSTPERM_PASSWORD="+scriptPassword)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // without a terminal, as from cron
	return cmd
}

// exitStatus runs a command and gives its exit status and all it printed; -1
// if it was killed. started is closed once it runs; it may be nil.
func exitStatus(t *testing.T, cmd *exec.Cmd, started chan struct{}) (int, string) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if started != nil {
		close(started)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// treeModes gives the twelve permission bits of every entry below dir.
func treeModes(t *testing.T, dir string) map[string]uint64 {
	t.Helper()
	modes := make(map[string]uint64)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			modes[strings.TrimPrefix(path, dir)] = bitsOf(info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return modes
}

func countDifferent(a, b map[string]uint64) int {
	n := 0
	for path, mode := range a {
		if b[path] != mode {
			n++
		}
	}
	return n
}

// brokenTree makes a tree in which every entry needs a change.
func brokenTree(t *testing.T, dir string) {
	t.Helper()
	for d := range 6 {
		sub := filepath.Join(dir, fmt.Sprint("d", d), "sub")
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		for f := range 5 {
			name := filepath.Join(sub, fmt.Sprint("f", f))
			mode := []uint64{0o666, 0o600, 0o4755, 0o2664, 0o640}[f]
			if err := errors.Join(os.WriteFile(name, nil, 0o644), os.Chmod(name, fileMode(mode))); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(os.Chmod(sub, fileMode(0o2777)), os.Chmod(filepath.Dir(sub), fileMode(0o1770))); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKilledFixCanBeUndone kills a fix with SIGKILL at one of its requests after
// another, from the first to the last, and holds undo to restoring every mode.
// Each time it takes other requests: an undo that is in doubt waits a second or
// more, so a run can't go through all of them. (audit/repair does, with a
// server that is none.)
func TestKilledFixCanBeUndone(t *testing.T) {
	dir := t.TempDir()
	site := filepath.Join(dir, "site")
	brokenTree(t, site)
	before := treeModes(t, site)
	home := filepath.Join(dir, "home")

	server, err := remotetest.Start(remotetest.Config{Dir: dir, Etc: dir, User: "demo", Password: scriptPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	connect := []string{"--port", strconv.Itoa(server.Port()), "--host-key", server.Fingerprint(), "-F", "none"}
	target := "demo@" + server.Host() + ":site"
	const step = 31
	killed, changed := 0, 0
	for n := 1 + rand.IntN(step); ; n += step {
		fix := hostperm(t, home, append(append([]string{"audit", "--fix", "--yes", "--loosen"}, connect...), target)...)
		started := make(chan struct{})
		server.SetFaults(remotetest.BeforeRequest(n, func(string) { <-started; fix.Process.Kill() }))
		status, out := exitStatus(t, fix, started)
		server.SetFaults()
		if status == -1 {
			killed++
		} else if status != exitClean {
			t.Fatalf("fix, to be killed at request %d: exit status %d\n%s", n, status, out)
		}
		server.DropConnections()
		if now := treeModes(t, site); !maps.Equal(now, before) {
			changed++
		}
		if status, out := exitStatus(t, hostperm(t, home, append([]string{"undo", "--yes"}, connect...)...), nil); status != exitClean {
			t.Fatalf("undo after a kill at request %d: exit status %d\n%s", n, status, out)
		}
		if now := treeModes(t, site); !maps.Equal(now, before) {
			t.Fatalf("undo after a kill at request %d left %v, want %v", n, now, before)
		}
		if status == exitClean {
			break
		}
	}
	t.Logf("killed %d times, %d of %d runs had changed something", killed, changed, killed+1)
	if killed < 3 || changed < 2 {
		t.Errorf("killed %d times, changes made in %d runs: the test did not reach what it is about", killed, changed)
	}
}

// TestInterruptedFix sends SIGINT and SIGTERM in the middle of a fix: the exit
// status is 130, and the journal holds what was done.
func TestInterruptedFix(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			dir := t.TempDir()
			site := filepath.Join(dir, "site")
			brokenTree(t, site)
			before := treeModes(t, site)
			server, err := remotetest.Start(remotetest.Config{Dir: dir, Etc: dir, User: "demo", Password: scriptPassword})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			connect := []string{"--port", strconv.Itoa(server.Port()), "--host-key", server.Fingerprint(), "-F", "none"}
			fix := hostperm(t, dir, append(append([]string{"audit", "--fix", "--yes"}, connect...), "demo@"+server.Host()+":site")...)
			started := make(chan struct{})
			// From the third change on the server does not answer at all.
			server.SetFaults(remotetest.BeforeRequest(3, func(string) { <-started; fix.Process.Signal(signal) }, remotetest.Fsetstat),
				remotetest.StallAtRequest(3, remotetest.Fsetstat))
			status, out := exitStatus(t, fix, started)
			if status != exitInterrupted {
				t.Errorf("exit status %d, want %d\n%s", status, exitInterrupted, out)
			}
			server.SetFaults()
			if status, out := exitStatus(t, hostperm(t, dir, append([]string{"undo", "--yes"}, connect...)...), nil); status != exitClean {
				t.Errorf("undo: exit status %d\n%s", status, out)
			}
			if now := treeModes(t, site); !maps.Equal(now, before) {
				t.Errorf("undo left %v, want %v", now, before)
			}
		})
	}
}
