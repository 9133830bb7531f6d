// Command bench measures hostperm side by side with the other ways to list, and
// to change, a tree on a server. It runs on Linux, with OpenSSH installed:
//
//	go run ./testdata/bench [flags]
//
// It makes the trees, starts a private sshd on loopback, and puts a proxy that
// delays every byte in front of it for each round trip time. Contenders take
// turns (A B C A B C ...), so that what disturbs the machine disturbs them all,
// and a ratio is the median of the ratios of the rounds. Every run is checked:
// its exit status, and that it saw as many entries as the tree has.
//
// The server runs on the same machine, and so competes with the client for its
// processors. The proxy delays data and not TCP's own handshake: every
// contender saves that round trip, for each connection that it opens.
//
// Exit status: 0 all was measured, 1 a run failed, 2 wrong usage, 130
// interrupted. A bar that is missed is said, and fails nothing.
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
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // it is under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, signals...)
	defer stop()
	if len(args) == 2 && args[0] == asClient {
		return exitStatus(ctx, stderr, runClient(ctx, args[1], stdout))
	}
	s, err := parseSettings(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 2
	}
	return exitStatus(ctx, stderr, measureAll(ctx, s, stdout, stderr))
}

func exitStatus(ctx context.Context, stderr io.Writer, err error) int {
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "bench: interrupted")
		return 130
	}
	fmt.Fprintf(stderr, "bench: %v\n", err)
	return 1
}

// measureAll runs the cases one after the other. Its error is the first that
// keeps it from going on, or says how many contenders failed.
func measureAll(ctx context.Context, s settings, stdout, stderr io.Writer) (err error) {
	b, err := newBench(ctx, s, stderr)
	if b != nil {
		defer func() { err = errors.Join(err, b.close()) }()
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, b.machine())
	failed := 0
	for _, c := range s.cases {
		p, err := c.plan(ctx, b)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", c.name, err)
		}
		for _, l := range b.lanesFor(p) {
			r, err := b.rounds(ctx, c.name, p, l)
			if err != nil {
				return err
			}
			if err := r.print(stdout, s); err != nil {
				return fmt.Errorf("print the results of %s: %w", c.name, err)
			}
			failed += r.failures()
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d FAILED, see the tables", failed)
	}
	return nil
}
