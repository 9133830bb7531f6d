package main

import (
	"errors"
	"fmt"

	"hostperm/remote"
)

// Exit statuses. Users script against them: see the README.
const (
	exitClean       = 0   // complete, and nothing at or above --fail-on remains
	exitFindings    = 1   // complete, and findings at or above --fail-on remain
	exitUsage       = 2   // wrong usage; no host was contacted
	exitIncomplete  = 3   // could not connect, or part of the tree could not be read
	exitRefused     = 4   // a requested change was refused or failed
	exitInterrupted = 130 // SIGINT, SIGTERM or SIGHUP
)

// exitRank orders the statuses by what outranks what, for a run with several
// targets or several troubles.
var exitRank = [...]int{exitClean, exitFindings, exitIncomplete, exitRefused, exitUsage, exitInterrupted}

// worse gives the status that outranks the other.
func worse(a, b int) int {
	for i := len(exitRank) - 1; i >= 0; i-- {
		if a == exitRank[i] || b == exitRank[i] {
			return exitRank[i]
		}
	}
	return a
}

// exitError is an error that decides the exit status.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// fail gives err an exit status.
func fail(code int, err error) error {
	if err == nil {
		return nil
	}
	return exitError{err, code}
}

// usagef is an error in what was typed, with what to type instead.
func usagef(hint, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if hint != "" {
		err = remote.WithHint(err, hint)
	}
	return fail(exitUsage, err)
}

// codeOf gives the exit status that err asks for. An error without one came
// from a server or the network: the audit is incomplete.
func codeOf(err error) int {
	var e exitError
	switch {
	case err == nil:
		return exitClean
	case errors.As(err, &e):
		return e.code
	case errors.Is(err, remote.ErrUsage):
		return exitUsage
	default:
		return exitIncomplete
	}
}
