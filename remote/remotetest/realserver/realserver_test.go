package realserver

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	rt "hostperm/remote/remotetest"
)

func servers() map[string]func(testing.TB, Options) *Server {
	return map[string]func(testing.TB, Options) *Server{"OpenSSH": OpenSSH, "ProFTPD": ProFTPD}
}

// Each server starts in HomeDir, as the account, with no more rights than the
// account has.
func TestServesAccount(t *testing.T) {
	for name, start := range servers() {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{})
			layOut(t, s)
			c, err := sftp.NewClient(s.Dial(t))
			if err != nil {
				t.Fatal(err)
			}
			if wd, err := c.RealPath("."); err != nil || wd != s.HomeDir {
				t.Errorf("a session starts in %q, %v, want %q", wd, err, s.HomeDir)
			}
			if _, err := c.ReadDir("d000"); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("list a directory of mode 0000: %v, want it denied", err)
			}
			if err := c.Chmod("f", 0o640); err != nil {
				t.Errorf("chmod of the account's own file: %v", err)
			}
			info, err := c.Stat("f")
			if err != nil {
				t.Fatal(err)
			}
			if stat := info.Sys().(*sftp.FileStat); int(stat.UID) != s.UID || stat.UID == 0 {
				t.Errorf("a file of the account belongs to %d, want %d and not root", stat.UID, s.UID)
			}
		})
	}
}

// The files that a client is given are enough to connect.
func TestCredentials(t *testing.T) {
	for name, start := range servers() {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{})
			check, err := knownhosts.New(s.KnownHosts)
			if err != nil {
				t.Fatal(err)
			}
			key, err := os.ReadFile(s.KeyFile)
			if err != nil {
				t.Fatal(err)
			}
			signer, err := ssh.ParsePrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			ways := map[string]ssh.AuthMethod{"key": ssh.PublicKeys(signer)}
			if s.Password != "" {
				ways["password"] = ssh.Password(s.Password)
			}
			for way, auth := range ways {
				c, err := ssh.Dial("tcp", s.Addr(), &ssh.ClientConfig{
					User: s.User, Auth: []ssh.AuthMethod{auth},
					HostKeyCallback: check, HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
				})
				if err != nil {
					t.Errorf("by %s: %v", way, err)
					continue
				}
				c.Close()
			}
		})
	}
}

func TestConfigComesFirst(t *testing.T) {
	s := OpenSSH(t, Options{Config: "MaxSessions 2\nMaxSessions 5"})
	c := s.Dial(t)
	for range 2 {
		if _, err := c.NewSession(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.NewSession(); err == nil {
		t.Error("MaxSessions of the test's own lines has no effect")
	}
}

func TestAsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can serve root")
	}
	for name, start := range servers() {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{AsRoot: true})
			if s.User != "root" || s.UID != 0 {
				t.Fatalf("serves %s, %d", s.User, s.UID)
			}
			layOut(t, s)
			c, err := sftp.NewClient(s.Dial(t))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.ReadDir("d000"); err != nil {
				t.Errorf("root lists a directory of mode 0000: %v", err)
			}
		})
	}
}

// Nothing is left of a server after its test: no directory, no process, not
// even for a client that is still there.
func TestEnds(t *testing.T) {
	for name, start := range servers() {
		var s *Server
		var client *ssh.Client
		t.Run(name, func(sub *testing.T) {
			s = start(sub, Options{})
			layOut(sub, s)
			client = s.Dial(t)
			if _, err := rt.NewRaw(client); err != nil {
				sub.Fatal(err)
			}
		})
		if client == nil {
			continue // skipped
		}
		if _, err := os.Lstat(filepath.Dir(s.HomeDir)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s left its directory: %v", name, err)
		}
		for _, line := range commandLines() {
			if strings.Contains(line, filepath.Dir(s.HomeDir)) {
				t.Errorf("%s still runs: %s", name, line)
			}
		}
		ended := make(chan struct{})
		go func() { client.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Errorf("%s still serves a client", name)
		}
	}
}

// commandLines gives those of all processes, where /proc tells them.
func commandLines() []string {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	var lines []string
	for _, file := range files {
		if line, err := os.ReadFile(file); err == nil {
			lines = append(lines, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return lines
}

// Chown keeps setuid and setgid, which chown(2) clears.
func TestChown(t *testing.T) {
	s := newSetup(t, Options{})
	name := filepath.Join(s.HomeDir, "f")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o755|fs.ModeSetuid|fs.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	s.Chown(t, s.HomeDir)
	if info, err := os.Stat(name); err != nil || info.Mode() != 0o755|fs.ModeSetuid|fs.ModeSetgid {
		t.Errorf("mode is now %v, %v", info.Mode(), err)
	}
}

func TestWordPress(t *testing.T) {
	tree := WordPress(t)
	if _, err := os.Stat(filepath.Join(tree, "wp-login.php")); err != nil {
		t.Error(err)
	}
}

// recorder is a testing.TB that notes how a test was ended.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Skipf(string, ...any)  { r.skipped = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true }

func TestMissing(t *testing.T) {
	for value, wantFail := range map[string]bool{"": false, "0": false, "1": true} {
		t.Setenv("HOSTPERM_REQUIRE_SERVERS", value)
		var r recorder
		missing(&r, "something")
		if r.failed != wantFail || r.skipped == wantFail {
			t.Errorf("HOSTPERM_REQUIRE_SERVERS=%q: failed %v, skipped %v", value, r.failed, r.skipped)
		}
	}
}
