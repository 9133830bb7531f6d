package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
)

// tally counts what came of the runs, and tells violations as they come.
type tally struct {
	stderr  io.Writer
	verbose bool

	mu         sync.Mutex
	outcomes   map[string]map[string]int // by case
	violations int
}

const wrong = "WRONG"

func (t *tally) count(r *soakRun, outcome string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(r.name, outcome, 1)
	if t.verbose {
		fmt.Fprintf(t.stderr, "soak: %s, seed %d, %v: %s\n", r.name, r.seed, r.faults, outcome)
	}
}

// add counts something besides the outcome of a run.
func (t *tally) add(name, what string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(name, what, n)
}

// put counts. mu is held.
func (t *tally) put(name, outcome string, n int) {
	if t.outcomes[name] == nil {
		t.outcomes[name] = make(map[string]int)
	}
	t.outcomes[name][outcome] += n
}

func (t *tally) violated(r *soakRun, v violation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(r.name, wrong, 1)
	t.violations++
	fmt.Fprintf(t.stderr, "soak: %s: %s, seed %d, %v: %v\n", wrong, r.name, r.seed, r.faults, v.error)
	const most = 1500
	said := bytes.TrimSpace(r.last.stderr)
	fmt.Fprintf(t.stderr, "the last run ended with %d and said: %s\n", r.last.status, said[:min(len(said), most)])
	fmt.Fprintf(t.stderr, "to repeat it: go run ./testdata/soak -case %s -runs 1 -seed %d\n", r.name, r.seed)
}

func (t *tally) print(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range cases() {
		for _, outcome := range slices.Sorted(maps.Keys(t.outcomes[c.name])) {
			fmt.Fprintf(tw, "%s\t%d\t%s\n", c.name, t.outcomes[c.name][outcome], outcome)
		}
	}
	tw.Flush()
}
