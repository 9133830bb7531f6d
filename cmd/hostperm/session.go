package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hostperm/audit"
	"hostperm/audit/repair"
	"hostperm/policy"
	"hostperm/remote"
)

// session is the audit of one target, from connecting to the report.
type session struct {
	*auditJob
	target  remote.Target
	client  *remote.Client
	root    remote.Root
	state   *repair.State
	lock    *repair.Lock // nil for an audit that could not have one
	journal *repair.Journal

	policy     *policy.Policy // the job's, or one for what was recognised
	recognised []policy.Recognition
	notes      []string       // on what else the web root is judged by
	above      []remote.Above // the directories above the web root; nil: nobody wants to know

	started time.Time
	result  *audit.Result // what was found, what came to light during a fix, and what that fixed
	changes []audit.Change
	site    siteStates
	left    []repair.LeftOver // what a fix that did not ask has not changed
}

// auditTarget audits one target, repairs it if asked to, and reports. The
// error, if any, has not been printed yet.
func (job *auditJob) auditTarget(ctx context.Context, t remote.Target, h audit.Handler) error {
	ctx, cancel := job.conn.bound(ctx)
	defer cancel()
	s := &session{auditJob: job, target: t, policy: job.policy, started: time.Now()}
	job.current = s
	job.tty.within(ctx)
	defer s.close()
	if err := s.open(ctx); err != nil {
		return s.about(interrupted(ctx, err))
	}
	err := s.work(ctx)
	if endErr := s.endJournal(); err == nil {
		err = endErr // what kept a line from the journal keeps the last one too
	}
	err = interrupted(ctx, err)
	if reportErr := s.report(h, err); reportErr != nil {
		return reportErr
	}
	return s.about(err)
}

// about says which target an error is about.
func (s *session) about(err error) error {
	if err == nil || errors.Is(err, errInterrupted) {
		return err
	}
	return fmt.Errorf("%s: %w", s.target, err)
}

// open connects, finds the web root, and takes the lock.
func (s *session) open(ctx context.Context) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	s.sayRoot()
	return s.takeLock()
}

func (s *session) connect(ctx context.Context) (err error) {
	defer s.app.progress(s.progress.on(s.app.stderr), connectingText)()
	if s.client, err = s.conn.connect(ctx, s.target, audit.AroundPaths(s.recognising()), audit.Into(s.exclude), s.tty); err != nil {
		return err
	}
	s.root, err = s.client.ResolveRoot(ctx, s.target)
	return err
}

// sayRoot names the web root where the user did not.
func (s *session) sayRoot() {
	if s.quiet() {
		return
	}
	switch {
	case s.root.Found:
		s.app.note("web root: %s (found; name another as %s:PATH)", quote(s.root.Path), s.client.Display())
	case s.root.Linked:
		s.app.note("web root: %s is a symlink to %s", quote(s.root.Asked), quote(s.root.Path))
	}
}

func (s *session) quiet() bool { return s.out.quiet }

// takeLock keeps two runs on one web root apart. An audit that only reads goes
// on without a lock where there is no place for one; a fix does not.
func (s *session) takeLock() error {
	var err error
	if s.state, err = openState(s.stateDir); err == nil {
		s.lock, err = s.state.Lock(lockKey(s.client, s.root.Path))
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, repair.ErrLocked):
		return fail(exitIncomplete, err)
	case s.fix && !s.dryRun:
		return fail(exitRefused, fmt.Errorf("nothing was changed: %w", err))
	default:
		s.app.warn("going on without a lock: " + err.Error())
		return nil
	}
}

// close lets go of the lock last, when nothing more can be sent.
func (s *session) close() {
	if s.client != nil {
		s.client.Close()
	}
	if s.lock != nil {
		s.lock.Unlock()
	}
	if s.state != nil {
		s.state.Close()
	}
}

