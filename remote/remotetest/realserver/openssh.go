package realserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

// privilegeSeparation is a directory that sshd wants to see before it serves as
// root. Distributions make it when they start their own sshd.
const privilegeSeparation = "/run/sshd"

// OpenSSH starts an sshd with internal-sftp. The account logs in with KeyFile
// and can do nothing but SFTP.
func OpenSSH(t testing.TB, opt Options) *Server {
	t.Helper()
	sshd := program(t, "sshd")
	if os.Geteuid() == 0 {
		if err := os.MkdirAll(privilegeSeparation, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := newSetup(t, opt)
	authorized := filepath.Join(s.dir, "authorized_keys")
	write(t, authorized, ssh.MarshalAuthorizedKey(s.authorized))
	if err := os.Chmod(authorized, 0o644); err != nil { // sshd reads it as the account
		t.Fatal(err)
	}
	config := filepath.Join(s.dir, "sshd_config")
	// The first value of an option counts, so the test's own lines come first.
	write(t, config, []byte(opt.Config+fmt.Sprintf(`
ListenAddress 127.0.0.1
HostKey %s
PidFile none
UsePAM no
StrictModes no
AuthorizedKeysFile %s
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowUsers %s
UseDNS no
PrintMotd no
LogLevel VERBOSE
MaxStartups 100
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d %s
`, s.hostKey, authorized, s.User, s.HomeDir)))
	return startOnFreePort(t, s, func(port int) *exec.Cmd {
		return exec.Command(sshd, "-D", "-e", "-f", config, "-o", fmt.Sprintf("Port=%d", port))
	})
}
