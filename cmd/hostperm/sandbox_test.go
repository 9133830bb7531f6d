//go:build linux

package main

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"hostperm/remote/remotetest"
)

// sandbox is a directory whose files stand in for the machine's own while a
// daemon of the system runs: a process with mounts and process numbers of its
// own, so that nothing outside is touched, and nothing is left.
type sandbox struct {
	dir string
	bin string // a directory with the real hostperm
}

// newSandbox skips the test where a daemon cannot be given a sandbox.
func newSandbox(t *testing.T, programs ...string) *sandbox {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can try a daemon of the system")
	}
	for _, program := range append(programs, "go") {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, "%s is not installed", program)
		}
	}
	s := &sandbox{dir: t.TempDir()}
	s.bin = s.mkdir(t, "bin")
	buildHostperm(t, filepath.Join(s.bin, "hostperm"))
	return s
}

// missing skips a test, or fails it where everything is required.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("HOSTPERM_REQUIRE_SERVERS") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf("skipped: "+format, args...)
}

// buildHostperm builds the command as the README does, whatever the test itself
// was built with.
func buildHostperm(t *testing.T, file string) {
	t.Helper()
	build := exec.Command("go", "build", "-o", file, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build hostperm: %v\n%s", err, out)
	}
}

func (s *sandbox) path(name string) string { return filepath.Join(s.dir, name) }

func (s *sandbox) mkdir(t *testing.T, name string) string {
	t.Helper()
	if err := os.MkdirAll(s.path(name), 0o755); err != nil {
		t.Fatal(err)
	}
	return s.path(name)
}

// write makes a file with exactly this mode.
func (s *sandbox) write(t *testing.T, name, text string, mode fs.FileMode) {
	t.Helper()
	s.mkdir(t, filepath.Dir(name))
	if err := errors.Join(os.WriteFile(s.path(name), []byte(text), mode), os.Chmod(s.path(name), mode)); err != nil {
		t.Fatal(err)
	}
}

func (s *sandbox) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// readyFile is made by a script when everything is in its place. Where it is not,
// the machine does not permit that.
const readyFile = "ready"

// start runs a shell script in the sandbox's directory, as process 1, and
// returns at once. wait gives what it printed, and its error, when it has ended.
// The script makes readyFile once its mounts are done.
func (s *sandbox) start(ctx context.Context, t *testing.T, script string) (wait func() (string, error)) {
	t.Helper()
	runtime.LockOSThread() // the signal below comes when this thread ends, and it ends with the test
	cmd := exec.CommandContext(ctx, "/bin/sh", "-eu", "-c", "mount --make-rprivate /; mount -t proc proc /proc\n"+script)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "W=" + s.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL, Setsid: true}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, time.Second
	if err := cmd.Start(); errors.Is(err, syscall.EPERM) {
		t.Skipf("skipped: this root may not have mounts of its own: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	return func() (string, error) {
		err := cmd.Wait()
		return out.String(), err
	}
}

// checkReady skips the test if a script that has ended could not make its
// mounts.
func (s *sandbox) checkReady(t *testing.T, out string) {
	t.Helper()
	if _, err := os.Stat(s.path(readyFile)); err != nil {
		missing(t, "the sandbox could not be set up: %s", out)
	}
}

// readmeBlocks gives the fenced blocks of a language in the README.
func readmeBlocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, part := range strings.Split("\n"+string(text), "\n```"+language+"\n")[1:] {
		block, _, _ := strings.Cut(part, "\n```")
		blocks = append(blocks, block+"\n")
	}
	if len(blocks) == 0 {
		t.Fatalf("README.md has no block of %s", language)
	}
	return blocks
}

// webHost serves two web roots, each to whoever has the key or the password: what the README's
// examples call shop.example.com and blog.example.com:htdocs.
type webHost struct {
	*remotetest.Server
	dir string
	key string // the private half, as a key file has it
}

func newWebHost(t *testing.T, dir string) *webHost {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	authorized, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	h := &webHost{dir: dir, key: string(pem.EncodeToMemory(block))}
	for _, root := range []string{"public_html", "htdocs"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, root, "uploads"), 0o755),
			os.WriteFile(filepath.Join(dir, root, "index.php"), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if h.Server, err = remotetest.Start(remotetest.Config{Dir: dir, Etc: dir, Password: scriptPassword, AuthorizedKeys: []ssh.PublicKey{authorized}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// sshConfig leads the README's host names to the server.
func (h *webHost) sshConfig() string {
	return fmt.Sprintf("Host shop.example.com blog.example.com\n\tHostName %s\n\tPort %d\n", h.Host(), h.Port())
}
