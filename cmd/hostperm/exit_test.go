package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"hostperm/remote"
)

func TestWorse(t *testing.T) {
	// From the one that everything outranks to the one that outranks all.
	byRank := []int{exitClean, exitFindings, exitIncomplete, exitRefused, exitUsage, exitInterrupted}
	for i, low := range byRank {
		for _, high := range byRank[i:] {
			if got := worse(low, high); got != high {
				t.Errorf("worse(%d, %d) = %d, want %d", low, high, got, high)
			}
			if got := worse(high, low); got != high {
				t.Errorf("worse(%d, %d) = %d, want %d", high, low, got, high)
			}
		}
	}
}

func TestCodeOf(t *testing.T) {
	plain := errors.New("connection refused")
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"nothing", nil, exitClean},
		{"no failure", fail(exitRefused, nil), exitClean},
		{"from a server", plain, exitIncomplete},
		{"wrapped", fmt.Errorf("shop: %w", fail(exitRefused, plain)), exitRefused},
		{"joined", errors.Join(plain, fail(exitRefused, plain)), exitRefused},
		{"usage", usagef("type this", "no %s", "target"), exitUsage},
		{"usage found below", fmt.Errorf("shop: %w", remote.ErrUsage), exitUsage},
		{"a status outranks what it wraps", fail(exitRefused, remote.ErrUsage), exitRefused},
	} {
		if got := codeOf(c.err); got != c.want {
			t.Errorf("%s: status %d, want %d", c.name, got, c.want)
		}
	}
	if err := usagef("type this", "no target"); remote.Hint(err) != "type this" || err.Error() != "no target" {
		t.Errorf("usagef gave %q with the hint %q", err, remote.Hint(err))
	}
}

// A cancelled context explains an error by why it was cancelled, and invents
// none.
func TestInterrupted(t *testing.T) {
	lost := errors.New("connection lost")
	for _, c := range []struct {
		name       string
		cause, err error
		want       error
		code       int
	}{
		{"signal", errInterrupted, lost, errInterrupted, exitInterrupted},
		{"timeout", errTimeout, lost, errTimeout, exitIncomplete},
		{"another cause", errors.New("else"), lost, lost, exitIncomplete},
		{"not cancelled", nil, lost, lost, exitIncomplete},
		{"done in time", errInterrupted, nil, nil, exitClean},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		if c.cause != nil {
			cancel(c.cause)
		}
		err := interrupted(ctx, c.err)
		if !errors.Is(err, c.want) || codeOf(err) != c.code {
			t.Errorf("%s: %v with status %d, want %v with %d", c.name, err, codeOf(err), c.want, c.code)
		}
		cancel(nil)
	}
}
