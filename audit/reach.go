package audit

import (
	"errors"
	"fmt"
	"strconv"

	"hostperm/policy"
	"hostperm/remote"
)

// wayAbove gives the web server's way from / down to the web root, through the
// directories above it; nil: nobody has looked.
func wayAbove(p *policy.Policy, above []remote.Above) *policy.Way {
	if len(above) == 0 {
		return nil
	}
	var w policy.Way
	for _, a := range above {
		d := &policy.Dir{Path: a.Path}
		if a.Err == nil {
			d.Mode, d.ModeKnown = policy.Mode(a.Attr.Perm()), a.Attr.HasMode()
			d.UID, d.GID, d.OwnerKnown = a.Attr.UID, a.Attr.GID, a.Attr.Flags&ownerSent != 0
		}
		w = p.Down(w, d)
	}
	return &w
}

// AboveNote says of which of the directories above a web root nothing is known,
// so that they may bar the web server's way and no audit tells; "" if all were
// seen. It quotes names, and nothing else that the server sent.
func AboveNote(above []remote.Above) string {
	var first *remote.Above
	unseen := 0
	for i := range above {
		if above[i].Err == nil {
			continue
		}
		if unseen++; first == nil {
			first = &above[i]
		}
	}
	if first == nil {
		return ""
	}
	why := "it cannot be looked at"
	switch {
	case errors.Is(first.Err, remote.ErrPermission):
		why = "permission denied"
	case errors.Is(first.Err, remote.ErrNotExist):
		why = "the server does not show it"
	}
	more := ""
	if unseen > 1 {
		more = fmt.Sprintf(" and %d more", unseen-1)
	}
	return fmt.Sprintf("whether the web server gets through to the web root is not known: of the directories above it %s%s was not seen (%s)",
		strconv.Quote(first.Path), more, why)
}
