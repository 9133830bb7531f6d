// Package remotetest is a real SSH and SFTP server on loopback, for tests and
// for the demo command. It speaks the whole of SSH (host key, authentication,
// channels) and serves a directory of the local disk through the server side
// of github.com/pkg/sftp, so a chmod is really done.
//
// It is not a server for the world: it listens on 127.0.0.1 only, and the
// directory it serves is where relative paths begin, not a fence. Whoever logs
// in can name any file that the process can.
//
// Between the SSH channel and the SFTP server stands an interposer that sees
// every packet. A Fault is a pair of hooks on it; see faults.go for ready-made
// ones. Faults may be replaced while the server runs.
package remotetest

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Config says what to serve and whom to let in. A way to log in that is left
// empty is not offered.
type Config struct {
	Dir string // served: a relative path is relative to it, and REALPATH of "." names it

	// Etc is a directory whose passwd and group stand for those of /etc; one
	// without them is a server that does not show its accounts. Empty: /etc.
	Etc string

	User           string          // the only account; empty: any name is let in with the right credential
	Password       string          // offered as the password method, or as KeyboardInteractive says
	AuthorizedKeys []ssh.PublicKey // let in by public key
	UserCA         ssh.PublicKey   // lets in certificates that it signed and that name User as a principal

	// KeyboardInteractive asks for Password by keyboard-interactive, with one
	// prompt, in place of the password method.
	KeyboardInteractive bool

	HostKey      ssh.Signer   // nil: a random ed25519 key; a certificate's signer serves the certificate
	MoreHostKeys []ssh.Signer // offered besides HostKey, to clients that prefer their types

	NoSFTP      bool          // refuse the sftp subsystem, as a host with shell access alone does
	MaxSessions int           // session channels open at once on one connection; 0: no limit
	LSetstat    bool          // offer lsetstat@openssh.com, which changes modes without following a symlink
	Latency     time.Duration // each SFTP reply is held back so long; replies do not wait for one another
	Faults      Faults        // in force from the start; see SetFaults
	SSH         SSHFault      // in force for good

	// Forward decides where a direct-tcpip channel for "host:port" is really
	// connected to, and so makes the server a jump host. Nil refuses them all.
	Forward func(addr string) (dial string, err error)
}

// Loopback is a Config.Forward that lets clients reach loopback addresses only.
func Loopback(addr string) (string, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("%q is not a loopback address", host)
	}
	return addr, nil
}

// Server is a running server. All methods may be called at any time, from any
// goroutine.
type Server struct {
	cfg      Config
	hostKey  ssh.PublicKey
	ssh      *ssh.ServerConfig
	listener net.Listener
	roots    []string // names of cfg.Dir as a client may send them
	faults   atomic.Pointer[Faults]
	counters counters
	frozen   chan struct{}
	freeze   sync.Once
	away     atomic.Bool

	group  sync.WaitGroup
	mu     sync.Mutex
	conns  map[*gatedConn]struct{}
	closed bool
}

// Start serves cfg.Dir on a port of 127.0.0.1 that the system chooses. The
// caller ends it with Close.
func Start(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, frozen: make(chan struct{}), conns: make(map[*gatedConn]struct{})}
	s.SetFaults(cfg.Faults...)
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("serve %q: %w", cfg.Dir, err)
	}
	s.cfg.Dir = dir
	if s.cfg.Etc != "" {
		if s.cfg.Etc, err = filepath.Abs(s.cfg.Etc); err != nil {
			return nil, fmt.Errorf("serve %q: %w", cfg.Etc, err)
		}
	}
	s.roots = clientNames(dir)
	if s.cfg.HostKey == nil {
		if s.cfg.HostKey, err = newHostKey(); err != nil {
			return nil, err
		}
	}
	s.hostKey = s.cfg.HostKey.PublicKey()
	s.ssh = s.serverConfig()
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	s.group.Go(s.acceptAll)
	return s, nil
}

func newHostKey() (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a host key: %w", err)
	}
	return ssh.NewSignerFromKey(private)
}

// Addr gives host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Host gives the address without the port.
func (s *Server) Host() string { return "127.0.0.1" }

// Port gives the port that the system chose.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// HostKey gives the public half of Config.HostKey: a certificate if that is one.
func (s *Server) HostKey() ssh.PublicKey { return s.hostKey }

// Fingerprint gives the host key's fingerprint, "SHA256:...".
func (s *Server) Fingerprint() string { return ssh.FingerprintSHA256(s.hostKey) }

// KnownHostsLine gives a line for a known_hosts file that vouches for HostKey.
func (s *Server) KnownHostsLine() string {
	return knownhosts.Line([]string{net.JoinHostPort(s.Host(), strconv.Itoa(s.Port()))}, s.hostKey)
}

// SetFaults replaces the faults in force, for the packets still to come. With
// no argument the server behaves well again.
func (s *Server) SetFaults(faults ...Fault) {
	f := Faults(faults)
	s.faults.Store(&f)
}

// Freeze makes every connection, old and new, hang: nothing more is read or
// written, and nothing is closed, as with a host that lost its network.
func (s *Server) Freeze() { s.freeze.Do(func() { close(s.frozen) }) }

// StayAway has every new connection closed before a word is said, as with a host
// that went down. Those that are open stay so.
func (s *Server) StayAway() { s.away.Store(true) }

// DropConnections closes every connection, at once and without a word. New
// ones are still accepted.
func (s *Server) DropConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}

// Close ends the server: the listener and all connections are closed, and all
// goroutines have ended when it returns. A hook that blocks makes it wait. A
// second call does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	err := s.listener.Close()
	s.DropConnections()
	s.group.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
