package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"hostperm/remote/remotetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(runAsHostperm) != "" {
		if file := os.Getenv(memoryFile); file != "" {
			os.Exit(runMeasured(file))
		}
		impatient()
	}
	testscript.Main(m, map[string]func(){"hostperm": impatient})
}

// impatient is main with no pause to speak of before a lost connection is made
// anew.
func impatient() { os.Exit(impatientApp().run(context.Background(), os.Args[1:])) }

func impatientApp() *app {
	a := newApp()
	a.reconnectPause = time.Millisecond
	return a
}

// runAsHostperm in the environment makes the test binary behave as the command.
const runAsHostperm = "HOSTPERM_TEST_RUN"

// TestScript runs testdata/script: one behaviour of a command each. Besides
// testscript's own commands the scripts have
//
//	tree SPEC DIR              make the entries that SPEC lists: MODE KIND PATH [CONTENT or LINK TARGET]
//	modes SPEC DIR             the entries below DIR have exactly the modes that SPEC lists
//	serve DIR [OPTION...]      an SSH and SFTP server for DIR on loopback; sets PORT, FINGERPRINT and known_hosts
//	status N ARG...            hostperm ARG... exits with status N
//	mute                       a server that accepts connections and says nothing; sets PORT
//	schema FORMAT FILE         FILE is valid output of --format FORMAT
//	await                      wait until the server has a request that it holds
//	release                    let it go on
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"tree": scriptTree, "modes": scriptModes, "serve": scriptServe, "status": scriptStatus,
			"mute": scriptMute, "schema": scriptSchema,
			"await": scriptAwait, "release": scriptRelease,
		},
	})
}

const scriptPassword = "correct horse"

func setupScript(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("USERPROFILE", home)
	env.Setenv("LocalAppData", filepath.Join(home, "state"))
	env.Setenv("XDG_STATE_HOME", filepath.Join(home, "state"))
	env.Setenv("SSH_AUTH_SOCK", "")
	env.Setenv("HOSTPERM_PASSWORD", scriptPassword)
	env.Setenv("NO_COLOR", "")
	env.Setenv("GORACE", os.Getenv("GORACE"))
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	env.Values[holdValue{}] = new([]*hold)
	env.Values[hostKeyValue{}], err = ssh.NewSignerFromKey(private)
	return err
}

// hostKeyValue is where a script keeps the host key of its servers: one, so
// that a server that is started again is the same to a client.
type hostKeyValue struct{}

// specEntry is one line of a tree's specification.
type specEntry struct {
	mode       uint64 // twelve bits
	kind, path string
	rest       string
}

// readSpec reads MODE KIND PATH [REST]; PATH may be a Go string literal.
func readSpec(ts *testscript.TestScript, file string) []specEntry {
	var entries []specEntry
	scan := bufio.NewScanner(strings.NewReader(ts.ReadFile(file)))
	for scan.Scan() {
		line := strings.TrimSpace(scan.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		mode, line, _ := strings.Cut(line, " ")
		kind, line, _ := strings.Cut(strings.TrimSpace(line), " ")
		e := specEntry{kind: kind, path: strings.TrimSpace(line)}
		if strings.HasPrefix(e.path, `"`) {
			quoted, err := strconv.QuotedPrefix(e.path)
			ts.Check(err)
			e.rest = strings.TrimSpace(e.path[len(quoted):])
			e.path, err = strconv.Unquote(quoted)
			ts.Check(err)
		} else {
			e.path, e.rest, _ = strings.Cut(e.path, " ")
		}
		bits, err := strconv.ParseUint(mode, 8, 16)
		ts.Check(err)
		e.mode = bits
		entries = append(entries, e)
	}
	return entries
}

func scriptTree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tree SPEC DIR")
	}
	root := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(root, 0o755))
	ts.Check(os.Chmod(root, 0o755))
	entries := readSpec(ts, args[0])
	for _, e := range entries {
		name := filepath.Join(root, filepath.FromSlash(e.path))
		switch e.kind {
		case "dir":
			ts.Check(os.MkdirAll(name, 0o755))
		case "file":
			ts.Check(os.WriteFile(name, []byte(e.rest), 0o644))
		case "link":
			ts.Check(os.Symlink(e.rest, name))
		default:
			ts.Fatalf("kind %q", e.kind)
		}
	}
	// Deepest first: a directory may close what is below it.
	slices.SortStableFunc(entries, func(a, b specEntry) int { return cmp.Compare(strings.Count(b.path, "/"), strings.Count(a.path, "/")) })
	for _, e := range entries {
		if e.kind != "link" {
			ts.Check(os.Chmod(filepath.Join(root, filepath.FromSlash(e.path)), fileMode(e.mode)))
		}
	}
}

