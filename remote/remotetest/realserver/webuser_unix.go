//go:build unix

package realserver

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"testing"
)

// WebUser gives whom a web server runs as in a test: as root www-data, with one
// further group that nobody is in, so that supplementary groups are tested too;
// else the test's own user.
func WebUser(t testing.TB) WebIdentity {
	t.Helper()
	if os.Geteuid() != 0 {
		as := WebIdentity{UID: uint32(os.Geteuid()), GIDs: []uint32{uint32(os.Getegid())}}
		groups, err := os.Getgroups()
		if err != nil {
			t.Fatal(err)
		}
		for _, gid := range groups {
			as.GIDs = append(as.GIDs, uint32(gid))
		}
		return as
	}
	who, err := user.Lookup("www-data")
	if err != nil {
		missing(t, "there is no account www-data")
	}
	uid, _ := strconv.ParseUint(who.Uid, 10, 32) // numbers, on a Unix system
	gid, _ := strconv.ParseUint(who.Gid, 10, 32)
	return WebIdentity{UID: uint32(uid), GIDs: []uint32{uint32(gid), 64242}}
}

// runAs makes a command run as another user, where root starts it.
func runAs(cmd *exec.Cmd, as WebIdentity) {
	if os.Geteuid() != 0 {
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{
		Uid: as.UID, Gid: as.GIDs[0], Groups: as.GIDs,
	}}
}
