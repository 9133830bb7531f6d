package audit

import (
	"errors"
	"fmt"

	"hostperm/remote"
)

// limits bound what an audit keeps of a server that invents findings, or gaps,
// for ever. Text is that of paths, details and errors, in bytes.
type limits struct {
	findings, findingsText int
	gaps, gapsText         int
}

var defaultLimits = limits{findings: 2_000_000, findingsText: 256 << 20, gaps: 100_000, gapsText: 32 << 20}

// ErrTooMuch is wrapped by the error of an audit that gave up because of what
// it would have had to keep.
var ErrTooMuch = errors.New("too much to report")

type tooMuchError struct{ text string }

func (e tooMuchError) Error() string { return e.text }
func (e tooMuchError) Unwrap() error { return ErrTooMuch }

// kept adds the text of a finding or a gap up, and ends the audit when there is
// too much of it: it gives false for what there is no room for any more.
func (c *collector) kept(what string, n, most int, text *int, mostText int, add int) bool {
	if c.full {
		return false
	}
	if *text += add; n < most && *text <= mostText {
		return true
	}
	c.full = true
	err := tooMuchError{fmt.Sprintf("gave up: more than %d %s, or more than %d MiB of their names", most, what, mostText>>20)}
	c.end(remote.WithHint(err, "audit it in parts: name a directory in it as host:path, or leave some out with --exclude"))
	return false
}

func (c *collector) keepsFinding(f *Finding) bool {
	l := &c.limits
	return c.kept("findings", len(c.result.Findings), l.findings, &c.findingsText, l.findingsText, len(f.Path)+len(f.Detail))
}

func (c *collector) keepsGap(g *Gap) bool {
	l := &c.limits
	return c.kept("places that could not be read", len(c.result.Gaps), l.gaps, &c.gapsText, l.gapsText, len(g.Path)+len(g.Error))
}
