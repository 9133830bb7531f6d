package remote

import (
	"fmt"

	"hostperm/remote/fastlane"
)

// Way sums up who owns the directories, and symlinks, that lead to an entry.
// Each of their owners can put something else in the place of what is in it, and
// so lead a change elsewhere. So an entry is changed only if all of them are its
// own owner, who could make the change there without our help, or root. The zero
// Way is that of a server's root directory.
type Way struct {
	uid, other uint32 // two that are not root, the first ones met; 0: none
	unknown    bool
}

// Through is the way that leads on through what a tells of.
func (w Way) Through(a Attr) Way { return w.ThroughOwner(a.UID, a.Flags&fastlane.AttrUIDGID != 0) }

// ThroughOwner is Through for what uid owns, if that is known.
func (w Way) ThroughOwner(uid uint32, known bool) Way {
	switch {
	case !known:
		w.unknown = true
	case uid == 0 || uid == w.uid || w.other != 0:
	case w.uid == 0:
		w.uid = uid
	default:
		w.other = uid
	}
	return w
}

// Beyond is the way that leads on along next.
func (w Way) Beyond(next Way) Way {
	w.unknown = w.unknown || next.unknown
	return w.ThroughOwner(next.uid, true).ThroughOwner(next.other, true)
}

// Objection says why an entry of uid at the end of the way must not be changed,
// "" if it may. It quotes nothing that the server sent.
func (w Way) Objection(uid uint32) string {
	third := w.uid
	if third == uid {
		third = w.other
	}
	switch {
	case third != 0:
		return fmt.Sprintf("it belongs to uid %d, and a directory or link above it to uid %d, who can put another entry in its place", uid, third)
	case w.unknown:
		return "the server does not tell who owns a directory or link above it, and could put another entry in its place"
	}
	return ""
}
