package remotetest

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

const testPassword = "correct horse"

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Password == "" && cfg.AuthorizedKeys == nil && cfg.UserCA == nil {
		cfg.User, cfg.Password = "site", testPassword
	}
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func clientConfig(s *Server, auth ...ssh.AuthMethod) *ssh.ClientConfig {
	return &ssh.ClientConfig{User: "site", Auth: auth, HostKeyCallback: ssh.FixedHostKey(s.HostKey())}
}

func dial(t *testing.T, s *Server) *ssh.Client {
	t.Helper()
	c, err := ssh.Dial("tcp", s.Addr(), clientConfig(s, ssh.Password(testPassword)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func dialSFTP(t *testing.T, s *Server) *sftp.Client {
	t.Helper()
	c, err := sftp.NewClient(dial(t, s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func writeFile(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func TestServesDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "public_html", "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "public_html", "a", ".htaccess"), 0o644)
	s := start(t, Config{Dir: dir})
	c := dialSFTP(t, s)
	list, err := c.ReadDir("public_html/a")
	if err != nil || len(list) != 1 || list[0].Name() != ".htaccess" {
		t.Fatalf("ReadDir gives %v, %v", list, err)
	}
	wd, err := c.RealPath(".")
	if err != nil || s.relative(wd) != "." {
		t.Errorf("REALPATH . gives %q, %v, want the served directory", wd, err)
	}
	if n := s.Requests(Opendir); n != 1 {
		t.Errorf("%d OPENDIR counted, want 1", n)
	}
	if s.Connections() != 1 || s.Sessions() != 1 || s.AuthAttempts() != 1 {
		t.Errorf("%d connections, %d sessions, %d auth attempts, want 1 each", s.Connections(), s.Sessions(), s.AuthAttempts())
	}
	if s.OpenHandles() != 0 || s.PeakHandles() != 1 {
		t.Errorf("%d handles open, %d at most, want 0 and 1", s.OpenHandles(), s.PeakHandles())
	}
}

// The twelve bits go both ways, setuid, setgid and sticky included.
func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no mode bits")
	}
	for _, lsetstat := range []bool{false, true} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "f"), 0o644)
		if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
			t.Fatal(err)
		}
		s := start(t, Config{Dir: dir, LSetstat: lsetstat})
		r := rawSession(t, s)
		if _, ok := r.Extensions["lsetstat@openssh.com"]; ok != lsetstat {
			t.Errorf("lsetstat offered: %v, want %v", ok, lsetstat)
		}
		ways := []func(string, uint32) uint32{r.setstat, r.fsetstat}
		if lsetstat {
			ways = append(ways, r.lsetstat)
		}
		for i, change := range ways {
			for _, name := range []string{"f", "d"} {
				for _, mode := range []uint32{0o4755, 0o2755, 0o1777, 0o7777, 0o644 | 0o100, 0o755} {
					if code := change(name, mode); code != StatusOK {
						t.Errorf("way %d, chmod %04o %s: status %d", i, mode, name, code)
					}
					if got := r.lstatMode(name) & 0o7777; got != mode {
						t.Errorf("way %d, chmod %04o %s: now %04o", i, mode, name, got)
					}
				}
			}
		}
	}
}

func TestLSetstatFollowsNoSymlink(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "f"), 0o600)
	if err := os.Symlink("f", filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	r := rawSession(t, start(t, Config{Dir: dir, LSetstat: true}))
	if code := r.lsetstat("link", 0o777); code != StatusFailure {
		t.Errorf("lsetstat of a symlink: status %d, want %d", code, StatusFailure)
	}
	if got := r.lstatMode("f") & 0o7777; got != 0o600 {
		t.Errorf("lsetstat went through the symlink: %04o", got)
	}
	if code := r.lsetstat("missing", 0o777); code != StatusNoSuchFile {
		t.Errorf("lsetstat of nothing: status %d, want %d", code, StatusNoSuchFile)
	}
}

func TestNoSFTP(t *testing.T) {
	s := start(t, Config{NoSFTP: true})
	if _, err := sftp.NewClient(dial(t, s)); err == nil {
		t.Error("the sftp subsystem was served")
	}
}

func TestNoShell(t *testing.T) {
	session, err := dial(t, start(t, Config{})).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Run("id"); err == nil {
		t.Error("a command was run")
	}
}

