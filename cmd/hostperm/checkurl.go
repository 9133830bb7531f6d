package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"hostperm/audit"
	"hostperm/audit/repair"
	"hostperm/audit/sitecheck"
	"hostperm/remote"
)

// parsePages takes the values of --check-url. Every error is one of usage.
func (f *auditFlags) parsePages(targets int) (*sitecheck.Checker, error) {
	if len(f.checkURLs) == 0 {
		return nil, nil
	}
	switch {
	case !f.fix || f.dryRun:
		return nil, usagef("hostperm audit --fix --check-url URL TARGET", "--check-url does nothing without a repair")
	case targets > 1:
		return nil, usagef("repair one target at a time", "--check-url is about the site of one target, and there are %d", targets)
	}
	var pages []sitecheck.Page
	for _, raw := range f.checkURLs {
		p, err := sitecheck.Parse(raw)
		if err != nil {
			return nil, usagef("such as --check-url https://shop.example.com/", "--check-url: %w", err)
		}
		pages = append(pages, p)
	}
	return sitecheck.New(pages, version()), nil
}

// siteStates is what became of the pages of --check-url, in their order; nil
// where they have not been fetched.
type siteStates struct{ before, after, undone []sitecheck.State }

// lookAtSite fetches the pages before the repair.
func (s *session) lookAtSite(ctx context.Context) (err error) {
	if s.pages == nil || s.site.before != nil {
		return nil
	}
	if s.site.before, err = s.pages.Fetch(ctx); err != nil {
		return err
	}
	for i, state := range s.site.before {
		if !state.Works() {
			s.app.warn(fmt.Sprintf("%v does not work before the repair (%v): whether the repair breaks it will not show", s.pages.Pages()[i], state))
		}
	}
	return nil
}

// keepSite fetches the pages after the repair, and puts everything back if one
// does not work that did before.
func (s *session) keepSite(ctx context.Context) (err error) {
	if s.pages == nil {
		return nil
	}
	undo := s.undoCommand()
	if s.site.after, err = s.pages.FetchAgain(ctx, s.site.before); err != nil {
		return err
	}
	var broken []string
	for i, now := range s.site.after {
		if was := s.site.before[i]; was.Works() && !now.Works() {
			broken = append(broken, fmt.Sprintf("%v worked before the repair (%v) and does not after it (%v)", s.pages.Pages()[i], was, now))
		}
	}
	if len(broken) == 0 {
		return nil
	}
	why := strings.Join(broken, "; ")
	s.app.warn(why + ": putting everything back")
	left, err := s.putBack(ctx)
	if err == nil {
		s.site.undone, err = s.pages.Fetch(ctx)
	}
	switch {
	case err != nil:
		return fail(exitRefused, remote.WithHint(fmt.Errorf("%s; putting it back: %w", why, err), "go on with: "+undo))
	case left > 0:
		return fail(exitRefused, remote.WithHint(fmt.Errorf("%s; %d of the changes could not be put back", why, left), "go on with: "+undo))
	}
	return fail(exitRefused, fmt.Errorf("%s; all changes were put back, and now: %s", why, s.siteNow()))
}

// siteNow is how the pages do after everything was put back.
func (s *session) siteNow() string {
	var list []string
	for i, state := range s.site.undone {
		list = append(list, fmt.Sprintf("%v %v", s.pages.Pages()[i], state))
	}
	return strings.Join(list, ", ")
}

// putBack undoes what this session changed, and gives how many changes are
// still made. A change that was put back counts as failed: it was asked for, and
// is not there.
func (s *session) putBack(ctx context.Context) (left int, err error) {
	name := filepath.Base(s.journal.Path())
	closed := s.journal.Close()
	s.journal = nil
	if closed != nil {
		return 0, closed
	}
	file, err := s.state.OpenJournal(name)
	if err != nil {
		return 0, err
	}
	back := make(map[string]audit.Change)
	_, err = repair.Undo(ctx, s.client, file, func(c audit.Change) { back[c.Path] = c })
	for i := range s.changes {
		c := &s.changes[i]
		undone, told := back[c.Path]
		switch {
		case !told || c.Status != audit.Applied:
		case undone.Status == audit.Applied || undone.Status == audit.Unchanged:
			c.Status, c.Detail = audit.Failed, "made, and put back, since a page of --check-url did not work any more"
		default:
			left++
			c.Detail = "made, and could not be put back: " + undone.Detail
		}
	}
	return left, err
}

// checks is what became of the pages, for the summary.
func (s *session) checks() []audit.Check {
	if s.pages == nil || s.site.after == nil {
		return nil
	}
	var list []audit.Check
	for i, p := range s.pages.Pages() {
		c := audit.Check{URL: p.String(), Before: s.site.before[i].String(), After: s.site.after[i].String()}
		if s.site.undone != nil {
			c.Undone = s.site.undone[i].String()
		}
		list = append(list, c)
	}
	return list
}
