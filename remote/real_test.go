package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hostperm/remote/remotetest/realserver"
)

// reals are the real servers, with what is known to differ.
func reals() map[string]func(testing.TB, realserver.Options) *realserver.Server {
	return map[string]func(testing.TB, realserver.Options) *realserver.Server{
		"OpenSSH": realserver.OpenSSH,
		"ProFTPD": realserver.ProFTPD,
	}
}

// randomTree lays out some entries of random modes, special ones included,
// and gives the paths of the directories and of all.
func randomTree(t *testing.T, top string, rnd *rand.Rand, n int) (dirs []string) {
	t.Helper()
	dirs = []string{top}
	for i := range n {
		p := filepath.Join(dirs[rnd.IntN(len(dirs))], fmt.Sprintf(".e %d\n\xff", i))
		var err error
		switch rnd.IntN(8) {
		case 0, 1:
			err = os.Mkdir(p, 0o755)
			dirs = append(dirs, p)
		case 2:
			err = os.Symlink([]string{"/", "..", "nowhere"}[rnd.IntN(3)], p)
		default:
			err = os.WriteFile(p, make([]byte, rnd.IntN(100)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dirs
}

// TestRealWalk walks trees of random modes as an unprivileged account: what is
// seen equals what find says, and what could not be seen is a gap.
func TestRealWalk(t *testing.T) {
	for name, start := range reals() {
		t.Run(name, func(t *testing.T) {
			s := start(t, realserver.Options{})
			rnd := rand.New(rand.NewPCG(3, 4))
			top := filepath.Join(s.HomeDir, "top")
			if err := os.Mkdir(top, 0o755); err != nil {
				t.Fatal(err)
			}
			dirs := randomTree(t, top, rnd, 2500)
			s.Chown(t, top)
			closed := randomModes(t, rnd, top, dirs)
			c := dialReal(t, s)
			root, err := c.ResolveRoot(t.Context(), Target{Path: "top", HasPath: true})
			if err != nil || root.Path != top {
				t.Fatalf("root %+v, error %v", root, err)
			}
			seen, err := walkAll(t, c, root.Path, WalkOptions{})
			if err != nil || len(seen.twice) > 0 {
				t.Fatalf("error %v, twice %q", err, seen.twice)
			}
			compareWithFind(t, s, top, seen, closed)
		})
	}
}

// goMode is a mode of twelve bits as package os takes it.
func goMode(mode int) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	for bit, special := range map[int]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if mode&bit != 0 {
			m |= special
		}
	}
	return m
}

// randomModes gives every entry a random mode, and reports the directories
// that their owner cannot list and search. Those hold directories too, which
// then cannot be reached.
func randomModes(t *testing.T, rnd *rand.Rand, top string, dirs []string) map[string]bool {
	t.Helper()
	closed := make(map[string]bool)
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			err = os.Chmod(p, goMode(rnd.IntN(0o10000)))
		}
		return err
	})
	for i := len(dirs) - 1; i > 0 && err == nil; i-- {
		mode := rnd.IntN(0o10000)
		if rnd.IntN(4) > 0 {
			mode |= 0o500
		}
		rel, _ := filepath.Rel(top, dirs[i])
		closed[filepath.ToSlash(rel)] = mode&0o500 != 0o500
		err = os.Chmod(dirs[i], goMode(mode))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+rwx", top).Run() })
	return closed
}

