package main

import (
	"fmt"

	"hostperm/remote"
	"hostperm/remote/fastlane"
)

// notTheAccounts says so if the web root belongs to somebody else than the
// account that looks at it; "": it does not, or nobody can tell. Whose the account
// is shows in its login directory, unless that is root's: a chroot is, whoever
// logs in to it.
func notTheAccounts(user string, home, root remote.Attr) string {
	if home.Flags&root.Flags&fastlane.AttrUIDGID == 0 || home.UID == root.UID || home.UID == 0 && user != "root" {
		return ""
	}
	return fmt.Sprintf("the web root belongs to uid %d, and this account is uid %d: who owns it can put other entries in its place while they are repaired",
		root.UID, home.UID)
}
