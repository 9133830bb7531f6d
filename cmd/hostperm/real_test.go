//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hostperm/remote/remotetest/realserver"
)

// findOracle gives, for each rule that a mode alone decides, the find
// expression that names the same entries. It is the test's only idea of what
// the rules mean.
var findOracle = map[string]string{
	"dir-mode":       `-type d ! ( -perm -0755 ! -perm /0022 )`,
	"file-mode":      `-type f ! ( -perm -0644 ! -perm /0133 )`,
	"world-writable": `! -type l -perm -0002`,
	"setid-file":     `-type f -perm /6000`,
	"special-file":   `( -type p -o -type s )`,
}

// linkOracle names the symlinks that a rule is about: those that lead out of a web
// root, and somewhere, are absolute in these trees. No repair changes them.
var linkOracle = map[string]string{
	"symlink-dangling": `-xtype l`,
	"symlink-escape":   `-lname /* ! -xtype l`,
}

// find runs find below root and gives the paths relative to it.
func find(t *testing.T, root, expression string) map[string]bool {
	t.Helper()
	args := append([]string{root}, append(strings.Fields(expression), "-printf", `%P\0`)...)
	out, err := exec.Command("find", args...).Output()
	if err != nil {
		t.Fatalf("find %s: %v", expression, err)
	}
	paths := make(map[string]bool)
	for path := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if len(out) > 0 {
			if path == "" {
				path = "."
			}
			paths[path] = true
		}
	}
	return paths
}

// htaccessOracle names the .htaccess files that others cannot read, by their
// own bits or by those of a directory at or below the root.
func htaccessOracle(t *testing.T, root string) map[string]bool {
	paths := find(t, root, `-type f -name .htaccess ! -perm -0004`)
	for closed := range find(t, root, `-type d ! -perm -0001`) {
		for path := range find(t, filepath.Join(root, closed), `-type f -name .htaccess`) {
			paths[filepath.Join(closed, path)] = true
		}
	}
	return paths
}

// scan is what a jsonl report says.
type scan struct {
	findings map[string]map[string]bool // rule → paths
	gaps     map[string]bool
	changes  map[string]int // status → number
}

type scanLine struct {
	Type, Path, Rule, Status string
	PathBase64               []byte `json:"path_base64"`
}

func readScan(t *testing.T, report string) scan {
	t.Helper()
	s := scan{make(map[string]map[string]bool), make(map[string]bool), make(map[string]int)}
	for line := range strings.Lines(report) {
		var l scanLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if l.PathBase64 != nil {
			l.Path = string(l.PathBase64)
		}
		switch l.Type {
		case "finding":
			if s.findings[l.Rule] == nil {
				s.findings[l.Rule] = make(map[string]bool)
			}
			s.findings[l.Rule][l.Path] = true
		case "gap":
			s.gaps[l.Path] = true
		case "change":
			s.changes[l.Status]++
		}
	}
	return s
}

// sameSet reports both directions of a difference.
func sameSet(t *testing.T, what string, got, want map[string]bool) {
	t.Helper()
	report := func(word string, a, b map[string]bool) {
		var only []string
		for path := range a {
			if !b[path] {
				only = append(only, path)
			}
		}
		slices.Sort(only)
		if len(only) > 0 {
			t.Errorf("%s: %d %s, the first: %q", what, len(only), word, only[:min(len(only), 5)])
		}
	}
	report("only hostperm names", got, want)
	report("only find names", want, got)
}

// compareWithFind holds a scan to what find says of the tree. Entries that the
// account cannot reach are left out of the comparison on both sides: they must
// be covered by gaps.
func compareWithFind(t *testing.T, s scan, root string, reachable func(path string) bool) {
	t.Helper()
	total := 0
	for rule, expression := range findOracle {
		want := find(t, root, expression)
		maps.DeleteFunc(want, func(path string, _ bool) bool { return !reachable(path) })
		total += len(want)
		sameSet(t, rule, s.findings[rule], want)
	}
	for rule, expression := range linkOracle {
		want := find(t, root, expression)
		maps.DeleteFunc(want, func(path string, _ bool) bool { return !reachable(path) })
		sameSet(t, rule, s.findings[rule], want)
	}
	want := htaccessOracle(t, root)
	maps.DeleteFunc(want, func(path string, _ bool) bool { return !reachable(path) })
	sameSet(t, "htaccess-unreadable", s.findings["htaccess-unreadable"], want)
	if total+len(want) == 0 {
		t.Error("there is nothing to find: nothing was compared")
	}
	t.Logf("%d findings agree with find", total+len(want))
}

