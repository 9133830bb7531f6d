package main

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"hostperm/audit"
	"hostperm/audit/repair"
	"hostperm/audit/report"
	"hostperm/remote/fastlane"
)

// repair plans, asks, changes, and looks again. A directory that could not be
// listed because of its own mode is walked once that is repaired, and what is
// in it planned too, until nothing new comes to light.
func (s *session) repair(ctx context.Context) error {
	pending := s.result.Findings
	opened := make(map[string]bool)
	for {
		plan := repair.NewPlan(pending)
		if len(plan.Steps) > 0 {
			if err := s.lookAtSite(ctx); err != nil {
				return err
			}
		}
		steps, err := s.choose(plan, pending)
		if err != nil || len(steps) == 0 {
			return s.endRepair(ctx, err)
		}
		if s.dryRun {
			for _, step := range steps {
				s.changes = append(s.changes, step.Planned())
			}
			return nil
		}
		if err := s.apply(ctx, steps); err != nil {
			return s.endRepair(ctx, err)
		}
		from := s.openable(opened)
		if len(from) == 0 {
			return s.endRepair(ctx, nil)
		}
		found, err := s.walk(ctx, "looking into what was closed", from)
		if err != nil {
			return s.endRepair(ctx, err)
		}
		s.result.Merge(found)
		pending = found.Findings
	}
}

// choose decides which steps of a plan are taken. findings are those that the
// plan was made of.
func (s *session) choose(plan *repair.Plan, findings []audit.Finding) ([]repair.PlannedStep, error) {
	if s.yes || s.dryRun {
		steps, left := plan.Select(repair.Unattended(s.loosen))
		s.left = append(s.left, left...)
		return steps, nil
	}
	if len(plan.Steps) == 0 {
		return nil, nil
	}
	s.tty.Print(fmt.Sprintf("plan for %s %s\n", s.client.Display(), quote(s.root.Path)))
	return ask(s.tty, plan, findings, report.Options{All: s.out.all, Width: widthOf(s.tty.out), Color: colorOn(s.out.color, s.tty.out)})
}

// apply makes the changes of one round, with a journal begun at the first.
func (s *session) apply(ctx context.Context, steps []repair.PlannedStep) error {
	if s.journal == nil {
		journal, err := s.state.Create(s.header())
		if err != nil {
			return fail(exitRefused, fmt.Errorf("nothing was changed: %w", err))
		}
		s.journal = journal
	}
	s.changes = slices.Grow(s.changes, len(steps))
	var done atomic.Int64
	defer s.app.progress(s.progress.on(s.app.stderr), changeText("repairing", &done, len(steps)))()
	_, err := repair.Apply(ctx, s.client, s.journal, steps, func(c audit.Change) {
		s.changes = append(s.changes, c)
		done.Add(1)
	})
	if err != nil && ctx.Err() == nil {
		return fail(exitRefused, err)
	}
	return err
}

// header is what undo needs to find the same web root again.
func (s *session) header() repair.Header {
	is := s.client.Server()
	h := repair.Header{Target: s.undoTarget(), User: is.User, Host: is.Host, Port: is.Port, HostKey: is.HostKey,
		Root: s.root.Path, Version: version(), Started: s.started.UTC()}
	if s.root.Attr.Flags&fastlane.AttrUIDGID != 0 {
		h.RootUID = &s.root.Attr.UID
	}
	return h
}

// openable gives the directories that could not be listed, whose mode was
// changed since, and that were not looked into before, and adds them to opened:
// each is looked into once, or a server that lies could keep this up for ever.
func (s *session) openable(opened map[string]bool) []string {
	if len(s.result.Gaps) == 0 {
		return nil
	}
	applied := make(map[string]bool)
	for _, c := range s.changes {
		applied[c.Path] = applied[c.Path] || c.Status == audit.Applied
	}
	var paths []string
	for _, gap := range s.result.Gaps {
		if applied[gap.Path] && !opened[gap.Path] {
			opened[gap.Path] = true
			paths = append(paths, gap.Path)
		}
	}
	return paths
}

// endRepair sees that the site still works, and looks again at everything, if
// anything was changed. err is what ended the repair early, if anything did.
func (s *session) endRepair(ctx context.Context, err error) error {
	if s.journal == nil || ctx.Err() != nil {
		return err
	}
	siteErr := s.keepSite(ctx)
	if err == nil {
		var again *audit.Result
		again, err = s.walk(ctx, "auditing again", nil)
		s.result = s.result.Repaired(again)
	}
	switch {
	case siteErr != nil && err != nil:
		return fmt.Errorf("%w; %w", siteErr, err)
	case siteErr != nil:
		return siteErr
	}
	return err
}
