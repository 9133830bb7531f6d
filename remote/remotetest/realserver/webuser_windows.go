package realserver

import (
	"os/exec"
	"testing"
)

// WebUser skips the test: no web server is started on Windows.
func WebUser(t testing.TB) WebIdentity {
	t.Helper()
	missing(t, "web servers are started on Unix systems only")
	return WebIdentity{}
}

func runAs(*exec.Cmd, WebIdentity) {}
