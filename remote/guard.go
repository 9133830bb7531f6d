package remote

import (
	"errors"
	"fmt"

	"hostperm/remote/fastlane"
)

// Keeps reports whether a directory, or a symlink, of the uid dir may stand on
// the way to an entry of the uid entry that is to be changed. Whoever owns a
// directory can put something else in the place of what is in it, and so can
// lead a change elsewhere: to entries that have the owner that was expected, as
// far as can be seen. So it must be the entry's own owner, who could make the
// change there himself, or root.
func Keeps(dir, entry uint32) bool { return dir == 0 || dir == entry }

const setgid = 0o2000

// above is a directory on the way to entries.
type above struct {
	attr Attr
	err  error // it is none, or could not be looked at
}

// guard says why req must not be made, whatever the entry looks like now; nil:
// it may. way are the directories on the way to it, from the server's root
// down, and root is the web root.
func guard(req *ChangeRequest, root Attr, way func(yield func(above) bool)) error {
	e := &req.Expect
	if e.Flags&fastlane.AttrUIDGID == 0 {
		return errors.New("its owner was not known when it was audited")
	}
	if e.Type() == fastlane.TypeRegular {
		if e.Links > 1 {
			return fmt.Errorf("it has %d hard links: another name of it may lie outside the web root", e.Links)
		}
		if req.Mode&^e.Perm()&setgid != 0 && e.GID != root.GID {
			return fmt.Errorf("setgid would let it run with the rights of group %d, which is not the web root's (%d)", e.GID, root.GID)
		}
	}
	for d := range way {
		switch {
		case d.err != nil:
			return d.err
		case d.attr.Flags&fastlane.AttrUIDGID == 0:
			return errors.New("the server does not tell who owns a directory above it")
		case !Keeps(d.attr.UID, e.UID):
			return fmt.Errorf("it belongs to uid %d, and a directory above it to uid %d, who can put another entry in its place", e.UID, d.attr.UID)
		}
	}
	return nil
}

// ancestors gives the directories that an absolute path lies in, relative to
// the server's root, from that down.
func ancestors(root string) []string {
	if root == "/" {
		return nil
	}
	return chain(root[1:])
}
