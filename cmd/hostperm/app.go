package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"hostperm/audit"
	"hostperm/remote"
)

// errInterrupted is the cause of a context that a signal cancelled.
var errInterrupted = errors.New("interrupted")

// errTimeout is the cause of a context that --timeout cancelled.
var errTimeout = errors.New("the time given by --timeout is over")

// app is what every command needs of the world outside.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	status         int // the worst exit status so far

	reconnectPause time.Duration // before a lost connection is made anew; 0: as package remote has it

	line atomic.Pointer[progressLine] // the one that is drawn; nil: none
}

// heapGrowth is by how much the heap may grow between two garbage collections,
// in per cent. The server is what a walk waits for, so that half of Go's usual
// share of memory costs no time.
const heapGrowth = 50

func newApp() *app { return &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr} }

// run is the whole program. It returns the exit status, and is called once.
func (a *app) run(ctx context.Context, args []string) int {
	debug.SetGCPercent(heapGrowth)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := watchSignals(cancel)
	defer stop()

	root := newRootCommand(a)
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		a.complain(err)
		a.raise(codeOf(err))
	}
	if errors.Is(context.Cause(ctx), errInterrupted) {
		a.raise(exitInterrupted)
	}
	return a.status
}

// graceful is how long a run may take to end after a signal. A second one ends
// the process at once from then on, should something hang after all.
const graceful = 2 * time.Second

// watchSignals cancels with errInterrupted on SIGINT and SIGTERM, and when the
// terminal goes away. A write to a closed pipe becomes an error rather than the
// end of the process, since a fix has a journal to sync.
func watchSignals(cancel context.CancelCauseFunc) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // it is under nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel(errInterrupted)
		case <-done:
			return
		}
		select {
		case <-time.After(graceful):
			signal.Stop(signals)
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		signal.Stop(pipe)
		close(done)
	}
}

// raise keeps the worse of the exit status so far and code.
func (a *app) raise(code int) { a.status = worse(a.status, code) }

// complain prints an error for a person: one line, and a hint if it has one.
func (a *app) complain(err error) {
	a.line.Load().clear()
	fmt.Fprintf(a.stderr, "hostperm: %s\n", audit.SafeText(err.Error()))
	if hint := remote.Hint(err); hint != "" {
		fmt.Fprintf(a.stderr, "hint: %s\n", audit.SafeText(hint))
	}
}

// warn prints a line that does not change the exit status.
func (a *app) warn(message string) {
	a.line.Load().clear()
	fmt.Fprintf(a.stderr, "warning: %s\n", audit.SafeText(message))
}

// note prints a line of information for a person.
func (a *app) note(format string, args ...any) {
	a.line.Load().clear()
	fmt.Fprintf(a.stderr, format+"\n", args...)
}

// interrupted turns the error of a cancelled context into why it was cancelled.
func interrupted(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case err == nil || cause == nil:
		return err
	case errors.Is(cause, errInterrupted):
		return fail(exitInterrupted, errInterrupted)
	case errors.Is(cause, errTimeout):
		return fail(exitIncomplete, errTimeout)
	default:
		return err
	}
}
