package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a policy file.
type Problem struct {
	File         string
	Line, Column int // counted from 1; 0: the file as a whole
	Message      string
}

// Error gives file:line:column: message.
func (p *Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Problems are all that is wrong with a policy, in the order of the file. It is
// an error that says the first and counts the rest.
type Problems []*Problem

// Error implements error in one line.
func (ps Problems) Error() string {
	switch len(ps) {
	case 0:
		return "no problem"
	case 1:
		return ps[0].Error()
	}
	return fmt.Sprintf("%s (and %d more)", ps[0].Error(), len(ps)-1)
}

// Hint says how to see the rest.
func (ps Problems) Hint() string {
	if len(ps) < 2 || !IsFile(ps[0].File) {
		return ""
	}
	return "hostperm policy check " + ps[0].File + " lists them all"
}

// sorted puts problems in the order of the file, each once.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b *Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	return slices.CompactFunc(ps, func(a, b *Problem) bool { return *a == *b })
}

// err gives nil if there is no problem.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Position is a place in a policy file.
type Position struct {
	File         string
	Line, Column int
}

// String gives file:line.
func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

func (p Position) problem(format string, args ...any) *Problem {
	return &Problem{File: p.File, Line: p.Line, Column: p.Column, Message: fmt.Sprintf(format, args...)}
}