// fileMode gives Go's form of twelve permission bits.
func fileMode(bits uint64) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for bit, flag := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode
}

// bitsOf is the inverse of fileMode.
func bitsOf(mode fs.FileMode) uint64 {
	bits := uint64(mode.Perm())
	for bit, flag := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

func scriptModes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: modes SPEC DIR")
	}
	for _, e := range readSpec(ts, args[0]) {
		if e.kind == "link" {
			continue
		}
		info, err := os.Lstat(filepath.Join(ts.MkAbs(args[1]), filepath.FromSlash(e.path)))
		ts.Check(err)
		if got := bitsOf(info.Mode()); got != e.mode {
			ts.Fatalf("%q has mode %04o, want %04o", e.path, got, e.mode)
		}
	}
}

func scriptStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: status N ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec("hostperm", args[1:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("hostperm %s: exit status %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: serve DIR [OPTION...]")
	}
	cfg := remotetest.Config{Dir: ts.MkAbs(args[0]), Etc: ts.MkAbs("etc"), User: "demo", Password: scriptPassword,
		HostKey: ts.Value(hostKeyValue{}).(ssh.Signer)}
	known, stale := true, false
	for _, option := range args[1:] {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "nosftp":
			cfg.NoSFTP = true
		case "lsetstat":
			cfg.LSetstat = true
		case "onesession":
			cfg.MaxSessions = 1
		case "key":
			key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(ts.ReadFile(value)))
			ts.Check(err)
			cfg.AuthorizedKeys = append(cfg.AuthorizedKeys, key)
		case "unknown":
			known = false
		case "changed":
			known = false
			stale = true
		default:
			cfg.Faults = append(cfg.Faults, scriptFault(ts, name, value))
		}
	}
	server, err := remotetest.Start(cfg)
	ts.Check(err)
	ts.Defer(func() {
		releaseAll(ts)
		server.Close()
	})
	ts.Setenv("PORT", strconv.Itoa(server.Port()))
	ts.Setenv("FINGERPRINT", server.Fingerprint())
	line := server.KnownHostsLine()
	if stale {
		public, _, err := ed25519.GenerateKey(nil)
		ts.Check(err)
		key, err := ssh.NewPublicKey(public)
		ts.Check(err)
		line = knownhosts.Line([]string{server.Addr()}, key)
	}
	if known || stale {
		file := filepath.Join(ts.Getenv("HOME"), ".ssh", "known_hosts")
		ts.Check(os.WriteFile(file, []byte(line+"\n"), 0o600))
	}
}

// scriptFault makes the fault that a serve option names.
func scriptFault(ts *testscript.TestScript, name, value string) remotetest.Fault {
	number := func() int {
		n, err := strconv.Atoi(value)
		ts.Check(err)
		return n
	}
	switch name {
	case "deny":
		return remotetest.Deny(value, remotetest.Opendir)
	case "ignorechmod":
		return remotetest.IgnoreChmod()
	case "nomode":
		return remotetest.WithoutMode(func(path string) bool { return filepath.Base(path) == value })
	case "rename":
		from, to, _ := strings.Cut(value, ":")
		return remotetest.RenameEntry(from, to)
	case "cutlist":
		return remotetest.CutFrom(number(), remotetest.Readdir)
	case "cutchange":
		return remotetest.CutFrom(number(), remotetest.Fsetstat)
	case "cutonce":
		return remotetest.CutAtRequest(number(), remotetest.Readdir, remotetest.Fsetstat)
	case "hold":
		return scriptHold(ts, number(), remotetest.Readdir)
	case "holdchange":
		return scriptHold(ts, number(), remotetest.Fsetstat)
	case "stall":
		return remotetest.StallAtRequest(number(), remotetest.Readdir)
	}
	ts.Fatalf("serve: unknown option %s", fmt.Sprint(name, "=", value))
	return remotetest.Fault{}
}
