package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// soakAll runs all that the settings ask for. The tally is there, as far as it
// went, also with an error: one that has nothing to do with hostperm.
func soakAll(ctx context.Context, s settings, stderr io.Writer) (t *tally, err error) {
	scratch, err := os.MkdirTemp("", "hostperm-soak-")
	if err != nil {
		return nil, fmt.Errorf("make the scratch directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if s.hostperm == "" {
		s.hostperm = filepath.Join(scratch, "hostperm")
		if err := buildHostperm(s.hostperm); err != nil {
			return nil, err
		}
	}
	t = &tally{stderr: stderr, verbose: s.verbose, outcomes: make(map[string]map[string]int)}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo := make(chan job)
	var workers sync.WaitGroup
	for i := range s.jobs {
		workers.Go(func() {
			w := &worker{settings: s, tally: t, scratch: filepath.Join(scratch, fmt.Sprint(i))}
			if err := w.work(ctx, todo); err != nil {
				cancel(err)
			}
		})
	}
	hand(ctx, s, todo)
	workers.Wait()
	return t, context.Cause(ctx)
}

// job is one run to make.
type job struct {
	soakCase
	seed uint64
}

func hand(ctx context.Context, s settings, todo chan<- job) {
	defer close(todo)
	var over <-chan time.Time // nil: never
	if s.last > 0 {
		over = time.After(s.last)
	}
	for _, c := range s.cases {
		for i := range s.runs {
			select {
			case todo <- job{c, s.seed + uint64(i)}:
			case <-over:
				return
			case <-ctx.Done():
				return
			}
		}
	}
}

// worker makes runs one after the other, against a server of its own.
type worker struct {
	settings settings
	tally    *tally
	scratch  string
	server   *server
	moved    map[string][2]int64 // by kind of run: the bytes of one that nothing disturbs
}

func (w *worker) work(ctx context.Context, todo <-chan job) (err error) {
	if err := os.Mkdir(w.scratch, 0o700); err != nil {
		return fmt.Errorf("make a scratch directory: %w", err)
	}
	w.moved = make(map[string][2]int64)
	if w.server, err = startServer(); err != nil {
		return err
	}
	defer w.server.close()
	for j := range todo {
		r := &soakRun{worker: w, ctx: ctx, job: j, rng: rand.New(rand.NewPCG(j.seed, 0)),
			home: filepath.Join(w.scratch, "home"), site: filepath.Join(w.server.HomeDir, "site")}
		outcome, err := r.do()
		var v violation
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &v):
			w.tally.violated(r, v)
		case err != nil:
			return fmt.Errorf("%s, seed %d: %w", j.name, j.seed, err)
		default:
			w.tally.count(r, outcome)
		}
	}
	return nil
}

// violation is what hostperm did wrong.
type violation struct{ error }

func wrongf(format string, args ...any) error { return violation{fmt.Errorf(format, args...)} }

// soakRun is one run. rng decides all of it.
type soakRun struct {
	*worker
	job
	ctx    context.Context
	rng    *rand.Rand
	home   string // of hostperm: configuration and state
	site   string
	before snapshot
	faults []fault // that were met with, for the report
	last   said    // of hostperm, for the report
}

// do makes the tree, runs, and clears away.
func (r *soakRun) do() (outcome string, err error) {
	defer func() {
		err = errors.Join(err, r.server.rest(r.ctx), uproot(r.site), os.RemoveAll(r.home))
	}()
	if err := os.Mkdir(r.home, 0o700); err != nil {
		return "", err
	}
	return r.run(r)
}

// plant makes the tree of this run and looks at it.
func (r *soakRun) plant(how sprinkle) error {
	err := plant(r.rng, r.site, r.settings.entries, how, os.Geteuid() == 0)
	if err == nil {
		err = r.server.give(r.site)
	}
	if err == nil {
		r.before, err = look(r.site)
	}
	return err
}
