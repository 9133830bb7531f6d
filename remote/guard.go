package remote

import (
	"errors"
	"fmt"

	"hostperm/remote/fastlane"
)

const setgid = 0o2000

// guard says why req must not be made, whatever the entry looks like now; nil:
// it may. root is the web root.
func guard(req *ChangeRequest, root *Attr, way Way) error {
	e := &req.Expect
	if e.Flags&fastlane.AttrUIDGID == 0 {
		return errors.New("its owner was not known when it was audited")
	}
	if e.Type() == fastlane.TypeRegular {
		if e.Links > 1 {
			return fmt.Errorf("it has %d hard links: another name of it may lie outside the web root", e.Links)
		}
		if req.Mode&^e.Perm()&setgid != 0 && e.GID != root.GID {
			return fmt.Errorf("with setgid it would run with the rights of group %d, which is not the web root's (%d)", e.GID, root.GID)
		}
	}
	if why := way.Objection(e.UID); why != "" {
		return errors.New(why)
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
