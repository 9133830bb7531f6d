package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// series is what a contender did in the rounds: its n-th sample is of round n.
type series struct {
	contender
	samples []sample
	failed  error  // it does not run again
	skipped string // why it does not run at all, or ""
}

// results are a case at one distance.
type results struct {
	name   string // of the case
	plan   plan
	lane   lane
	series []*series
}

// rounds lets the contenders run in turn, as often as asked.
func (b *bench) rounds(ctx context.Context, name string, p plan, l lane) (*results, error) {
	r := &results{name: name, plan: p, lane: l}
	for _, c := range p.contenders(l) {
		r.series = append(r.series, &series{contender: c, skipped: c.absent})
	}
	for round := range b.settings.runs {
		for _, s := range r.series {
			if !s.runsIn(round) {
				continue
			}
			b.log("%s, %v, round %d of %d: %s", name, l, round+1, b.settings.runs, s.name)
			if err := s.runOnce(ctx, l); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func (s *series) runsIn(round int) bool {
	switch {
	case s.failed != nil || s.skipped != "":
		return false
	case round == 0:
		return true
	}
	return !s.once && !(s.peer && s.samples[0].wall > patience)
}

// runOnce gives an error only if nothing further can be measured.
func (s *series) runOnce(ctx context.Context, l lane) error {
	if s.before != nil {
		if err := s.before(); err != nil {
			return fmt.Errorf("prepare the tree for %s: %w", s.name, err)
		}
	}
	one, err := s.run(ctx, l, s.tree)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && s.after != nil {
		err = s.after()
	}
	var cannot unable
	switch {
	case errors.As(err, &cannot):
		s.skipped = cannot.reason
	case err != nil:
		s.failed = err
	default:
		s.samples = append(s.samples, one)
	}
	return nil
}

// find gives a contender's series, or nil if it has no result.
func (r *results) find(name string) *series {
	for _, s := range r.series {
		if s.name == name && s.measured() {
			return s
		}
	}
	return nil
}

func (s *series) measured() bool { return s.failed == nil && len(s.samples) > 0 }

func (r *results) failures() (n int) {
	for _, s := range r.series {
		if s.failed != nil {
			n++
		}
	}
	return n
}

// ratio is the median over the rounds that both ran in.
func (s *series) ratio(to *series) float64 {
	var all []float64
	for i := range min(len(s.samples), len(to.samples)) {
		all = append(all, s.samples[i].wall.Seconds()/to.samples[i].wall.Seconds())
	}
	return median(all)
}

func (s *series) walls() []time.Duration {
	return collect(s.samples, func(one sample) time.Duration { return one.wall })
}

func (s *series) wall() time.Duration { return median(s.walls()) }

func (s *series) cpu() time.Duration {
	return median(collect(s.samples, func(one sample) time.Duration { return one.cpu }))
}

func (s *series) cpuPerEntry() float64 { return perEntry(s.cpu(), s.tree.entries()) }

// peak is in MiB.
func (s *series) peak() float64 {
	return median(collect(s.samples, func(one sample) float64 { return float64(one.peak) / 1024 }))
}

func collect[T any](samples []sample, of func(sample) T) []T {
	var all []T
	for _, one := range samples {
		all = append(all, of(one))
	}
	return all
}

// median of at least one value; of an even number, the mean of the two in the
// middle.
func median[T time.Duration | float64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}
