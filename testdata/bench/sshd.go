package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// privilegeSeparation is a directory that sshd wants to see before it serves as
// root. Distributions make it when they start their own sshd.
const privilegeSeparation = "/run/sshd"

// server is a private sshd on loopback, which serves this user, with a shell,
// to whoever has the key.
type server struct {
	dir     string
	port    int
	banner  string // what it says it is
	hostKey ssh.PublicKey
	cmd     *exec.Cmd
	exited  chan struct{}
}

func (s *server) keyFile() string    { return filepath.Join(s.dir, "id_ed25519") }
func (s *server) knownHosts() string { return filepath.Join(s.dir, "known_hosts") }
func (s *server) logFile() string    { return filepath.Join(s.dir, "sshd.log") }

// startServer writes keys and configuration to dir and starts sshd.
func startServer(ctx context.Context, dir string) (*server, error) {
	sshd, err := findProgram("sshd", "/usr/sbin/sshd", "/usr/local/sbin/sshd")
	if err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 {
		if err := os.MkdirAll(privilegeSeparation, 0o755); err != nil {
			return nil, fmt.Errorf("make the directory that sshd wants: %w", err)
		}
	}
	s := &server{dir: dir}
	config, err := s.configure()
	if err != nil {
		return nil, fmt.Errorf("configure sshd: %w", err)
	}
	// sshd cannot be told to let the kernel choose: it gets a port that was free
	// a moment ago, and another if that is taken by then.
	for range 5 {
		if err = s.start(ctx, sshd, config); err == nil || !s.portTaken() {
			break
		}
	}
	return s, err
}

func findProgram(name string, places ...string) (string, error) {
	for _, place := range append(places, name) {
		if found, err := exec.LookPath(place); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", name)
}

// configure gives the name of sshd's configuration.
func (s *server) configure() (string, error) {
	hostKey := filepath.Join(s.dir, "host_ed25519")
	var err error
	if s.hostKey, err = writeKey(hostKey); err != nil {
		return "", err
	}
	own, err := writeKey(s.keyFile())
	if err != nil {
		return "", err
	}
	authorized := filepath.Join(s.dir, "authorized_keys")
	if err := os.WriteFile(authorized, ssh.MarshalAuthorizedKey(own), 0o600); err != nil {
		return "", err
	}
	sftp, err := findProgram("sftp-server", "/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server",
		"/usr/libexec/sftp-server", "/usr/lib/ssh/sftp-server")
	if err != nil {
		sftp = "internal-sftp"
	}
	config := filepath.Join(s.dir, "sshd_config")
	return config, os.WriteFile(config, fmt.Appendf(nil, `ListenAddress 127.0.0.1
HostKey %q
PidFile none
UsePAM no
StrictModes no
AuthorizedKeysFile %q
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 1000
LogLevel ERROR
Subsystem sftp %s
`, hostKey, authorized, sftp), 0o600)
}

// writeKey makes a key pair and writes the private key.
func writeKey(name string) (ssh.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewPublicKey(public)
}

func (s *server) start(ctx context.Context, sshd, config string) error {
	log, err := os.Create(s.logFile())
	if err != nil {
		return fmt.Errorf("start sshd: %w", err)
	}
	defer log.Close()
	if s.port, err = freePort(); err != nil {
		return fmt.Errorf("find a port for sshd: %w", err)
	}
	s.cmd = exec.Command(sshd, "-D", "-e", "-f", config, "-o", fmt.Sprintf("Port=%d", s.port))
	s.cmd.Stdout, s.cmd.Stderr = log, log
	// In a process group of its own, Ctrl-C leaves it to close, which finds the
	// processes below it only while it lives.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start sshd: %w", err)
	}
	exited := make(chan struct{})
	s.exited = exited
	go func(cmd *exec.Cmd) {
		defer close(exited)
		cmd.Wait() // how it ended is in its log
	}(s.cmd)
	if err := s.ready(ctx); err != nil {
		s.close()
		said, _ := os.ReadFile(s.logFile())
		return fmt.Errorf("start sshd: %w\n%s", err, bytes.TrimSpace(said))
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (s *server) portTaken() bool {
	said, _ := os.ReadFile(s.logFile())
	return bytes.Contains(bytes.ToLower(said), []byte("address already in use"))
}

// ready waits until the server says who it is, or ends.
func (s *server) ready(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		select {
		case <-s.exited:
			return fmt.Errorf("it ended at once: %v", s.cmd.ProcessState)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
		if err = s.readBanner(); err == nil {
			return nil
		}
	}
}

func (s *server) readBanner() error {
	c, err := net.DialTimeout("tcp", s.addr(), time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(io.LimitReader(c, 256)).ReadString('\n')
	if err != nil {
		return err
	}
	banner, ok := strings.CutPrefix(strings.TrimSpace(line), "SSH-2.0-")
	if !ok {
		return fmt.Errorf("port %d speaks %q", s.port, line)
	}
	s.banner = banner
	return nil
}

func (s *server) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// know writes known_hosts: the one key, at each of the ports.
func (s *server) know(ports []int) error {
	var lines []byte
	for _, port := range ports {
		lines = fmt.Appendf(lines, "[127.0.0.1]:%d %s", port, ssh.MarshalAuthorizedKey(s.hostKey))
	}
	if err := os.WriteFile(s.knownHosts(), lines, 0o600); err != nil {
		return fmt.Errorf("write known_hosts: %w", err)
	}
	return nil
}

// openFiles is how many files a process of the server may have open.
func (s *server) openFiles() int64 {
	return statusField(fmt.Sprintf("/proc/%d/limits", s.cmd.Process.Pid), "Max open files")
}

// close ends the server with the processes that serve its connections.
func (s *server) close() {
	kill(s.cmd.Process.Pid)
	<-s.exited
}
