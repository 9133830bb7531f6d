//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"hostperm/remote/remotetest"
)

// hostileServer is one way in which a server is hostile or broken, and what
// `hostperm audit --fix --yes` must make of it. The web root is hostileSite.
type hostileServer struct {
	name   string
	ssh    remotetest.SSHFault
	faults func() remotetest.Faults // nil: none
	bare   bool                     // the server does not offer lsetstat@openssh.com
	args   []string                 // besides those that reach the server
	status int
	says   string // in stdout or stderr; "" only where nothing was lost
	may    string // paths that may be changed: others, or their modes, were made up by the server; "*": any
	long   bool   // takes so long that -short leaves it out
	memory int    // MiB that the command may take; 0: usualMemory
}

// usualMemory is three times what an audit of a good server takes of the system,
// in MiB: room for a packet of the largest size in each of the sessions, and for
// how unevenly the runtime takes memory.
const usualMemory = 40

// maxOutput is how much may be printed, in bytes, whatever a server sends.
const maxOutput = 256 << 10

// soon ends runs that nothing else would end before a person loses patience.
var soon = []string{"--timeout", "1s"}

// hostileServers is the whole table. Each row is run by TestHostileServers.
func hostileServers() []hostileServer {
	return slices.Concat(hostileSSH(), hostileSFTP(), hostileTrees(), hostileChanges())
}

// TestHostileServers plays every server of the table: the command ends by
// itself, within its memory, with the exit status that is due, says what
// happened, shows nothing that a terminal would act on, and changes nothing
// that it was not told about by an honest answer.
func TestHostileServers(t *testing.T) {
	rows := hostileServers()
	seen := make(map[string]bool)
	for _, row := range rows {
		if seen[row.name] {
			t.Errorf("two rows are called %q", row.name)
		}
		seen[row.name] = true
		t.Run(row.name, func(t *testing.T) {
			if row.long && testing.Short() {
				t.Skip("skipped with -short")
			}
			t.Parallel()
			row.play(t)
		})
	}
	if len(rows) < 30 {
		t.Errorf("%d hostile servers; 30 at least are promised", len(rows))
	}
}

// hostileSite is what the server really has.
func hostileSite(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	site := filepath.Join(dir, "site")
	err := errors.Join(os.MkdirAll(filepath.Join(site, "d"), 0o755), os.Mkdir(filepath.Join(site, "e"), 0o755))
	for name, mode := range map[string]os.FileMode{"a": 0o666, "d/x": 0o666, "e/y": 0o644} {
		p := filepath.Join(site, name)
		err = errors.Join(err, os.WriteFile(p, nil, 0o644), os.Chmod(p, mode))
	}
	if err = errors.Join(err, os.Chmod(filepath.Join(site, "d"), 0o777)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// everyChange is what a repair of hostileSite changes.
const everyChange = "site/a site/d site/d/x"

func (h *hostileServer) play(t *testing.T) {
	dir := hostileSite(t)
	changed := &changeLog{}
	faults := remotetest.Faults{changed.fault()}
	if h.faults != nil {
		faults = append(faults, h.faults()...)
	}
	server, err := remotetest.Start(remotetest.Config{Dir: dir, Etc: dir, User: "demo", Password: scriptPassword, LSetstat: !h.bare,
		Faults: faults, SSH: h.ssh})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	home, memory := t.TempDir(), filepath.Join(t.TempDir(), "memory")
	args := []string{"audit", "--fix", "--yes", "-F", sshConfig(t, home), "--port", strconv.Itoa(server.Port()),
		"--host-key", server.Fingerprint(), "demo@" + server.Host() + ":site"}
	cmd := hostperm(t, home, append(args, h.args...)...)
	cmd.Env = append(cmd.Env, memoryFile+"="+memory)
	var out strings.Builder
	status := runWatched(t, cmd, &out)
	h.judge(t, status, out.String())
	if got := changed.besides(h.may); len(got) > 0 {
		t.Errorf("changes of %q were asked for", got)
	}
	limit, taken := max(h.memory, usualMemory), takenMiB(t, memory)
	if t.Logf("%d MiB", taken); taken > limit {
		t.Errorf("it took %d MiB, more than %d", taken, limit)
	}
}

// judge looks at what a person gets to see.
func (h *hostileServer) judge(t *testing.T, status int, out string) {
	t.Helper()
	if status != h.status || !strings.Contains(out, h.says) {
		t.Errorf("exit status %d, want %d, and %q in:\n%.3000s", status, h.status, h.says, out)
	}
	if h.says == "" && h.status != exitClean {
		t.Error("the row does not say what must be said")
	}
	if len(out) > maxOutput {
		t.Errorf("%d bytes were printed", len(out))
	}
	if h.status != exitClean && strings.Contains(out, "clean") {
		t.Errorf("it says clean:\n%.3000s", out)
	}
	if !utf8.ValidString(out) || strings.ContainsFunc(out, acts) {
		t.Errorf("it shows something that a terminal acts on: %.3000q", out)
	}
}

// acts reports whether a terminal does anything but show a character.
func acts(r rune) bool {
	return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// sshConfig has a connection given up after a second.
func sshConfig(t *testing.T, home string) string {
	t.Helper()
	file := filepath.Join(home, "ssh_config")
	if err := os.WriteFile(file, []byte("ConnectTimeout 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// runWatched runs a command and kills it if it hangs, which is -1.
func runWatched(t *testing.T, cmd *exec.Cmd, out *strings.Builder) int {
	t.Helper()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(hangs, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// changeLog keeps which entries were to be changed, by whatever request.
type changeLog struct {
	mu    sync.Mutex
	paths []string
}

func (c *changeLog) fault() remotetest.Fault {
	return remotetest.Fault{Request: func(e *remotetest.Exchange) remotetest.Action {
		switch e.Request.Type {
		case remotetest.Setstat, remotetest.Fsetstat, remotetest.Extended, remotetest.Write, remotetest.Remove,
			remotetest.Mkdir, remotetest.Rmdir, remotetest.Rename, remotetest.Symlink:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.paths = append(c.paths, e.Path)
		}
		return remotetest.Pass()
	}}
}

// besides gives what was to be changed and is not among the paths in may.
func (c *changeLog) besides(may string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if may == "*" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.paths), func(p string) bool { return slices.Contains(strings.Fields(may), p) })
}
