package repair

import (
	"context"
	"time"

	"hostperm/policy"
)

// A change that was on its way when a run was killed or its connection cut may
// be made after that: a server works off what it has received, and nothing in
// the protocol tells when it is through. An undo that looks too early would find
// such an entry as it was, and take it for settled. So it waits until the entries
// in doubt look the same twice, restPause apart, restLooks times at most.
const (
	restPause = time.Second
	restLooks = 10
)

// inDoubt reports whether a change of in, or of an earlier undo, may have been
// on its way when its run ended.
func (in *intent) inDoubt() bool {
	return in.status == "" || in.status == outUnknown || in.undoing || in.undone == outUnknown
}

// rest waits for restPause, or for the end of ctx, whose error it gives.
func rest(ctx context.Context) error {
	t := time.NewTimer(restPause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// comeToRest waits until no change that is in doubt is still being made.
func (u *undoer) comeToRest(ctx context.Context, list []pendingIntent) error {
	var paths []string
	var targets []policy.Mode
	for _, p := range list {
		if p.inDoubt() {
			paths, targets = append(paths, p.path), append(targets, p.to)
		}
	}
	var before []look
	for range restLooks {
		if len(paths) == 0 {
			return nil
		}
		now, err := lstat(ctx, u.c, u.root, paths)
		if err != nil || before != nil && sameLooks(before, now) {
			return err
		}
		if allMade(now, targets) {
			return nil
		}
		if err := u.rest(ctx); err != nil {
			return err
		}
		before = now
	}
	return nil
}

// sameLooks reports whether two rounds of looks saw the same modes.
func sameLooks(a, b []look) bool {
	for i := range a {
		if a[i].attr.Mode != b[i].attr.Mode || (a[i].err == nil) != (b[i].err == nil) {
			return false
		}
	}
	return true
}

// allMade reports whether every entry already has the mode that it was to have:
// nothing is left to come then.
func allMade(looks []look, targets []policy.Mode) bool {
	for i, l := range looks {
		if l.err != nil || policy.Mode(l.attr.Perm()) != targets[i] {
			return false
		}
	}
	return true
}
