package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// sample is one run of a contender.
type sample struct {
	wall time.Duration
	cpu  time.Duration // user and system, of the client and the children it waited for
	peak int64         // of resident memory, in KiB
}

// command is a client to run, with nothing in its environment but env.
type command struct {
	args   []string
	env    []string
	stdout io.Writer
}

// maxComplaint bounds what is kept of a client's stderr, in bytes.
const maxComplaint = 4096

// measure runs a client to its end. An exit status other than 0 is an error
// with what the client said.
func measure(ctx context.Context, c command) (sample, error) {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	complaint := &tail{}
	cmd.Env, cmd.Stdout, cmd.Stderr = c.env, c.stdout, complaint
	cmd.Cancel = func() error { kill(cmd.Process.Pid); return nil }
	cmd.WaitDelay = 5 * time.Second
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, fmt.Errorf("start: %w", err)
	}
	readPeak := watchPeak(cmd.Process.Pid)
	err := cmd.Wait()
	wall := time.Since(begin)
	s := sample{
		wall: wall,
		cpu:  cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		peak: readPeak(cmd.ProcessState.SysUsage().(*syscall.Rusage)),
	}
	if err != nil {
		err = errors.Join(context.Cause(ctx), fmt.Errorf("%w: %s", err, complaint))
	}
	return s, err
}

// watchPeak follows the memory of a process until the function that it gives
// is called, with what the kernel said at the end, which is the truth if it is
// more than this process ever had. Otherwise it may be just that: a child begins
// as a copy of its parent, and the mark is not reset when it becomes another
// program. Then the last look at the child's own mark counts.
func watchPeak(pid int) func(*syscall.Rusage) int64 {
	const interval = 10 * time.Millisecond
	stop, stopped := make(chan struct{}), make(chan int64)
	go func() {
		var peak int64
		for ticker := time.NewTicker(interval); ; {
			peak = max(peak, peakOf(fmt.Sprint(pid)))
			select {
			case <-stop:
				ticker.Stop()
				stopped <- peak
				return
			case <-ticker.C:
			}
		}
	}()
	return func(usage *syscall.Rusage) int64 {
		close(stop)
		if seen := <-stopped; usage.Maxrss <= peakOf("self") {
			return seen
		}
		return usage.Maxrss
	}
}

func peakOf(pid string) int64 { return statusField("/proc/"+pid+"/status", "VmHWM:") }

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - maxComplaint; extra > 0 {
		t.kept = append(t.kept[:0], t.kept[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(bytes.TrimSpace(t.kept)) }

// lineCounter counts lines and drops them.
type lineCounter struct{ n int }

func (c *lineCounter) Write(p []byte) (int, error) {
	c.n += bytes.Count(p, []byte{'\n'})
	return len(p), nil
}

// lastLine keeps the last line of what is written to it, however long the rest.
type lastLine struct {
	line  []byte
	ended bool
}

func (l *lastLine) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if l.ended {
			l.line, l.ended = l.line[:0], false
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			l.line = append(l.line, p...)
			break
		}
		l.line, l.ended, p = append(l.line, p[:end]...), true, p[end+1:]
	}
	return n, nil
}