func TestMaxSessions(t *testing.T) {
	c := dial(t, start(t, Config{MaxSessions: 2}))
	for range 2 {
		if _, err := c.NewSession(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.NewSession()
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) || refused.Reason != ssh.ConnectionFailed {
		t.Errorf("third session: %v, want it refused", err)
	}
}

func TestKnownHostsLine(t *testing.T) {
	s := start(t, Config{})
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte(s.KnownHostsLine()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	check, err := knownhosts.New(file)
	if err != nil {
		t.Fatal(err)
	}
	cfg := clientConfig(s, ssh.Password(testPassword))
	cfg.HostKeyCallback = check
	c, err := ssh.Dial("tcp", s.Addr(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestJump(t *testing.T) {
	far := start(t, Config{})
	for _, test := range []struct {
		name    string
		forward func(string) (string, error)
		addr    string
		ok      bool
	}{
		{"loopback", Loopback, far.Addr(), true},
		{"by a name of its own", func(string) (string, error) { return far.Addr(), nil }, "inner.test:22", true},
		{"elsewhere", Loopback, "192.0.2.1:22", false},
		{"not offered", nil, far.Addr(), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			jump := start(t, Config{Forward: test.forward})
			nc, err := dial(t, jump).Dial("tcp", test.addr)
			if (err == nil) != test.ok {
				t.Fatalf("dial through the jump host: %v", err)
			}
			if err != nil {
				return
			}
			conn, chans, reqs, err := ssh.NewClientConn(nc, test.addr, clientConfig(far, ssh.Password(testPassword)))
			if err != nil {
				t.Fatal(err)
			}
			c, err := sftp.NewClient(ssh.NewClient(conn, chans, reqs))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.ReadDir("."); err != nil {
				t.Error(err)
			}
			if jump.Forwards() != 1 {
				t.Errorf("%d forwards counted, want 1", jump.Forwards())
			}
			conn.Close()
		})
	}
}

// Each end of a forwarded connection can say that it is done and go on
// listening.
func TestForwardsHalfClosed(t *testing.T) {
	text := strings.Repeat("0123456789", 10000)
	for _, test := range []struct {
		name string
		far  func(net.Conn)
		near func(net.Conn)
	}{
		{"near end first", func(c net.Conn) { io.Copy(c, c) }, func(c net.Conn) {
			io.WriteString(c, text)
			c.(interface{ CloseWrite() error }).CloseWrite()
		}},
		{"far end first", func(c net.Conn) {
			io.WriteString(c, text)
			c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c)
		}, func(net.Conn) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				if c, err := listener.Accept(); err == nil {
					defer c.Close()
					test.far(c)
				}
			}()
			nc, err := dial(t, start(t, Config{Forward: Loopback})).Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			go test.near(nc)
			if got, err := io.ReadAll(nc); err != nil || string(got) != text {
				t.Errorf("%d bytes came of %d, %v", len(got), len(text), err)
			}
		})
	}
}

// Close ends what clients hold open, and leaves no goroutine behind.
func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	s, err := Start(Config{Dir: t.TempDir(), User: "site", Password: testPassword})
	if err != nil {
		t.Fatal(err)
	}
	c, err := ssh.Dial("tcp", s.Addr(), clientConfig(s, ssh.Password(testPassword)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := sftp.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Dial("tcp", s.Addr()) // never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if _, err := f.ReadDir("."); err == nil {
		t.Error("the session outlived the server")
	}
	c.Wait()
	f.Wait()
	for runtime.NumGoroutine() > before {
		runtime.Gosched()
	}
}

// willing is a connection that is never out of data, nor of room.
type willing struct{ net.Conn }

func (willing) Read(b []byte) (int, error)  { return len(b), nil }
func (willing) Write(b []byte) (int, error) { return len(b), nil }
func (willing) Close() error                { return nil }

func TestFreeze(t *testing.T) {
	s := start(t, Config{})
	c, _ := s.add(willing{})
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatalf("Read before: %d, %v", n, err)
	}
	s.Freeze()
	done := make(chan error, 2)
	go func() { _, err := c.Read(make([]byte, 1)); done <- err }()
	go func() { _, err := c.Write(make([]byte, 1)); done <- err }()
	s.DropConnections()
	for range 2 {
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a frozen connection did what was asked: %v", err)
		}
	}
}

func TestDropConnections(t *testing.T) {
	s := start(t, Config{})
	c := dialSFTP(t, s)
	s.DropConnections()
	if _, err := c.ReadDir("."); err == nil {
		t.Error("answered on a dropped connection")
	}
	dialSFTP(t, s)
}
