//go:build unix

package main

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hostperm/remote/remotetest"
)

// TestStallAtEveryPacket has a server that stops answering at the first packet
// of a repair, at the second, and so on to the last, and somebody who presses
// Ctrl-C then: each run is back within the two seconds that are promised, with
// 130, and nothing was changed that was not to be.
func TestStallAtEveryPacket(t *testing.T) {
	total := requestsOfRepair(t)
	if total < 40 {
		t.Fatalf("a whole repair takes %d requests", total)
	}
	for n := 1; n <= total; n += 2 {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			var took time.Duration
			for range 3 { // a machine that is busy is late once, code that waits is late each time
				if took = stallAndInterrupt(t, n); took <= graceful {
					return
				}
			}
			t.Errorf("back after %v, three times", took)
		})
	}
}

// requestsOfRepair counts the requests of a repair of hostileSite, CLOSEs that
// nobody waits for not counted.
func requestsOfRepair(t *testing.T) int {
	server, cmd, _ := repairOf(t)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return server.Requests() - server.Requests(remotetest.Close)
}

func repairOf(t *testing.T, faults ...remotetest.Fault) (*remotetest.Server, *exec.Cmd, *changeLog) {
	t.Helper()
	changed := &changeLog{}
	dir := hostileSite(t)
	server, err := remotetest.Start(remotetest.Config{Dir: dir, Etc: dir, User: "demo", Password: scriptPassword, LSetstat: true,
		Faults: append(remotetest.Faults{changed.fault()}, faults...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	cmd := hostperm(t, t.TempDir(), "audit", "--fix", "--yes", "-F", "none", "--port", strconv.Itoa(server.Port()),
		"--host-key", server.Fingerprint(), "demo@"+server.Host()+":site")
	return server, cmd, changed
}

// stallAndInterrupt gives how long the command took to end after the signal.
func stallAndInterrupt(t *testing.T, n int) time.Duration {
	t.Helper()
	reached := make(chan struct{})
	server, cmd, changed := repairOf(t,
		remotetest.BeforeRequest(n, func(string) { close(reached) }, notClose()...), remotetest.StallAtRequest(n, notClose()...))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(hangs, func() { cmd.Process.Kill() })
	defer timer.Stop()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-reached:
	case err := <-ended:
		t.Fatalf("it ended before request %d: %v\n%s", n, err, out.String())
	}
	pressed := time.Now()
	cmd.Process.Signal(syscall.SIGINT)
	err := <-ended
	took := time.Since(pressed)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if status := cmd.ProcessState.ExitCode(); status != exitInterrupted || !strings.Contains(out.String(), "interrupted") {
		t.Errorf("exit status %d, want %d:\n%s", status, exitInterrupted, out.String())
	}
	if got := changed.besides(everyChange); len(got) > 0 {
		t.Errorf("changes of %q were asked for", got)
	}
	server.Close()
	return took
}

// notClose are all types of requests but CLOSE.
func notClose() []remotetest.Type {
	var types []remotetest.Type
	for i := range 256 {
		if kind := remotetest.Type(i); kind != remotetest.Close {
			types = append(types, kind)
		}
	}
	return types
}

// TestInterruptedLogin presses Ctrl-C while a server hangs before SFTP begins.
func TestInterruptedLogin(t *testing.T) {
	for _, row := range hostileSSH() {
		if !strings.Contains(row.says, "no answer within") && row.args == nil {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var took time.Duration
			for range 3 {
				if took = interruptLogin(t, row); took <= graceful {
					return
				}
			}
			t.Errorf("back after %v, three times", took)
		})
	}
}

func interruptLogin(t *testing.T, row hostileServer) time.Duration {
	t.Helper()
	server, err := remotetest.Start(remotetest.Config{Dir: hostileSite(t), User: "demo", Password: scriptPassword, SSH: row.ssh})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	cmd := hostperm(t, t.TempDir(), "audit", "-F", "none", "--port", strconv.Itoa(server.Port()),
		"--host-key", server.Fingerprint(), "demo@"+server.Host()+":site")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(hangs); server.Connections() == 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // whatever it gets to until then
	pressed := time.Now()
	cmd.Process.Signal(syscall.SIGINT)
	if status := outcome(t, cmd); status != exitInterrupted {
		t.Errorf("exit status %d, want %d", status, exitInterrupted)
	}
	return time.Since(pressed)
}
