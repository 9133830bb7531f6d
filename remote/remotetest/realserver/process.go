package realserver

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// process is a server program that runs in the foreground.
type process struct {
	cmd    *exec.Cmd
	log    lockedBuffer
	exited chan struct{}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// startOnFreePort runs an SSH server; command makes its call for a port.
func startOnFreePort(t testing.TB, s *setup, command func(port int) *exec.Cmd) *Server {
	t.Helper()
	port, banner := startReady(t, command, readBanner)
	s.ServerBanner = banner
	return s.finish(t, port)
}

// startReady runs a program that cannot be told to let the kernel choose a
// port: it gets one that was free a moment ago, and another if that is taken by
// then. banner asks whoever listens on a port who it is.
func startReady(t testing.TB, command func(port int) *exec.Cmd, banner func(port int) (string, error)) (int, string) {
	t.Helper()
	var last string
	for range 5 {
		port := freePort(t)
		p := &process{cmd: command(port), exited: make(chan struct{})}
		p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
		if err := p.cmd.Start(); err != nil {
			t.Fatalf("start the test server: %v", err)
		}
		go func() {
			defer close(p.exited)
			p.cmd.Wait() // how it ended is in its log
		}()
		who, err := p.ready(port, banner)
		if err == nil {
			t.Cleanup(func() { p.stop(t) })
			return port, who
		}
		p.end()
		last = fmt.Sprintf("%v\n%s", err, p.log.String())
		if !strings.Contains(strings.ToLower(p.log.String()), "address already in use") {
			break
		}
	}
	t.Fatalf("the test server did not start: %s", last)
	return 0, ""
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// ready waits until the server says who it is, or ends.
func (p *process) ready(port int, banner func(port int) (string, error)) (who string, err error) {
	const patience = 30 * time.Second
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		select {
		case <-p.exited:
			return "", fmt.Errorf("it ended at once: %v", p.cmd.ProcessState)
		case <-time.After(20 * time.Millisecond):
		}
		if who, err = banner(port); err == nil {
			return who, nil
		}
	}
	return "", fmt.Errorf("not ready after %v: %w", patience, err)
}

func readBanner(port int) (string, error) {
	c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(io.LimitReader(c, 256)).ReadString('\n')
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(line, "SSH-2.0-") {
		return "", fmt.Errorf("port %d speaks %q", port, line)
	}
	return strings.TrimSpace(line), nil
}

// stop ends the server, and prints its log if the test failed.
func (p *process) stop(t testing.TB) {
	p.end()
	if t.Failed() {
		t.Logf("the test server's log:\n%s", p.log.String())
	}
}

// end kills the server and the processes that it started, each by its id, and
// waits for the server. The server comes first: nginx starts another worker in
// the place of one that is killed.
func (p *process) end() {
	all := append(descendants(p.cmd.Process.Pid), p.cmd.Process.Pid)
	for _, pid := range slices.Backward(all) {
		if child, err := os.FindProcess(pid); err == nil {
			child.Kill()
		}
	}
	<-p.exited
}

// descendants gives the processes below pid, deepest first. It knows them only
// where /proc tells the parent of each.
func descendants(pid int) []int {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	children := map[int][]int{}
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		// pid (name) state ppid ...; the name may hold anything
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if len(fields) > 1 {
			if parent, err := strconv.Atoi(fields[1]); err == nil {
				children[parent] = append(children[parent], child)
			}
		}
	}
	var below func(int) []int
	below = func(pid int) (all []int) {
		for _, child := range children[pid] {
			all = append(append(all, below(child)...), child)
		}
		return all
	}
	return below(pid)
}