// compareWithFind compares with find, run as whoever runs the test: as root it
// sees more than the server's account, of which all below closed is a gap.
func compareWithFind(t *testing.T, s *realserver.Server, top string, seen *seen, closed map[string]bool) {
	t.Helper()
	out, _ := exec.Command("find", top, "-printf", `%P\t%y\t%m\t%U\t%G\0`).Output()
	types := map[string]uint32{"f": 0o100000, "d": 0o040000, "l": 0o120000}
	hidden := 0
	found := make(map[string]bool)
	for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		field := strings.Split(line, "\t")
		path := field[0]
		if path == "" {
			path = "."
		}
		found[path] = true
		unseen := false
		for _, d := range chain(path) {
			unseen = unseen || closed[d]
		}
		a, ok := seen.entries[path]
		switch {
		case unseen:
			hidden++
			continue
		case !ok:
			t.Errorf("%q was not seen", path)
			continue
		}
		mode, _ := strconv.ParseUint(field[2], 8, 32)
		uid, _ := strconv.Atoi(field[3])
		gid, _ := strconv.Atoi(field[4])
		if uint64(a.Perm()) != mode && field[1] != "l" || a.Type() != types[field[1]] || a.UID != uint32(uid) || a.GID != uint32(gid) {
			t.Errorf("%q is %+v, find says %q", path, a, field)
		}
		if field[1] == "d" && closed[path] != (seen.gaps[path] != "") {
			t.Errorf("%q has mode %04o, and gap %q", path, mode, seen.gaps[path])
		}
	}
	for path := range seen.entries {
		if !found[path] {
			t.Errorf("%q was seen, and find has none", path)
		}
	}
	t.Logf("%s: %d entries, %d behind %d gaps", s.ServerBanner, len(seen.entries), hidden, len(seen.gaps))
	if len(seen.entries) < 300 || len(seen.gaps) < 10 {
		t.Errorf("too few entries (%d) or gaps (%d) to mean much", len(seen.entries), len(seen.gaps))
	}
}

// sftpProcess is OpenSSH's sftp-server on a pipe, with few descriptors.
type sftpProcess struct {
	cmd *exec.Cmd
	io.ReadCloser
	io.WriteCloser
}

func (p *sftpProcess) openSFTP(context.Context, bool) (io.ReadWriteCloser, error) {
	return p, p.cmd.Start()
}
func (p *sftpProcess) wait()        { p.cmd.Wait() }
func (p *sftpProcess) ended() error { return nil }
func (p *sftpProcess) server() Endpoint {
	return Endpoint{User: "user", Alias: "pipe", Software: "SSH-2.0-OpenSSH_9.2"}
}

func (p *sftpProcess) abort() { p.Close() }

func (p *sftpProcess) Close() error { return errors.Join(p.WriteCloser.Close(), p.ReadCloser.Close()) }

// TestRealFewHandles walks with a real server that may open few files at once.
func TestRealFewHandles(t *testing.T) {
	const server = "/usr/lib/openssh/sftp-server"
	if _, err := os.Stat(server); err != nil {
		t.Skipf("skipped: %v", err)
	}
	top := t.TempDir()
	for i := range 30 {
		for j := range 10 {
			must(t, os.MkdirAll(filepath.Join(top, fmt.Sprint(i), fmt.Sprint(j), "x"), 0o755))
		}
	}
	for _, limit := range []int{8, 12, 40, 64} {
		for _, wait := range []bool{false, true} {
			p := &sftpProcess{cmd: exec.Command("sh", "-c", fmt.Sprintf("ulimit -n %d; exec %s", limit, server))}
			out, err := p.cmd.StdoutPipe()
			must(t, err)
			in, err := p.cmd.StdinPipe()
			must(t, err)
			p.ReadCloser, p.WriteCloser = out, in
			c := newClient(p)
			seen, err := walkAll(t, c, top, WalkOptions{WaitForHandles: wait})
			if err != nil || len(seen.entries) != 1+30+300+300 || len(seen.gaps) > 0 || len(seen.twice) > 0 {
				t.Errorf("limit %d, handles waited for: %v: error %v, %d entries, gaps %q", limit, wait, err, len(seen.entries), seen.gaps)
			}
			if foreseen := c.lanes.all()[0].Foresees(); !foreseen {
				t.Error("the handles of OpenSSH were not foreseen")
			}
			c.Close()
		}
	}
}

