package repair

import (
	"context"
	"errors"
	"fmt"
	"path"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
)

// failure says in one line why the server did not give an entry the mode to, and
// whom to ask if it is not the account's to change.
func failure(h Header, rel string, to policy.Mode, uid uint32, r remote.ChangeResult) string {
	if !errors.Is(r.Err, remote.ErrPermission) {
		return errorText(r.Err)
	}
	ask := fmt.Sprintf("ask the host to run: chmod %s %s", to, audit.ShellQuote(path.Join(h.Root, rel)))
	if h.RootUID != nil && *h.RootUID != uid {
		return fmt.Sprintf("owned by uid %d, not by this account (the web root belongs to uid %d): %s", uid, *h.RootUID, ask)
	}
	return fmt.Sprintf("permission denied (it is owned by uid %d): %s", uid, ask)
}

// notTried says why a step was not come to.
func notTried(err error) string {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "not tried: interrupted"
	case errors.Is(err, ErrJournal):
		return "not tried: its line could not be written to the journal"
	case errors.Is(err, ErrServerIgnores):
		return "not tried: the server ignores changes of mode"
	}
	return "not tried: " + errorText(err)
}

// errorText is an error as a detail: with its hint, and of bounded length.
func errorText(err error) string {
	if err == nil {
		return "the server gave no reason"
	}
	s := err.Error()
	if hint := remote.Hint(err); hint != "" {
		s += " (" + hint + ")"
	}
	return clip(s)
}