// work audits, and repairs if asked to.
func (s *session) work(ctx context.Context) error {
	err := s.learn(ctx)
	if err != nil {
		s.result = &audit.Result{Root: s.root.Path}
		return err
	}
	s.result, err = s.walk(ctx, "auditing", nil)
	if err != nil || !s.fix {
		return err
	}
	return s.repair(ctx)
}

// endJournal closes the journal and says how to put back what it holds.
func (s *session) endJournal() error {
	if s.journal == nil {
		return nil
	}
	if s.out.format != "table" { // a table ends with it
		s.app.note("to put it back: %s", s.undoCommand())
	}
	return fail(exitRefused, s.journal.Close())
}

// lockKey names a web root on a server, for the lock.
func lockKey(client *remote.Client, root string) string {
	is := client.Server()
	return fmt.Sprintf("%s@%s:%d:%s", is.User, is.Host, is.Port, root)
}

// walk audits the web root, or what lies at and below from.
func (s *session) walk(ctx context.Context, what string, from []string) (*audit.Result, error) {
	counts := &remote.Progress{}
	defer s.app.progress(s.progress.on(s.app.stderr), walkText(what, counts))()
	o := audit.Options{Exclude: s.exclude, From: from, Above: s.above, Way: s.root.Way, Progress: counts,
		Window: s.conn.window, WaitForHandles: s.conn.foresee == "never"}
	if s.result == nil {
		o.RootAttr, o.Remember = &s.root.Attr, s.fix
	} else if len(from) == 0 {
		o.After = s.result
	}
	result, err := audit.Run(ctx, s.client, s.root.Path, s.policy, o)
	if err != nil {
		return result, err
	}
	if err := result.Follow(ctx, s.client, s.policy); err != nil {
		return result, err
	}
	if s.noSniff {
		return result, result.Sniff(ctx, nil)
	}
	return result, result.Sniff(ctx, s.client)
}

// report renders what there is to say and decides the exit status. cause is
// the error that ended the work early, if any.
func (s *session) report(h audit.Handler, cause error) error {
	summary := s.summary(cause)
	code := s.code(summary, cause)
	s.app.raise(code)
	if s.quiet() && code == exitClean && len(summary.Changes) == 0 {
		return nil
	}
	s.sayLeft()
	if err := s.emit(h, summary); err != nil {
		return fail(exitIncomplete, fmt.Errorf("writing the result: %w", err))
	}
	return nil
}

// emit hands all messages to a renderer.
func (s *session) emit(h audit.Handler, summary audit.Summary) error {
	if err := h.Handle(s.start()); err != nil {
		return err
	}
	if err := s.result.Emit(h); err != nil {
		return err
	}
	for _, c := range s.changes {
		if err := h.Handle(c); err != nil {
			return err
		}
	}
	return h.Handle(summary)
}

func (s *session) summary(cause error) audit.Summary {
	r := s.result
	found, remaining := r.Counts()
	sum := audit.Summary{Dirs: r.Dirs, Files: r.Files, Symlinks: r.Symlinks, Other: r.Other, Excluded: r.Excluded, Ignored: r.Ignored,
		Findings: found, Remaining: remaining, Gaps: len(r.Gaps), Changes: map[audit.Status]int{},
		Complete: r.Complete && cause == nil, Interrupted: errors.Is(cause, errInterrupted),
		Seconds: time.Since(s.started).Seconds(), Checks: s.checks()}
	for _, c := range s.changes {
		sum.Changes[c.Status]++
	}
	return sum
}

// code is the exit status of this target.
func (s *session) code(sum audit.Summary, cause error) int {
	code := exitClean
	if s.failAt != 0 && sum.Remaining.AtLeast(s.failAt) > 0 {
		code = exitFindings
	}
	if !sum.Complete {
		code = worse(code, exitIncomplete)
	}
	if sum.Changes[audit.Refused]+sum.Changes[audit.Failed] > 0 {
		code = worse(code, exitRefused)
	}
	return worse(code, codeOf(cause))
}
