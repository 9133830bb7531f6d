package repair

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/remotetest"
	"hostperm/remote/remotetest/realserver"
)

// randomSite lays out n entries below top, with names that are hard to handle.
func randomSite(t *testing.T, rng *rand.Rand, top string, n int) (paths []string) {
	t.Helper()
	dirs := []string{top}
	for i := range n {
		p := filepath.Join(dirs[rng.IntN(len(dirs))], fmt.Sprintf("e%d '\n\xff", i))
		var err error
		if rng.IntN(4) == 0 {
			err = os.Mkdir(p, 0o755)
			dirs = append(dirs, p)
		} else {
			err = os.WriteFile(p, make([]byte, rng.IntN(50)), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return append(paths, top)
}

// setModes gives every path a random mode; directories keep what in keep says.
func setModes(t *testing.T, rng *rand.Rand, paths []string, keep policy.Mode) {
	t.Helper()
	for i := len(paths) - 2; i >= -1; i-- { // children first, the top last
		p := paths[(i+len(paths))%len(paths)]
		m := randomMode(rng)
		if info, err := os.Lstat(p); err == nil && info.IsDir() {
			m |= keep
		}
		if err := os.Chmod(p, goMode(m)); err != nil {
			t.Fatal(err)
		}
	}
}

// goMode is a mode of twelve bits as package os takes it.
func goMode(m policy.Mode) fs.FileMode {
	out := fs.FileMode(m & policy.PermBits)
	for bit, g := range map[policy.Mode]fs.FileMode{policy.Setuid: fs.ModeSetuid, policy.Setgid: fs.ModeSetgid, policy.Sticky: fs.ModeSticky} {
		if m&bit != 0 {
			out |= g
		}
	}
	return out
}

// modes reads the modes of all paths from the disk.
func modes(t *testing.T, paths []string) map[string]fs.FileMode {
	t.Helper()
	got := make(map[string]fs.FileMode)
	for _, p := range paths {
		info, err := os.Lstat(p)
		if err != nil {
			t.Fatal(err)
		}
		got[p] = info.Mode()
	}
	return got
}

// walkFindings gives each entry that a walk sees a wanted mode.
func walkFindings(t *testing.T, c *remote.Client, root string, want func(kind policy.Kind, path string) policy.Mode) []audit.Finding {
	t.Helper()
	var found []audit.Finding
	err := c.Walk(t.Context(), root, remote.Visitor{
		Entry: func(parent *remote.Dir, e *remote.Entry) bool {
			p := string(e.Name)
			if parent != nil && parent.Path != "." {
				p = parent.Path + "/" + p
			}
			n := node{kind: audit.KindOf(&e.Attr), mode: policy.Mode(e.Attr.Perm()), uid: e.Attr.UID, gid: e.Attr.GID}
			f := finding(p, n, want(n.kind, p))
			f.Attr = e.Attr
			found = append(found, f)
			return true
		},
		Gap: func(string, error) {},
	}, remote.WalkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// fixAndUndo repairs what is below root in rounds, as --fix does, with the
// faults that meddle sets up, and undoes it over a new connection. It gives how
// many changes were applied.
func fixAndUndo(t *testing.T, dial func() *remote.Client, root string, paths []string, want func(policy.Kind, string) policy.Mode, meddle func(on bool)) int {
	t.Helper()
	s := openTestState(t)
	before := modes(t, paths)
	h := testHeader()
	h.Root = root
	j, err := s.Create(h)
	if err != nil {
		t.Fatal(err)
	}
	c := dial()
	applied := 0
	for range 4 {
		list, _ := NewPlan(walkFindings(t, c, root, want)).Select(all())
		meddle(true)
		counts, err := Apply(t.Context(), c, j, list, ignoreChange)
		applied += counts[audit.Applied]
		if err != nil {
			t.Logf("apply ended early: %v", err)
			if !errors.Is(err, remote.ErrDisconnected) && !errors.Is(err, ErrServerIgnores) {
				t.Errorf("apply: %v", err)
			}
			break
		}
	}
	meddle(false)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	jf, err := s.Newest()
	if err != nil {
		t.Fatal(err)
	}
	counts, err := Undo(t.Context(), dial(), jf, func(c audit.Change) {
		if c.Status == audit.Failed || c.Status == audit.Refused {
			t.Errorf("undo of %q: %s, %s", c.Path, c.Status, c.Detail)
		}
	})
	if err != nil {
		t.Fatalf("undo: %v, %v", counts, err)
	}
	after := modes(t, paths)
	for _, p := range paths {
		if after[p] != before[p] {
			t.Errorf("%q was %v, and is %v after undo", p, before[p], after[p])
		}
	}
	if jf, err := s.OpenJournal(jf.Name); err != nil || jf.Pending != 0 {
		t.Errorf("%d are still pending, %v", jf.Pending, err)
	}
	return applied
}

// TestClientIsChanger runs the whole over the embedded server, cut at random
// bytes, with modes masked, and undisturbed.
func TestClientIsChanger(t *testing.T) {
	faults := map[string]func(rng *rand.Rand) remotetest.Fault{
		"cut":      func(rng *rand.Rand) remotetest.Fault { return remotetest.CutAfterBytes(rng.IntN(20000)) },
		"masked":   func(*rand.Rand) remotetest.Fault { return remotetest.MaskChmod(0o777) },
		"harmless": func(*rand.Rand) remotetest.Fault { return remotetest.Deny("nothing") },
	}
	for name, fault := range faults {
		for seed := range uint64(6) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				t.Parallel() // after a cut, undo waits for what may still come
				rng := rand.New(rand.NewPCG(seed, 9))
				root := filepath.Join(t.TempDir(), "www")
				if err := os.Mkdir(root, 0o755); err != nil {
					t.Fatal(err)
				}
				paths := randomSite(t, rng, root, 120)
				setModes(t, rng, paths, 0o700)
				srv, dial := embedded(t, root)
				want := func(kind policy.Kind, _ string) policy.Mode {
					if kind == policy.KindDir {
						return randomMode(rng) | 0o700
					}
					return randomMode(rng)
				}
				applied := fixAndUndo(t, dial, root, paths, want, func(on bool) {
					srv.SetFaults()
					if on {
						srv.SetFaults(fault(rng))
					}
				})
				if applied == 0 && name != "cut" {
					t.Error("nothing was applied")
				}
			})
		}
	}
}

// embedded serves dir with lsetstat@openssh.com, and connects to it.
func embedded(t *testing.T, dir string) (*remotetest.Server, func() *remote.Client) {
	t.Helper()
	srv, err := remotetest.Start(remotetest.Config{Dir: dir, User: "web", Password: "secret", LSetstat: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	return srv, func() *remote.Client {
		t.Helper()
		o := remote.Options{Port: srv.Port(), ConfigFile: "none", HostKey: srv.Fingerprint(), Password: "secret"}
		return connect(t, remote.Target{User: "web", Host: srv.Host()}, o)
	}
}

func connect(t *testing.T, target remote.Target, o remote.Options) *remote.Client {
	t.Helper()
	c, err := remote.Dial(t.Context(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestServerIgnoresChmod: a real client tells an ignored change as this package
// understands it.
func TestServerIgnoresChmod(t *testing.T) {
	root := filepath.Join(t.TempDir(), "www")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if err := os.WriteFile(filepath.Join(root, fmt.Sprint("f", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	srv, dial := embedded(t, root)
	srv.SetFaults(remotetest.IgnoreChmod())
	h := testHeader()
	h.Root = root
	j, err := openTestState(t).Create(h)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	c := dial()
	found := walkFindings(t, c, root, func(policy.Kind, string) policy.Mode { return 0o640 })
	counts, err := Apply(context.Background(), c, j, steps(found...), ignoreChange)
	if !errors.Is(err, ErrServerIgnores) || counts[audit.Applied] != 0 || counts[audit.Refused] < 100 {
		t.Errorf("%v, %v", counts, err)
	}
}

// TestRealServers runs the whole against real servers as an unprivileged
// account, on trees of any twelve bits: directories that lock their owner out
// are opened on the way, where the server can, and are closed again by undo.
func TestRealServers(t *testing.T) {
	servers := map[string]func(testing.TB, realserver.Options) *realserver.Server{
		"OpenSSH": realserver.OpenSSH,
		"ProFTPD": realserver.ProFTPD,
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			srv := start(t, realserver.Options{})
			rng := rand.New(rand.NewPCG(4, 9))
			root := filepath.Join(srv.HomeDir, "www")
			if err := os.Mkdir(root, 0o755); err != nil {
				t.Fatal(err)
			}
			paths := randomSite(t, rng, root, 800)
			srv.Chown(t, root)
			keep := policy.Mode(0)
			if os.Geteuid() != 0 || name == "ProFTPD" {
				// Without root the test could not read the modes back; ProFTPD
				// has no safe way to change a directory's.
				keep = 0o700
			}
			setModes(t, rng, paths, keep)
			dial := func() *remote.Client {
				o := remote.Options{Port: srv.Port, ConfigFile: "none", KnownHosts: []string{srv.KnownHosts}, Identities: []string{srv.KeyFile}}
				return connect(t, remote.Target{User: srv.User, Host: srv.Host}, o)
			}
			want := func(kind policy.Kind, _ string) policy.Mode {
				if kind == policy.KindDir {
					return 0o755
				}
				return 0o644
			}
			applied := fixAndUndo(t, dial, root, paths, want, func(bool) {})
			t.Logf("%d changes applied and undone", applied)
			if applied < 100 {
				t.Error("that is too few to show anything")
			}
		})
	}
}
