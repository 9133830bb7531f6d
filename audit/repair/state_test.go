package repair

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
)

func openTestState(t *testing.T) *State {
	t.Helper()
	s, err := OpenState(filepath.Join(t.TempDir(), "a", "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fixed makes a journal of a repair of tr on disk, with every want applied.
func fixed(t *testing.T, s *State, tr tree, want map[string]policy.Mode) *Journal {
	t.Helper()
	j, err := s.Create(testHeader())
	if err != nil {
		t.Fatal(err)
	}
	var found []audit.Finding
	for p, m := range want {
		found = append(found, finding(p, tr[p], m))
	}
	srv := newServer(t, tr, &life{end: -1}, 1)
	if _, err := Apply(t.Context(), srv, j, steps(found...), ignoreChange); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return j
}

// TestJournalOnDisk is the whole way with real files: the line is in the file
// when the change is sent, and the file is nobody else's.
func TestJournalOnDisk(t *testing.T) {
	s := openTestState(t)
	tr := tree{".": aDir(0o755), "x": aFile(0o6666), "y": aFile(0o600)}
	original := tr.clone()
	j, err := s.Create(testHeader())
	if err != nil {
		t.Fatal(err)
	}
	srv := newServer(t, tr, &life{end: -1}, 1)
	srv.dirty = func(reqs []remote.ChangeRequest) {
		raw, err := os.ReadFile(j.Path())
		if err != nil || strings.Count(string(raw), `"intent"`) != len(reqs) {
			t.Errorf("%d changes are sent with this on disk: %s, %v", len(reqs), raw, err)
		}
	}
	planned := steps(finding("x", tr["x"], 0o644), finding("y", tr["y"], 0o644))
	if _, err := Apply(t.Context(), srv, j, planned, ignoreChange); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		for name, want := range map[string]fs.FileMode{".": 0o700, "journals": 0o700, "locks": 0o700, filepath.Join("journals", filepath.Base(j.Path())): 0o600} {
			if info, err := os.Stat(filepath.Join(s.Dir(), name)); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v, want %o", name, info.Mode(), err, want)
			}
		}
	}

	jf, err := s.Newest()
	if err != nil || jf.Pending != 2 || jf.Steps != 2 || jf.Interrupted || jf.Undone || jf.Header.Root != "/srv/www" {
		t.Fatalf("%+v, %v", jf, err)
	}
	want := []audit.Change{{Path: "y", From: 0o644, To: 0o600, Status: audit.Planned}, {Path: "x", From: 0o644, To: 0o6666, Status: audit.Planned}}
	if got := PlanUndo(jf); !slices.Equal(got, want) {
		t.Errorf("planned %v, want %v", got, want)
	}
	srv.dirty = nil
	if counts, err := Undo(t.Context(), srv, jf, ignoreChange); err != nil || counts[audit.Applied] != 2 {
		t.Fatalf("%v, %v", counts, err)
	}
	if d := diff(tr, original); d != "" {
		t.Error(d)
	}
	if _, err := s.Newest(); !errors.Is(err, ErrNothingToUndo) {
		t.Errorf("after undo: %v", err)
	}
	infos, err := s.Journals()
	if err != nil || len(infos) != 1 || !infos[0].Undone || infos[0].Pending != 0 || infos[0].Err != nil {
		t.Errorf("%+v, %v", infos, err)
	}
	// jf is as it was when it was opened, but what counts is the file.
	if counts, err := Undo(t.Context(), srv, jf, ignoreChange); err != nil || len(counts) != 0 {
		t.Errorf("again: %v, %v", counts, err)
	}
}

// TestUndoAfterTornLine: what a killed run left behind its last line doesn't run
// into the first line of the undo.
func TestUndoAfterTornLine(t *testing.T) {
	for _, tail := range []string{`{"type":"inte`, "\x00\x00\x00", "{{{\n"} {
		s := openTestState(t)
		tr := tree{".": aDir(0o755), "x": aFile(0o666)}
		j := fixed(t, s, tr, map[string]policy.Mode{"x": 0o644})
		raw, _ := os.ReadFile(j.Path())
		if err := os.WriteFile(j.Path(), append(raw, tail...), 0o600); err != nil {
			t.Fatal(err)
		}
		jf, err := s.Newest()
		if err != nil {
			t.Fatal(err)
		}
		counts, err := Undo(t.Context(), newServer(t, tr, &life{end: -1}, 1), jf, ignoreChange)
		if err != nil || counts[audit.Applied] != 1 {
			t.Fatalf("%q: %v, %v", tail, counts, err)
		}
		if again, err := s.OpenJournal(jf.Name); err != nil || again.Pending != 0 {
			t.Errorf("%q: %+v, %v", tail, again, err)
		}
	}
}

func TestUndoRefusesDamage(t *testing.T) {
	s := openTestState(t)
	tr := tree{".": aDir(0o755), "x": aFile(0o666)}
	old := fixed(t, s, tr, map[string]policy.Mode{"x": 0o644})
	j := fixed(t, s, tr, map[string]policy.Mode{"x": 0o600})
	jf, err := s.Newest()
	if err != nil || filepath.Base(j.Path()) != jf.Name {
		t.Fatal(jf, err)
	}
	raw, _ := os.ReadFile(j.Path())
	bad := strings.Replace(string(raw), `"kind":"file"`, `"kind":"f`, 1)
	if err := os.WriteFile(j.Path(), []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Newest(); !errors.Is(err, ErrJournalCorrupt) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("newest: %v", err)
	}
	srv := newServer(t, tr, &life{end: -1}, 1)
	if counts, err := Undo(t.Context(), srv, jf, ignoreChange); !errors.Is(err, ErrJournalCorrupt) || len(counts) != 0 || srv.looked != 0 {
		t.Errorf("undo: %v, %v", counts, err)
	}
	if after, _ := os.ReadFile(j.Path()); string(after) != bad {
		t.Error("the damaged journal was written to")
	}
	infos, err := s.Journals()
	if err != nil || len(infos) != 2 || infos[0].Err == nil || infos[1].Name != filepath.Base(old.Path()) || infos[1].Pending != 1 {
		t.Errorf("%+v, %v", infos, err)
	}
}

func TestOpenJournal(t *testing.T) {
	s := openTestState(t)
	j := fixed(t, s, tree{".": aDir(0o755), "x": aFile(0o666)}, map[string]policy.Mode{"x": 0o644})
	base := filepath.Base(j.Path())
	for _, name := range []string{base, strings.TrimSuffix(base, ".jsonl"), j.Path()} {
		if jf, err := s.OpenJournal(name); err != nil || jf.Pending != 1 {
			t.Errorf("%q: %+v, %v", name, jf, err)
		}
	}
	if _, err := s.OpenJournal("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if _, err := s.OpenJournal(s.Dir()); !errors.Is(err, ErrStateUnsafe) {
		t.Errorf("a directory: %v", err)
	}
	if err := os.Chmod(j.Path(), 0o620); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenJournal(base); !errors.Is(err, ErrStateUnsafe) {
		t.Errorf("writable by the group: %v", err)
	}
}

// TestNamesFollowCreation: the newest journal is the one created last, also when
// the clock was put back.
func TestNamesFollowCreation(t *testing.T) {
	s := openTestState(t)
	var made []string
	for _, hours := range []time.Duration{0, 0, -5, 3, -100, 3} {
		h := testHeader()
		h.Started = h.Started.Add(hours * time.Hour)
		j, err := s.Create(h)
		if err != nil {
			t.Fatal(err)
		}
		made = append([]string{filepath.Base(j.Path())}, made...)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := s.names(); err != nil || !slices.Equal(names, made) {
		t.Errorf("%q, %v, want %q", names, err, made)
	}
	if want := "20260102T030405.000000Z-deploy@shop.example.com-"; !strings.HasPrefix(made[5], want) {
		t.Errorf("%q, want %q...", made[5], want)
	}
}

func TestSlug(t *testing.T) {
	for target, want := range map[string]string{
		"deploy@shop.example.com:/srv/www": "deploy@shop.example.com--srv-www",
		"../../etc\x00\n$(x)":              "etc----x",
		"ü":                                "",
		strings.Repeat("a", 99):            strings.Repeat("a", 40),
	} {
		if got := slug(target); got != want {
			t.Errorf("slug(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestStateUnsafe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows' access lists are not looked at")
	}
	cases := map[string]func(dir string) error{
		"group may write":     func(dir string) error { return os.Chmod(dir, 0o770) },
		"others may write":    func(dir string) error { return os.Chmod(dir, 0o1707) },
		"journals open":       func(dir string) error { return os.Chmod(filepath.Join(dir, "journals"), 0o777) },
		"locks open":          func(dir string) error { return os.Chmod(filepath.Join(dir, "locks"), 0o720) },
		"journals are a link": func(dir string) error { return relink(filepath.Join(dir, "journals"), "locks") },
		"journals lead out":   func(dir string) error { return relink(filepath.Join(dir, "journals"), t.TempDir()) },
		"journals are a file": func(dir string) error { return refile(filepath.Join(dir, "journals")) },
		"belongs to a stranger": func(dir string) error {
			if os.Geteuid() != 0 {
				return os.Chmod(dir, 0o777)
			}
			return os.Chown(dir, stranger, -1)
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			s, err := OpenState(dir)
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			s, err = OpenState(dir)
			if !errors.Is(err, ErrStateUnsafe) || remote.Hint(err) == "" {
				t.Errorf("error %v", err)
			}
			if err == nil {
				s.Close()
			}
		})
	}
}

func relink(name, to string) error {
	if err := os.Remove(name); err != nil {
		return err
	}
	return os.Symlink(to, name)
}

func refile(name string) error {
	if err := os.Remove(name); err != nil {
		return err
	}
	return os.WriteFile(name, nil, 0o600)
}

// TestCreateFails: without a journal there is nothing to apply to.
func TestCreateFails(t *testing.T) {
	s := openTestState(t)
	if err := os.RemoveAll(filepath.Join(s.Dir(), "journals")); err != nil {
		t.Fatal(err)
	}
	if j, err := s.Create(testHeader()); !errors.Is(err, ErrJournal) || j != nil {
		t.Errorf("%v, %v", j, err)
	}
}

func TestDefaultStateDir(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the XDG directories are not those of " + runtime.GOOS)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	for xdg, want := range map[string]string{
		"":         filepath.Join(home, ".local/state/hostperm"),
		"relative": filepath.Join(home, ".local/state/hostperm"),
		"/xdg":     "/xdg/hostperm",
	} {
		t.Setenv("XDG_STATE_HOME", xdg)
		if got, err := DefaultStateDir(); err != nil || got != want {
			t.Errorf("with %q: %q, %v, want %q", xdg, got, err, want)
		}
	}
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", "")
	if _, err := DefaultStateDir(); remote.Hint(err) == "" {
		t.Errorf("without a home: %v", err)
	}
}
