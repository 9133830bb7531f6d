// Command soak proves what hostperm promises when things go wrong, by trying it
// often. It runs on Linux, with OpenSSH installed:
//
//	go run ./testdata/soak -case walks|fixes|kill|swap|all -runs 200 -seed 1
//
// Each run makes a tree with broken modes and odd names, and runs hostperm
// against a private sshd through a proxy that does harm at a byte chosen at
// random, in either direction:
//
//   - walks: the connection is cut, reset or stalled during an audit. The run has
//     to end with exactly the findings that the file system has, or with exit
//     status 3 or 4 and an account in which nothing is wrong.
//
//   - fixes: the same during a repair. Every change that is told has to be on
//     disk, every change on disk has to be told and to stand in the journal, and
//     undo has to put back every bit.
//
//   - kill: the repair is killed with SIGKILL, and so is the undo after it. The
//     undo after that has to put back every bit.
//
//   - swap, as root only: root repairs the tree of a tenant, who exchanges what
//     is in it for symlinks, hard links and FIFOs all the while, which lead to a
//     tree outside that looks the same and belongs to others. Nothing there may
//     change, and whatever was not made has to be told with its reason.
//
// What a run should find is worked out from the disk, by a program text that
// shares nothing with hostperm's. A violation is printed with the seed that
// repeats it: bytes are counted, so a fault comes at the same place again, as
// far as two runs send the same in the same order.
//
// As root the server serves an ordinary account (HOSTPERM_TEST_USER, or nobody),
// and trees have directories that this account cannot read; as another user it
// serves that user, and they have not.
//
// Exit status: 0 nothing was wrong, 1 something was, 2 wrong usage, 130
// interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == attackCommand {
		os.Exit(attack(os.Args[2:]))
	}
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // it is under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, signals...)
	defer stop()
	s, err := parseSettings(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "soak: %v\n", err)
		return 2
	}
	t, err := soakAll(ctx, s, stderr)
	if t != nil {
		t.print(stdout)
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "soak: interrupted")
		return 130
	case err != nil:
		fmt.Fprintf(stderr, "soak: %v\n", err)
		return 1
	case t.violations > 0:
		fmt.Fprintf(stderr, "soak: %d runs were wrong\n", t.violations)
		return 1
	}
	return 0
}
