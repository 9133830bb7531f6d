//go:build unix

package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hostperm/remote/remotetest"
)

// hangs is when a command that should end is taken to hang. An interrupted one
// has two seconds; the rest is for a machine that is busy.
const hangs = slowdown * 30 * time.Second

// outcome waits for a command that runs and kills it if it hangs.
func outcome(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	timer := time.AfterFunc(hangs, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// hearHangup has the commands that a test starts hear SIGHUP, even where the test
// itself runs under nohup: what it catches, they inherit as the default.
func hearHangup(t *testing.T) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(caught) })
}

// TestInterruptedWalk ends an audit of a server that does not answer any more,
// by each signal: at once, with 130, and saying that it did not see everything.
func TestInterruptedWalk(t *testing.T) {
	hearHangup(t)
	dir := t.TempDir()
	brokenTree(t, filepath.Join(dir, "site"))
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			server, err := remotetest.Start(remotetest.Config{Dir: dir, Etc: dir, User: "demo", Password: scriptPassword})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			cmd := hostperm(t, t.TempDir(), "audit", "--port", strconv.Itoa(server.Port()), "--host-key", server.Fingerprint(),
				"-F", "none", "--progress", "always", "demo@"+server.Host()+":site")
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			started := make(chan struct{})
			server.SetFaults(remotetest.BeforeRequest(3, func(string) { <-started; cmd.Process.Signal(signal) }, remotetest.Readdir),
				remotetest.StallAtRequest(3, remotetest.Readdir))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			close(started)
			if status := outcome(t, cmd); status != exitInterrupted {
				t.Errorf("exit status %d, want %d", status, exitInterrupted)
			}
			has(t, stdout.String(), "INCOMPLETE: interrupted")
			lacks(t, stdout.String(), "clean")
			// The progress line, if it was drawn, is gone.
			if text := stderr.String(); !strings.HasSuffix(text, "hostperm: interrupted\n") ||
				strings.Count(text, "\rauditing") > 0 && !strings.Contains(text, "\r\x1b[Khostperm: interrupted\n") {
				t.Errorf("stderr: %q", text)
			}
		})
	}
}

// TestNohup has an audit that was started under nohup come to its end after the
// terminal is gone.
func TestNohup(t *testing.T) {
	nohup, err := exec.LookPath("nohup")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	brokenTree(t, filepath.Join(dir, "site"))
	server, err := remotetest.Start(remotetest.Config{Dir: dir, Etc: dir, User: "demo", Password: scriptPassword})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	cmd := hostperm(t, t.TempDir(), "audit", "--port", strconv.Itoa(server.Port()), "--host-key", server.Fingerprint(),
		"-F", "none", "demo@"+server.Host()+":site")
	cmd.Path, cmd.Args = nohup, append([]string{"nohup", cmd.Path}, cmd.Args[1:]...)
	started, hungUp := make(chan struct{}), make(chan error, 1)
	server.SetFaults(remotetest.BeforeRequest(1, func(string) {
		<-started
		hungUp <- cmd.Process.Signal(syscall.SIGHUP)
		time.Sleep(100 * time.Millisecond) // one that heard it would be interrupted before it is answered
	}, remotetest.Readdir))
	if status, out := exitStatus(t, cmd, started); status != exitFindings {
		t.Errorf("exit status %d, want %d\n%s", status, exitFindings, out)
	}
	select {
	case err := <-hungUp:
		if err != nil {
			t.Error(err)
		}
	default:
		t.Error("it was not sent SIGHUP")
	}
}

// TestServeEnds holds demo --serve to leaving nothing behind, whichever way it
// is told to end.
func TestServeEnds(t *testing.T) {
	hearHangup(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			temp := t.TempDir()
			cmd := hostperm(t, t.TempDir(), "demo", "--serve")
			cmd.Env = append(cmd.Env, "TMPDIR="+temp)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, envPassword+"=") {
				t.Errorf("printed %q, %v", line, err)
			}
			if entries, _ := os.ReadDir(temp); len(entries) != 1 {
				t.Errorf("%d entries in the temporary directory, want the demo's", len(entries))
			}
			cmd.Process.Signal(signal)
			go io.Copy(io.Discard, stdout)
			if status := outcome(t, cmd); status != exitInterrupted {
				t.Errorf("exit status %d, want %d", status, exitInterrupted)
			}
			if entries, _ := os.ReadDir(temp); len(entries) != 0 {
				t.Errorf("%v is left in the temporary directory", entries)
			}
		})
	}
}
