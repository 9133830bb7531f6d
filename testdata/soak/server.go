package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hostperm/remote/remotetest/realserver"
)

// stage stands in for the test that realserver starts a server for.
type stage struct {
	testing.TB
	cleanups []func()
	failed   bool
}

// stageError is the panic by which a stage ends what a test would end.
type stageError struct{ error }

func (s *stage) Helper()                        {}
func (s *stage) Failed() bool                   { return s.failed }
func (s *stage) Logf(string, ...any)            {}
func (s *stage) Cleanup(f func())               { s.cleanups = append(s.cleanups, f) }
func (s *stage) Fatal(args ...any)              { panic(stageError{errors.New(fmt.Sprint(args...))}) }
func (s *stage) Fatalf(form string, a ...any)   { panic(stageError{fmt.Errorf(form, a...)}) }
func (s *stage) Skipf(form string, a ...any)    { panic(stageError{fmt.Errorf(form, a...)}) }
func (s *stage) Errorf(format string, a ...any) { s.failed = true }

func (s *stage) close() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
}

// server is a private sshd and its account.
type server struct {
	*realserver.Server
	stage *stage
}

// startServer starts one. It has to be closed.
func startServer() (s *server, err error) {
	s = &server{stage: new(stage)}
	defer func() {
		if e, ok := recover().(stageError); ok {
			s.stage.close()
			err = fmt.Errorf("start sshd: %w", e.error)
		}
	}()
	s.Server = realserver.OpenSSH(s.stage, realserver.Options{Config: "MaxStartups 1000\nAllowUsers root\n"})
	return s, nil
}

func (s *server) close() { s.stage.close() }

func (s *server) fingerprint() string { return ssh.FingerprintSHA256(s.HostKey) }

// give makes a tree the account's.
func (s *server) give(tree string) (err error) {
	defer func() {
		if e, ok := recover().(stageError); ok {
			err = e.error
		}
	}()
	s.Chown(s.stage, tree)
	return nil
}

// rest waits until the server has worked off all that it was sent: no process
// serves a connection any more. What a client sent before it was cut off is done
// by processes that outlive the connection, and those that lose their parent are
// known by their working directory.
func (s *server) rest(ctx context.Context) error {
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("the server still works on something after %v", patience))
	defer cancel()
	for quiet := 0; quiet < 2; {
		if len(s.serving()) > 0 {
			quiet = 0
		} else {
			quiet++
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// endServing ends what serves a connection, for a process that waits in OPEN of
// a FIFO would wait for ever.
func (s *server) endServing() {
	for _, pid := range s.serving() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// serving gives the children of the listening process, and what works in the
// account's home.
func (s *server) serving() (pids []int) {
	mark := []byte(fmt.Sprintf("Port=%d", s.Port))
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	parents := make(map[string]string)
	listening := ""
	for _, file := range files {
		dir := filepath.Dir(file)
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		// pid (name) state ppid ...; the name may hold anything
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 2 || fields[0] == "Z" {
			continue
		}
		pid := filepath.Base(dir)
		parents[pid] = fields[1]
		if cwd, err := os.Readlink(filepath.Join(dir, "cwd")); err == nil && strings.HasPrefix(cwd, s.HomeDir) {
			pids = append(pids, number(pid))
		}
		if fields[1] == strconv.Itoa(os.Getpid()) {
			if line, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil && bytes.Contains(line, mark) {
				listening = pid
			}
		}
	}
	for pid, parent := range parents {
		if parent == listening {
			pids = append(pids, number(pid))
		}
	}
	return pids
}

// number is that of a process, as a directory of /proc has it in its name.
func number(pid string) int {
	n, _ := strconv.Atoi(pid)
	return n
}