// account is a real server's account, and the command that audits it.
type account struct {
	*realserver.Server
	home string // of hostperm: state and configuration
}

func (a account) run(t *testing.T, command string, args ...string) (int, string, string) {
	t.Helper()
	all := []string{command, "--port", strconv.Itoa(a.Port), "--identity", a.KeyFile, "--known-hosts", a.KnownHosts, "-F", "none"}
	cmd := hostperm(t, a.home, append(all, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func (a account) target(root string) string { return a.User + "@" + a.Host + ":" + root }

// randomTree makes thousands of entries and gives each a random mode.
func randomTree(t *testing.T, root string, rng *rand.Rand, entries int, closed bool) {
	t.Helper()
	dirs := []string{root}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(root, 0o755))
	var all []string
	for n := range entries {
		parent := dirs[rng.IntN(len(dirs))]
		name := filepath.Join(parent, fmt.Sprintf("%s%d", []string{"a", ".h", "ä", "sp ace", "new\nline", "\xff\xfe"}[rng.IntN(6)], n))
		switch k := rng.IntN(20); {
		case k < 4:
			must(os.Mkdir(name, 0o755))
			dirs = append(dirs, name)
			all = append(all, name)
		case k == 4:
			must(os.Symlink([]string{".", "/etc", "nowhere"}[rng.IntN(3)], name))
		case k == 5:
			name = filepath.Join(parent, ".htaccess")
			must(os.WriteFile(name, nil, 0o644))
			all = append(all, name)
		default:
			must(os.WriteFile(name, nil, 0o644))
			all = append(all, name)
		}
	}
	for _, name := range slices.Backward(all) {
		mode := uint64(rng.IntN(0o10000))
		if info, err := os.Lstat(name); err == nil && info.IsDir() && (!closed || rng.IntN(6) > 0) {
			mode |= 0o500
		}
		if rng.IntN(3) == 0 { // plenty of right ones too
			mode = 0o644
			if info, err := os.Lstat(name); err == nil && info.IsDir() {
				mode = 0o755
			}
		}
		must(os.Chmod(name, fileMode(mode)))
	}
}

// reachableFor says which paths an owner without root's powers can see: every
// directory above has the owner's r and x.
func reachableFor(t *testing.T, root string) (reachable func(string) bool, closed map[string]bool) {
	closed = make(map[string]bool)
	for path, mode := range treeModes(t, root) {
		info, err := os.Lstat(root + path)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() && mode&0o500 != 0o500 {
			closed[strings.TrimPrefix(path, "/")] = true
		}
	}
	reachable = func(path string) bool {
		for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
			if closed[dir] {
				return false
			}
		}
		return true
	}
	maps.DeleteFunc(closed, func(dir string, _ bool) bool { return !reachable(dir) })
	return reachable, closed
}

// realServers are the servers that the findings must be exact on.
func realServers() map[string]func(testing.TB, realserver.Options) *realserver.Server {
	return map[string]func(testing.TB, realserver.Options) *realserver.Server{
		"OpenSSH": realserver.OpenSSH, "ProFTPD": realserver.ProFTPD,
	}
}

// TestRandomModesOnRealServers audits thousands of entries of random modes as
// an unprivileged account, and holds the findings to find's, in both
// directions; then repairs all, holds the result to find, and undoes it.
func TestRandomModesOnRealServers(t *testing.T) {
	for name, start := range realServers() {
		t.Run(name, func(t *testing.T) {
			a := account{start(t, realserver.Options{}), t.TempDir()}
			root := filepath.Join(a.HomeDir, "site")
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			// Who isn't root could not look into what the account itself cannot.
			randomTree(t, root, rand.New(rand.NewPCG(seed, 0)), 4000, os.Geteuid() == 0)
			// Chown drops setuid and setgid, so the modes are set again.
			before := treeModes(t, root)
			a.Chown(t, root)
			restoreModes(t, root, before)

			reachable, closed := reachableFor(t, root)
			status, out, stderr := a.run(t, "audit", "--format", "jsonl", a.target(root))
			want := exitFindings
			if len(closed) > 0 {
				want = exitIncomplete
			}
			if status != want {
				t.Fatalf("audit: exit status %d, want %d\n%s", status, want, stderr)
			}
			s := readScan(t, out)
			compareWithFind(t, s, root, reachable)
			sameSet(t, "gaps", s.gaps, closed)

			fixAndUndo(t, a, root, before, name == "OpenSSH")
		})
	}
}

// TestPathChmodOnProFTPD repairs all that ProFTPD offers no safe way for, as
// --allow-path-chmod allows; each such change is named, and undone.
func TestPathChmodOnProFTPD(t *testing.T) {
	a := account{realserver.ProFTPD(t, realserver.Options{}), t.TempDir()}
	root := filepath.Join(a.HomeDir, "site")
	brokenTree(t, root)
	before := treeModes(t, root)
	a.Chown(t, root)
	restoreModes(t, root, before)
	status, out, stderr := a.run(t, "audit", "--fix", "--yes", "--loosen", "--allow-path-chmod", "--format", "jsonl", a.target(root))
	s := readScan(t, out)
	if status != exitClean || s.changes["applied"] == 0 || len(s.changes) != 1 {
		t.Errorf("fix: exit status %d, changes %v\n%s", status, s.changes, stderr)
	}
	if named := strings.Count(out, "as --allow-path-chmod allows"); named < 12 { // the directories at least
		t.Errorf("%d of the changes say that they were made by path", named)
	}
	if !strings.Contains(stderr, "undo") || !strings.Contains(stderr, "--allow-path-chmod") {
		t.Errorf("the command that puts it back is not named with the flag:\n%s", stderr)
	}
	if status, _, stderr := a.run(t, "undo", "--yes", "--allow-path-chmod"); status != exitClean || !maps.Equal(treeModes(t, root), before) {
		t.Errorf("undo: exit status %d\n%s", status, stderr)
	}
}

func restoreModes(t *testing.T, root string, modes map[string]uint64) {
	t.Helper()
	for path, mode := range modes {
		if err := os.Chmod(root+path, fileMode(mode)); err != nil {
			t.Fatal(err)
		}
	}
}

// fixAndUndo repairs everything, holds the tree to find, and puts it back. A
// server on which not every change can be made safely refuses some of them.
func fixAndUndo(t *testing.T, a account, root string, before map[string]uint64, all bool) {
	t.Helper()
	status, out, stderr := a.run(t, "audit", "--profile", "default", "--fix", "--yes", "--loosen", "--format", "jsonl", a.target(root))
	s := readScan(t, out)
	t.Logf("fix: exit status %d, changes %v", status, s.changes)
	// Others can read what holds credentials: that is found, and left to its owner;
	// so are symlinks.
	want := exitClean
	if len(s.findings["secret-exposed"])+len(s.findings["symlink-dangling"])+len(s.findings["symlink-escape"]) > 0 {
		want = exitFindings
	}
	if all && (status != want || s.changes["applied"] == 0 || len(s.changes) != 1) {
		t.Errorf("fix: exit status %d, want %d; changes %v\n%s", status, want, s.changes, stderr)
	}
	if !all && s.changes["applied"] == 0 {
		t.Errorf("fix: nothing was applied\n%s", stderr)
	}
	if all {
		for rule, expression := range findOracle {
			sameSet(t, rule+" after the fix", map[string]bool{}, find(t, root, expression))
		}
		sameSet(t, "htaccess-unreadable after the fix", map[string]bool{}, htaccessOracle(t, root))
	}
	fixed := treeModes(t, root)
	if n := countDifferent(before, fixed); n != s.changes["applied"] {
		t.Errorf("%d entries have another mode, %d changes were reported as applied", n, s.changes["applied"])
	}
	if status, _, stderr := a.run(t, "undo", "--yes"); status != exitClean {
		t.Errorf("undo: exit status %d\n%s", status, stderr)
	}
	if now := treeModes(t, root); !maps.Equal(now, before) {
		t.Errorf("undo left %d of %d modes different", countDifferent(before, now), len(before))
	}
}

// TestWordPressOnRealServers does the same on the files of a real application
// with defects seeded.
func TestWordPressOnRealServers(t *testing.T) {
	for name, start := range realServers() {
		t.Run(name, func(t *testing.T) {
			tree := realserver.WordPress(t)
			a := account{start(t, realserver.Options{}), t.TempDir()}
			root := filepath.Join(a.HomeDir, "wordpress")
			if out, err := exec.Command("cp", "-R", "--preserve=mode", tree, root).CombinedOutput(); err != nil {
				t.Fatalf("cp: %v\n%s", err, out)
			}
			a.Chown(t, root)
			seedDefects(t, root)
			before := treeModes(t, root)

			status, out, stderr := a.run(t, "audit", "--profile", "default", "--format", "jsonl", a.target(root))
			if status != exitFindings {
				t.Fatalf("audit: exit status %d\n%s", status, stderr)
			}
			compareWithFind(t, readScan(t, out), root, func(string) bool { return true })
			fixAndUndo(t, a, root, before, name == "OpenSSH")
		})
	}
}

// seedDefects gives every 40th entry of a tree a wrong mode that leaves it
// within its owner's reach.
func seedDefects(t *testing.T, root string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		if n++; n%40 != 0 {
			return nil
		}
		mode := []uint64{0o666, 0o600, 0o4755, 0o640, 0o2644}[n/40%5]
		if d.IsDir() {
			mode = []uint64{0o777, 0o1777, 0o700, 0o2775}[n/40%4]
		}
		return os.Chmod(path, fileMode(mode))
	})
	htaccess := filepath.Join(root, ".htaccess")
	os.Remove(htaccess) // Debian's is a symlink into /etc
	if err := errors.Join(err, os.WriteFile(htaccess, nil, 0o600), os.Chmod(htaccess, 0o600)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(root)
	if err == nil {
		err = copyOwner(htaccess, info)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// copyOwner gives a file the owner of another.
func copyOwner(name string, info fs.FileInfo) error {
	owner := info.Sys().(*syscall.Stat_t)
	return os.Lchown(name, int(owner.Uid), int(owner.Gid))
}

// TestForeignOwner repairs a tree with an entry of another owner in it: that one
// is held back, with the reason, and everything else is done.
func TestForeignOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make an entry of another owner")
	}
	a := account{realserver.OpenSSH(t, realserver.Options{}), t.TempDir()}
	root := filepath.Join(a.HomeDir, "site")
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mine", "theirs"} {
		if err := errors.Join(os.WriteFile(filepath.Join(root, name), nil, 0o644), os.Chmod(filepath.Join(root, name), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	a.Chown(t, root)
	theirs := filepath.Join(root, "theirs")
	if err := os.Lchown(theirs, 0, 0); err != nil {
		t.Fatal(err)
	}
	status, out, stderr := a.run(t, "audit", "--fix", "--yes", a.target(root))
	if status != exitFindings {
		t.Errorf("fix: exit status %d, want %d\n%s", status, exitFindings, stderr)
	}
	for _, want := range []string{fmt.Sprintf("Held back: 1 entry: it belongs to uid 0, and a directory or link above it to uid %d", a.UID)} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("the report does not say %q:\n%s", want, out)
		}
	}
	if !strings.Contains(stderr, "1 entry belongs to somebody else, which no repair changes: ask the host to set the owner") ||
		!strings.Contains(stderr, "--rule foreign-owner") {
		t.Errorf("nothing says what to ask the host for:\n%s", stderr)
	}
	if modes := treeModes(t, root); modes["/mine"] != 0o644 || modes["/theirs"] != 0o666 {
		t.Errorf("modes %04o and %04o", modes["/mine"], modes["/theirs"])
	}
}
