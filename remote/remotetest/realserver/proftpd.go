package realserver

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// proftpdPassword and its hash, as crypt(3) makes it with SHA-512, which Go's
// library cannot.
const (
	proftpdPassword = "hostperm-test"
	proftpdHash     = "$6$hostperm$dWL0..C2IuNBfxNpI0A5jFBqedGuLsyzaRJdSBNRTVdC1shu0TEk9plxcWvwrP/NdVGgs3R0dVjaQckgNa.tF."
)

// ProFTPD starts a proftpd with mod_sftp. The account logs in with KeyFile or
// Password, and is not shut into HomeDir.
func ProFTPD(t testing.TB, opt Options) *Server {
	t.Helper()
	proftpd := program(t, "proftpd")
	modules := "/usr/lib/proftpd"
	if _, err := os.Stat(filepath.Join(modules, "mod_sftp.so")); err != nil {
		missing(t, "ProFTPD's mod_sftp is not installed in "+modules)
	}
	s := newSetup(t, opt)
	s.Password = proftpdPassword
	group, err := user.LookupGroupId(strconv.Itoa(s.GID))
	if err != nil {
		t.Fatal(err)
	}
	passwd, groups := filepath.Join(s.dir, "passwd"), filepath.Join(s.dir, "group")
	write(t, passwd, fmt.Appendf(nil, "%s:%s:%d:%d::%s:/bin/false\n", s.User, proftpdHash, s.UID, s.GID, s.HomeDir))
	write(t, groups, fmt.Appendf(nil, "%s:x:%d:%s\n", group.Name, s.GID, s.User))
	keys := filepath.Join(s.dir, "authorized_keys")
	write(t, keys, rfc4716(s.authorized.Marshal()))
	config := filepath.Join(s.dir, "proftpd.conf")
	if opt.AsRoot { // it would take root's own rights from root
		opt.Config = "CapabilitiesEngine off\n" + opt.Config
	}
	return startOnFreePort(t, s, func(port int) *exec.Cmd {
		write(t, config, fmt.Appendf(nil, `
ModulePath %s
LoadModule mod_sftp.c
ServerName hostperm-test
ServerType standalone
DefaultServer on
DefaultAddress 127.0.0.1
UseIPv6 off
Port %d
PidFile %s
ScoreboardFile %s
ControlsEngine off
DelayEngine off
WtmpLog off
TransferLog none
UseReverseDNS off
User %s
Group %s
AuthOrder mod_auth_file.c
AuthUserFile %s
AuthGroupFile %s
RequireValidShell off
UseFtpUsers off
RootLogin on
SFTPEngine on
SFTPHostKey %s
SFTPAuthMethods publickey password
SFTPAuthorizedUserKeys file:%s
SFTPLog %s
%s
`, modules, port, filepath.Join(s.dir, "pid"), filepath.Join(s.dir, "scoreboard"), s.User, group.Name,
			passwd, groups, s.hostKey, keys, filepath.Join(s.dir, "sftp.log"), opt.Config))
		return exec.Command(proftpd, "--nodaemon", "--debug", "2", "--config", config)
	})
}

// rfc4716 writes a public key as mod_sftp reads it.
func rfc4716(key []byte) []byte {
	text := base64.StdEncoding.EncodeToString(key)
	var b strings.Builder
	b.WriteString("---- BEGIN SSH2 PUBLIC KEY ----\n")
	for len(text) > 70 {
		b.WriteString(text[:70] + "\n")
		text = text[70:]
	}
	b.WriteString(text + "\n---- END SSH2 PUBLIC KEY ----\n")
	return []byte(b.String())
}
