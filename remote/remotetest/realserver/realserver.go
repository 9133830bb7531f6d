// Package realserver starts real servers for tests: for SSH OpenSSH's sshd, and
// ProFTPD with mod_sftp; for the web Apache and nginx. Each listens on loopback with keys and a configuration
// of its own, apart from any server that the machine runs, and ends with the
// test.
//
// A test whose server is not installed is skipped with a line that says so; if
// HOSTPERM_REQUIRE_SERVERS is 1, it fails.
//
// As root, a server serves an unprivileged account, since for root every mode
// looks alike: the one that HOSTPERM_TEST_USER names, or nobody. The account
// needs no shell and no home. As another user, it serves that user.
package realserver

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"

	"hostperm/remote/remotetest"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Options say how a server differs from the usual.
type Options struct {
	Config string // further lines for the server's configuration file
	AsRoot bool   // serve root, if the test runs as root; without effect else
}

// Server is a running server. What it serves is HomeDir, where a session
// starts; it is removed with the test.
type Server struct {
	Host, User   string
	Port         int
	UID, GID     int
	KeyFile      string // a private key, without passphrase, that User may log in with
	Password     string // lets User in too; empty if only keys do
	KnownHosts   string // a file that vouches for the server
	HomeDir      string // absolute, empty, 0755, owned by User
	HostKey      ssh.PublicKey
	ServerBanner string // the version that the server says it is
}

// Addr gives host:port.
func (s *Server) Addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Chown gives a tree to the account that is served. It follows no symlink, and
// does nothing when the test does not run as root.
func (s *Server) Chown(t testing.TB, tree string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	err := filepath.WalkDir(tree, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		if err := os.Lchown(name, s.UID, s.GID); err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil
		}
		return os.Chmod(name, info.Mode()) // chown clears setuid and setgid
	})
	if err != nil {
		t.Fatalf("give %s to %s: %v", tree, s.User, err)
	}
}

// Dial logs in with KeyFile. The connection ends with the test.
func (s *Server) Dial(t testing.TB) *ssh.Client {
	t.Helper()
	data, err := os.ReadFile(s.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(data)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ssh.Dial("tcp", s.Addr(), &ssh.ClientConfig{
		User:            s.User,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: ssh.FixedHostKey(s.HostKey),
	})
	if err != nil {
		t.Fatalf("log in at the test server: %v", err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// setup is what both servers need: directories, an account, keys.
type setup struct {
	*Server
	dir        string // private to the server
	hostKey    string // file, private half
	authorized ssh.PublicKey
}

// newSetup lays out a directory that the account can reach; those of
// testing.T.TempDir are closed to others.
func newSetup(t testing.TB, opt Options) *setup {
	t.Helper()
	top, err := os.MkdirTemp("", "hostperm-server-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remotetest.RemoveSite(top); err != nil {
			t.Errorf("remove what the test server served: %v", err)
		}
	})
	s := &setup{Server: account(t, opt), dir: filepath.Join(top, "server")}
	s.Host = "127.0.0.1"
	if top, err = filepath.EvalSymlinks(top); err != nil {
		t.Fatal(err)
	}
	s.HomeDir = filepath.Join(top, "home")
	for _, dir := range []string{s.dir, s.HomeDir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{top, s.dir, s.HomeDir} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.Chown(t, s.HomeDir)
	s.hostKey = filepath.Join(s.dir, "host_key")
	s.HostKey = writeKey(t, s.hostKey)
	s.KeyFile = filepath.Join(s.dir, "id_ed25519")
	s.authorized = writeKey(t, s.KeyFile)
	return s
}

// account chooses who is served.
func account(t testing.TB, opt Options) *Server {
	t.Helper()
	who, err := user.Current()
	if os.Geteuid() == 0 && !opt.AsRoot {
		name := os.Getenv("HOSTPERM_TEST_USER")
		if name == "" {
			name = "nobody"
		}
		who, err = user.Lookup(name)
	}
	if err != nil {
		t.Fatalf("find an account to serve: %v", err)
	}
	s := &Server{User: who.Username}
	s.UID, _ = strconv.Atoi(who.Uid) // not a number on Windows, where no server starts
	s.GID, _ = strconv.Atoi(who.Gid)
	return s
}

// writeKey makes a key pair and gives its public half.
func writeKey(t testing.TB, file string) ssh.PublicKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, pem.EncodeToMemory(block))
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// finish fills in what depends on the port.
func (s *setup) finish(t testing.TB, port int) *Server {
	t.Helper()
	s.Port = port
	s.KnownHosts = filepath.Join(s.dir, "known_hosts")
	write(t, s.KnownHosts, []byte(knownhosts.Line([]string{s.Addr()}, s.HostKey)+"\n"))
	return s.Server
}

// program finds a server program, also where only root's PATH looks.
func program(t testing.TB, name string) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if found, err := exec.LookPath(candidate); err == nil {
			if found, err = filepath.Abs(found); err == nil {
				return found // sshd insists on an absolute path
			}
		}
	}
	missing(t, fmt.Sprintf("the program %s is not installed", name))
	return ""
}

// missing ends a test that needs what is not there.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("HOSTPERM_REQUIRE_SERVERS") == "1" {
		t.Fatalf("%s, and HOSTPERM_REQUIRE_SERVERS is 1", what)
	} else {
		t.Skipf("skipped: %s", what)
	}
}

// WordPress gives the directory of an unpacked WordPress, which the
// environment variable HOSTPERM_WORDPRESS_TREE names. It belongs to whoever
// made it and must not be changed: copy it.
func WordPress(t testing.TB) string {
	t.Helper()
	return unpacked(t, "HOSTPERM_WORDPRESS_TREE", "WordPress", "wp-includes/version.php")
}

// MediaWiki is WordPress for Debian's MediaWiki, and HOSTPERM_MEDIAWIKI_TREE:
// the directory into which its package was unpacked.
func MediaWiki(t testing.TB) string {
	t.Helper()
	return unpacked(t, "HOSTPERM_MEDIAWIKI_TREE", "MediaWiki", "usr/share/mediawiki/includes/Defines.php")
}

func unpacked(t testing.TB, env, what, mark string) string {
	t.Helper()
	tree := os.Getenv(env)
	if tree == "" {
		missing(t, env+" names no unpacked "+what)
	}
	if _, err := os.Stat(filepath.Join(tree, filepath.FromSlash(mark))); err != nil {
		t.Fatalf("%s: %v", env, err)
	}
	return tree
}
