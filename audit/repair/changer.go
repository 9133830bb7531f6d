package repair

import (
	"context"
	"errors"
	"fmt"

	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/fastlane"
)

// Changer is the server side of a repair; remote.Client is one.
type Changer interface {
	// Change makes the changes, in any order, and calls each exactly once for
	// every request, also when it ends early. Calls never overlap. An error
	// means that the connection or ctx ended.
	Change(ctx context.Context, root string, reqs []remote.ChangeRequest, each func(i int, r remote.ChangeResult)) error
	// Lstat looks at entries without following a symlink below root, in the
	// same manner.
	Lstat(ctx context.Context, root string, paths []string, each func(i int, a remote.Attr, err error)) error
}

// errNoAnswer stands for a result that a Changer owed and didn't give.
var errNoAnswer = errors.New("no answer")

// change is c.Change with exactly one call of each per request made sure of. A
// request without an answer may have been carried out, so it is unknown.
func change(ctx context.Context, c Changer, root string, reqs []remote.ChangeRequest, each func(i int, r remote.ChangeResult)) error {
	seen := make([]bool, len(reqs))
	err := c.Change(ctx, root, reqs, func(i int, r remote.ChangeResult) {
		if i < 0 || i >= len(seen) || seen[i] {
			return
		}
		seen[i] = true
		each(i, verified(reqs[i], r))
	})
	for i := range seen {
		if !seen[i] {
			each(i, remote.ChangeResult{Outcome: remote.ChangeUnknown, Err: noAnswer(err)})
		}
	}
	return err
}

// lstat is c.Lstat with exactly one answer per path made sure of.
func lstat(ctx context.Context, c Changer, root string, paths []string) ([]look, error) {
	looks := make([]look, len(paths))
	for i := range looks {
		looks[i].err = errNoAnswer
	}
	err := c.Lstat(ctx, root, paths, func(i int, a remote.Attr, err error) {
		if i >= 0 && i < len(looks) {
			looks[i] = look{a, err}
		}
	})
	return looks, err
}

// look is what an entry looked like.
type look struct {
	attr remote.Attr
	err  error
}

// verified takes an "applied" back if the attributes that come with it don't
// show the mode that was asked for.
func verified(req remote.ChangeRequest, r remote.ChangeResult) remote.ChangeResult {
	if r.Outcome == remote.ChangeApplied && (!r.Now.HasMode() || r.Now.Perm() != req.Mode) {
		r.Outcome = remote.ChangeFailed
		r.Err = fmt.Errorf("the server said it was done, but the mode is not %s", policy.Mode(req.Mode))
	}
	return r
}

func noAnswer(err error) error {
	if err != nil {
		return err
	}
	return errNoAnswer
}

// hasOwner reports whether the server sent the owner.
func hasOwner(a remote.Attr) bool { return a.Flags&fastlane.AttrUIDGID != 0 }