// TestRealChange changes files and directories that the account owns, cannot
// read, or does not own.
func TestRealChange(t *testing.T) {
	for name, start := range reals() {
		t.Run(name, func(t *testing.T) {
			s := start(t, realserver.Options{})
			at := func(p string) string { return filepath.Join(s.HomeDir, p) }
			for _, d := range []string{"d", "d000", "d/e"} {
				must(t, os.Mkdir(at(d), 0o755))
			}
			for _, f := range []string{"d/f", "d/e/f", "f000", "f200", "other", "d000/f"} {
				must(t, os.WriteFile(at(f), []byte("x"), 0o644))
			}
			must(t, os.Symlink("d/f", at("link")))
			s.Chown(t, s.HomeDir)
			foreign := os.Getuid() == 0
			if foreign {
				must(t, os.Chown(at("other"), 0, 0))
			}
			must(t, os.Chmod(at("f000"), 0))
			must(t, os.Chmod(at("f200"), 0o200))
			must(t, os.Chmod(at("d000"), 0))
			t.Cleanup(func() { os.Chmod(at("d000"), 0o755) })

			c := dialReal(t, s)
			seen, err := walkAll(t, c, s.HomeDir, WalkOptions{})
			must(t, err)
			var reqs []ChangeRequest
			for _, p := range []string{"d/f", "d/e/f", "f000", "f200", "d", "d000", "other", "link"} {
				reqs = append(reqs, ChangeRequest{Path: p, Expect: seen.entries[p], Mode: 0o1750})
			}
			results, err := change(t, t.Context(), c, s.HomeDir, reqs)
			must(t, err)
			open := name == "OpenSSH"
			for i, r := range results {
				p := reqs[i].Path
				want := ChangeApplied
				switch {
				case p == "link":
					want = ChangeRefused
				case p == "other" && foreign:
					want = ChangeRefused // another's, in a directory of the account
				case !open && (p == "f000" || p == "f200" || p[0] == 'd' && !strings.Contains(p, "/")):
					want = ChangeRefused // cannot be opened, and there is no lsetstat
				}
				if r.Outcome != want {
					t.Errorf("%q: %+v, want outcome %d", p, r, want)
				}
				info, err := os.Lstat(at(p))
				must(t, err)
				if is := info.Mode()&fs.ModeSticky != 0 && info.Mode().Perm() == 0o750; is != (want == ChangeApplied) {
					t.Errorf("%q is %v after %+v", p, info.Mode(), r)
				}
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestRealSwap replaces an audited file and a directory above another with
// symlinks before the change.
func TestRealSwap(t *testing.T) {
	for name, start := range reals() {
		t.Run(name, func(t *testing.T) {
			s := start(t, realserver.Options{})
			at := func(p string) string { return filepath.Join(s.HomeDir, p) }
			must(t, os.MkdirAll(at("top/d"), 0o755))
			must(t, os.Mkdir(at("outside"), 0o755))
			for _, f := range []string{"top/f", "top/d/f", "outside/f"} {
				must(t, os.WriteFile(at(f), []byte("same size"), 0o644))
			}
			info, err := os.Stat(at("outside/f"))
			must(t, err)
			for _, f := range []string{"top/f", "top/d/f"} {
				must(t, os.Chtimes(at(f), info.ModTime(), info.ModTime()))
			}
			s.Chown(t, s.HomeDir)
			c := dialReal(t, s)
			seen, err := walkAll(t, c, at("top"), WalkOptions{})
			must(t, err)
			reqs := []ChangeRequest{
				{Path: "f", Expect: seen.entries["f"], Mode: 0o600},
				{Path: "d/f", Expect: seen.entries["d/f"], Mode: 0o600},
			}
			must(t, os.Remove(at("top/f")))
			must(t, os.Symlink("../outside/f", at("top/f")))
			must(t, os.Rename(at("top/d"), at("moved")))
			must(t, os.Symlink("../outside", at("top/d")))
			results, err := change(t, t.Context(), c, at("top"), reqs)
			must(t, err)
			for i, r := range results {
				if r.Outcome != ChangeRefused {
					t.Errorf("%q: %+v", reqs[i].Path, r)
				}
			}
			if info, err = os.Stat(at("outside/f")); err != nil || info.Mode().Perm() != 0o644 {
				t.Errorf("outside is %v, error %v", info.Mode(), err)
			}
		})
	}
}
