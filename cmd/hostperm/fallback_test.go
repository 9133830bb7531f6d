//go:build linux

package main

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hostperm/remote/remotetest"
	"hostperm/remote/remotetest/realserver"
)

// audits is one way of serving a tree and walking it.
type audits struct {
	name   string
	server func(testing.TB, realserver.Options) *realserver.Server // nil: the embedded one
	config string
	embed  remotetest.Config
	flags  []string
}

// TestSameFindingsEverywhere audits the same tree on servers that allow many
// sessions, two, or one, whose handles can be foreseen or not, and that answer
// in order or not: what is found is the same.
func TestSameFindingsEverywhere(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	all := []audits{
		{name: "OpenSSH", server: realserver.OpenSSH},
		{name: "OpenSSH, handles waited for", server: realserver.OpenSSH, flags: []string{"--foresee", "never"}},
		{name: "OpenSSH, one session", server: realserver.OpenSSH, flags: []string{"--sessions", "1"}},
		{name: "OpenSSH, one at a time", server: realserver.OpenSSH, flags: []string{"--sessions", "1", "--window", "1", "--foresee", "never"}},
		{name: "OpenSSH, MaxSessions 1", server: realserver.OpenSSH, config: "MaxSessions 1"},
		{name: "OpenSSH, MaxSessions 2", server: realserver.OpenSSH, config: "MaxSessions 2"},
		{name: "ProFTPD", server: realserver.ProFTPD},
		{name: "embedded"},
		{name: "embedded, one session", embed: remotetest.Config{MaxSessions: 1}},
		{name: "embedded, LSTAT follows", embed: remotetest.Config{Faults: remotetest.Faults{remotetest.LstatFollows()}}},
	}
	reference := ""
	for _, a := range all {
		t.Run(a.name, func(t *testing.T) {
			lines := a.run(t, seed)
			if n := strings.Count(lines, "\n"); n < 1000 {
				t.Fatalf("%d findings are too few to mean much", n)
			}
			if reference == "" {
				reference = lines
			}
			if lines != reference {
				t.Errorf("%d lines that differ from the first server's %d", strings.Count(lines, "\n"), strings.Count(reference, "\n"))
			}
		})
	}
}

func (a audits) run(t *testing.T, seed uint64) string {
	if a.server == nil {
		return a.runEmbedded(t, seed)
	}
	s := account{a.server(t, realserver.Options{Config: a.config}), t.TempDir()}
	root := filepath.Join(s.HomeDir, "site")
	growSame(t, root, seed)
	before := treeModes(t, root)
	s.Chown(t, root)
	restoreModes(t, root, before)
	status, out, stderr := s.run(t, "audit", append(a.flags, "--format", "jsonl", s.target(root))...)
	if status != exitFindings {
		t.Fatalf("exit status %d\n%s", status, stderr)
	}
	return foundLines(out)
}

func (a audits) runEmbedded(t *testing.T, seed uint64) string {
	top, err := os.MkdirTemp("", "hostperm-same-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // t.TempDir cannot remove what its owner may not write
		if err := remotetest.RemoveSite(top); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(top, 0o755); err != nil { // as the real servers' homes, which bar no web server's way
		t.Fatal(err)
	}
	root := filepath.Join(top, "site")
	growSame(t, root, seed)
	disownLinks(t, root)
	cfg := a.embed
	cfg.Dir, cfg.User, cfg.Password = root, "demo", scriptPassword
	server, err := remotetest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	cmd := hostperm(t, t.TempDir(), "audit", "--port", strconv.Itoa(server.Port()), "--host-key", server.Fingerprint(),
		"-F", "none", "--format", "jsonl", "demo@"+server.Host()+":"+root)
	cmd.Env = append(cmd.Env, envPassword+"="+scriptPassword)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != exitFindings {
		var exit *exec.ExitError
		t.Fatalf("%v (%T)\n%s", err, exit, stderr.String())
	}
	return foundLines(stdout.String())
}

// disownLinks takes root's symlinks from it, which may lead to what is root's.
func disownLinks(t *testing.T, root string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		return os.Lchown(p, 65534, 65534)
	}); err != nil {
		t.Fatal(err)
	}
}

// growSame makes the tree of a seed: some 2,500 entries, all of which their
// owner can reach, and a directory too large for one reply.
func growSame(t *testing.T, root string, seed uint64) {
	t.Helper()
	randomTree(t, root, rand.New(rand.NewPCG(seed, 0)), 2500, false)
	large := filepath.Join(root, "large")
	if err := os.Mkdir(large, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 700 {
		name := filepath.Join(large, "file-of-a-large-directory-"+strconv.Itoa(i))
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// foundLines gives the findings and gaps of a jsonl report, without the owner:
// the embedded server serves whoever runs the test.
func foundLines(report string) string {
	var b strings.Builder
	for line := range strings.Lines(report) {
		if strings.HasPrefix(line, `{"type":"finding"`) || strings.HasPrefix(line, `{"type":"gap"`) {
			before, rest, _ := strings.Cut(line, `"uid":`)
			_, after, _ := strings.Cut(rest, `"detail"`)
			if strings.Contains(before, `"rule":"symlink-`) {
				// Whose it is, and what the server makes of its text, differs.
				before, _, _ = strings.Cut(before, `"severity"`)
				after = "\n"
			}
			b.WriteString(before + after)
		}
	}
	return b.String()
}
