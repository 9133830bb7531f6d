package repair

import (
	"context"
	"errors"
	"fmt"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
)

// Counts is a number of changes by status.
type Counts map[audit.Status]int

// Apply makes the steps below the root of j's header, each with its line in j
// first. It calls each exactly once for every step, in an order of its own; what
// it did not come to is refused, with the reason.
//
// It may be called again on the same journal, for what became visible by the
// first changes. The error says what ended it early, and wraps ErrJournal,
// ErrServerIgnores, ctx's error, or that of c; a change that the server did not
// make is no error. The journal then serves undo as it is.
func Apply(ctx context.Context, c Changer, j *Journal, steps []PlannedStep, each func(audit.Change)) (Counts, error) {
	a := &applier{c: c, j: j, each: each, counts: make(Counts)}
	rest := a.admit(inOrder(steps))
	var err error
	for trial := firstBatch; len(rest) > 0 && err == nil; trial = maxBatch {
		n := together(rest, maxBatch, func(s *PlannedStep) (string, bool) { return s.Path, opensOrCloses(s.Kind, s.From, s.Target) })
		b := newBatch(a, rest[:n])
		if err = ctx.Err(); err == nil {
			err = b.announce(min(trial, n))
		}
		if err == nil {
			err = b.send(ctx)
			rest = rest[n:]
		}
	}
	for i := range rest {
		a.report(&rest[i], audit.Refused, notTried(err))
	}
	if err == nil {
		err = a.seen.verdict()
	}
	j.stopped = j.stopped || err != nil
	if journalErr := j.sync(); err == nil {
		err = journalErr
	}
	return a.counts, err
}

// applier is one Apply.
type applier struct {
	c      Changer
	j      *Journal
	each   func(audit.Change)
	counts Counts
	seen   compliance
}

// admit refuses what can't have come from a plan: a second step for a path,
// which would race with the first, and what untouchable names.
func (a *applier) admit(steps []PlannedStep) []PlannedStep {
	known := make(map[string]bool, len(steps))
	kept := steps[:0]
	for _, s := range steps {
		reason := untouchable(&audit.Finding{Path: s.Path, Kind: s.Kind, Mode: s.From, ModeKnown: true, Want: s.Target, Attr: s.Attr})
		switch {
		case inSSH(a.j.header.Root):
			reason = "nothing in .ssh is ever changed"
		case known[s.Path]:
			reason = "it is planned twice"
		}
		if reason != "" {
			a.report(&s, audit.Refused, reason)
			continue
		}
		known[s.Path] = true
		kept = append(kept, s)
	}
	return kept
}

// judge says what a result means for a step.
func (a *applier) judge(s *PlannedStep, r remote.ChangeResult) (audit.Status, outcome, string) {
	switch r.Outcome {
	case remote.ChangeApplied:
		return audit.Applied, outApplied, wayOf(r)
	case remote.ChangeRefused:
		if sameEntry(s.Kind, s.UID, s.GID, r.Now) && policy.Mode(r.Now.Perm()) == s.Target {
			return audit.Unchanged, outUnchanged, "it has this mode already"
		}
		return audit.Refused, outRefused, errorText(r.Err)
	case remote.ChangeFailed:
		return audit.Failed, outFailed, failure(a.j.header, s.Path, s.Target, s.UID, r)
	}
	return audit.Failed, outUnknown, "it may or may not have been changed (undo looks again): " + errorText(r.Err)
}

// wayOf says how an entry was changed, if that was not the safe way.
func wayOf(r remote.ChangeResult) string {
	if r.ByPath {
		return "by path, as --allow-path-chmod allows"
	}
	return ""
}

func (a *applier) report(s *PlannedStep, status audit.Status, detail string) {
	a.counts[status]++
	a.each(audit.Change{Path: s.Path, From: s.From, To: s.Target, Status: status, Detail: detail})
}

// sameEntry reports whether what is seen now can be the entry that is meant.
func sameEntry(kind policy.Kind, uid, gid uint32, now remote.Attr) bool {
	return now.HasMode() && hasOwner(now) && audit.KindOf(&now) == kind && now.UID == uid && now.GID == gid
}

// compliance counts whether a server does at all what it is asked for.
type compliance struct {
	sent, applied, ignored int
}

// enough ignored changes without a single one made show that the server ignores
// all of them; fewer may be odd entries.
const enough = 8

// count takes in the result for an entry that had the mode from. A change is
// ignored if the mode stayed as it was although the account is not short of a
// permission.
func (c *compliance) count(from policy.Mode, r remote.ChangeResult) {
	c.sent++
	switch {
	case r.Outcome == remote.ChangeApplied:
		c.applied++
	case r.Outcome == remote.ChangeFailed && !errors.Is(r.Err, remote.ErrPermission) &&
		r.Now.HasMode() && policy.Mode(r.Now.Perm()) == from:
		c.ignored++
	}
}

// stop gives an error if it is clear that going on is of no use.
func (c *compliance) stop() error {
	if c.applied == 0 && c.ignored >= enough {
		return c.err()
	}
	return nil
}

// verdict gives an error if all that was sent was ignored.
func (c *compliance) verdict() error {
	if c.ignored > 0 && c.ignored == c.sent {
		return c.err()
	}
	return nil
}

func (c *compliance) err() error {
	return remote.WithHint(fmt.Errorf("%w: of %d changes it made none", ErrServerIgnores, c.sent),
		"the server may be told to ignore them (ProFTPD: SFTPOptions IgnoreSFTPSetPerms), "+
			"or the file system may have fixed modes: ask the host")
}
