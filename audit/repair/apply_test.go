package repair

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
)

// run is a repair in memory.
type run struct {
	s       *fakeServer
	f       *memFile
	j       *Journal
	changes []audit.Change
}

func newRun(t *testing.T, tr tree) *run {
	l := &life{end: -1}
	r := &run{f: newMemFile(nil, l)}
	r.s = newServer(t, tr, l, 1)
	r.s.journal = r.f
	var err error
	if r.j, err = newJournal(r.f, testHeader()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *run) apply(ctx context.Context, planned []PlannedStep) (Counts, error) {
	return Apply(ctx, r.s, r.j, planned, func(c audit.Change) { r.changes = append(r.changes, c) })
}

// record is what the journal says by now.
func (r *run) record(t *testing.T) *record {
	t.Helper()
	rec, err := parseJournal(strings.NewReader(string(r.f.content)))
	if err != nil {
		t.Fatalf("%v\n%s", err, r.f.content)
	}
	return rec
}

func (r *run) undo(t *testing.T) (map[string]audit.Change, Counts, error) {
	t.Helper()
	got := make(map[string]audit.Change)
	counts, err := undo(context.Background(), r.s, r.record(t), r.f, noRest, func(c audit.Change) { got[c.Path] = c })
	return got, counts, err
}

// wide is a tree with n files of mode 0666, and its findings.
func wide(n int) (tree, []audit.Finding) {
	t := tree{".": aDir(0o755)}
	var found []audit.Finding
	for i := range n {
		p := fmt.Sprintf("f%05d", i)
		t[p] = aFile(0o666)
		found = append(found, finding(p, t[p], 0o644))
	}
	return t, found
}

func TestApplyStatuses(t *testing.T) {
	stray := aFile(0o666)
	stray.uid = stranger
	tr := tree{".": aDir(0o755), "ok": aFile(0o666), "other's $(x)": stray, "moved": aFile(0o666), "done": aFile(0o666), "lost": aFile(0o666), "lied": aFile(0o666), "no": aFile(0o666)}
	want := map[string]audit.Change{
		"ok":           {Status: audit.Applied},
		"other's $(x)": {Status: audit.Failed, Detail: `owned by uid 33, not by this account (the web root belongs to uid 1000): ask the host to run: chmod 0644 '/srv/www/other'\''s $(x)'`},
		"moved":        {Status: audit.Refused, Detail: "it is not the entry that was audited"},
		"done":         {Status: audit.Unchanged, Detail: "it has this mode already"},
		"lost":         {Status: audit.Failed, Detail: "it may or may not have been changed (undo looks again): connection lost"},
		"lied":         {Status: audit.Failed, Detail: "the server said it was done, but the mode is not 0644"},
		"no":           {Status: audit.Failed, Detail: "permission denied (it is owned by uid 1000): ask the host to run: chmod 0644 /srv/www/no"},
	}
	var found []audit.Finding
	for p := range want {
		found = append(found, finding(p, tr[p], 0o644))
	}
	r := newRun(t, tr)
	moved, done := aFile(0o600), aFile(0o644)
	tr["moved"], tr["done"] = moved, done
	r.s.before = func(p string) *remote.ChangeResult {
		switch p {
		case "lost":
			return &remote.ChangeResult{Outcome: remote.ChangeUnknown, Err: remote.ErrDisconnected}
		case "lied":
			return &remote.ChangeResult{Outcome: remote.ChangeApplied, Now: aFile(0o666).attr()}
		case "no":
			return &remote.ChangeResult{Outcome: remote.ChangeFailed, Now: aFile(0o666).attr(), Err: remote.ErrPermission}
		}
		return nil
	}
	counts, err := r.apply(t.Context(), steps(found...))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.changes {
		w := want[c.Path]
		w.Path, w.From, w.To = c.Path, 0o666, 0o644
		if c != w {
			t.Errorf("%+v, want %+v", c, w)
		}
	}
	if wantCounts := (Counts{audit.Applied: 1, audit.Failed: 4, audit.Refused: 1, audit.Unchanged: 1}); !maps.Equal(counts, wantCounts) || len(r.changes) != len(want) {
		t.Errorf("%v and %d changes, want %v", counts, len(r.changes), wantCounts)
	}
	pending := map[string]bool{}
	for _, p := range r.record(t).toUndo() {
		pending[p.path] = true
	}
	// "other's" was denied with the mode seen unchanged, so there is nothing to undo.
	if !maps.Equal(pending, map[string]bool{"ok": true, "lost": true}) {
		t.Errorf("pending are %v", pending)
	}
}

// TestApplyAdmits: steps that no plan gives are refused before anything is sent.
func TestApplyAdmits(t *testing.T) {
	tr, found := wide(1)
	good := steps(found...)[0]
	secret, fifo := good, good
	secret.Path = ".ssh/authorized_keys"
	fifo.Path, fifo.Kind = "pipe", policy.KindFIFO
	up := good
	up.Path = "../f"
	r := newRun(t, tr)
	counts, err := r.apply(t.Context(), []PlannedStep{good, secret, good, fifo, up})
	if err != nil || !maps.Equal(counts, Counts{audit.Applied: 1, audit.Refused: 4}) || len(r.s.order) != 1 {
		t.Errorf("%v, %v, changed %q", counts, err, r.s.order)
	}

	r = newRun(t, tree{})
	r.j.header.Root = "/home/deploy/.ssh"
	if counts, _ := r.apply(t.Context(), []PlannedStep{good}); counts[audit.Refused] != 1 {
		t.Errorf("in .ssh: %v", counts)
	}
}

func TestApplyBatches(t *testing.T) {
	tr, found := wide(2000)
	r := newRun(t, tr)
	for _, part := range [][]audit.Finding{found[:1500], found[1500:]} { // on one journal
		if _, err := r.apply(t.Context(), steps(part...)); err != nil {
			t.Fatal(err)
		}
	}
	if want := []int{64, 1436, 64, 436}; !slices.Equal(r.s.batch, want) {
		t.Errorf("batches of %v, want %v", r.s.batch, want)
	}
	rec := r.record(t)
	for i := range rec.intents {
		if in := &rec.intents[i]; in.status != outApplied || in.path != found[i].Path {
			t.Errorf("intent %d, for %q, is %q", i+1, in.path, in.status)
		}
	}
	if len(rec.intents) != 2000 {
		t.Errorf("%d intents", len(rec.intents))
	}
}

func TestServerIgnores(t *testing.T) {
	for _, n := range []int{1, 7, 500} {
		tr, found := wide(n)
		r := newRun(t, tr)
		r.s.ignore = true
		counts, err := r.apply(t.Context(), steps(found...))
		sent := min(n, firstBatch)
		if !errors.Is(err, ErrServerIgnores) || remote.Hint(err) == "" || counts[audit.Failed] != sent || counts[audit.Refused] != n-sent {
			t.Errorf("of %d: %v, %v", n, counts, err)
		}
		if len(r.changes) != n {
			t.Errorf("%d of %d changes are told", len(r.changes), n)
		}
	}
	t.Run("not if one was made", func(t *testing.T) {
		tr, found := wide(500)
		r := newRun(t, tr)
		r.s.before = func(p string) *remote.ChangeResult {
			if p == "f00003" {
				return nil
			}
			return &remote.ChangeResult{Outcome: remote.ChangeFailed, Now: aFile(0o666).attr(), Err: errors.New("failure")}
		}
		if counts, err := r.apply(t.Context(), steps(found...)); err != nil || counts[audit.Failed] != 499 {
			t.Errorf("%v, %v", counts, err)
		}
	})
	t.Run("not for want of permission", func(t *testing.T) {
		tr, found := wide(500)
		r := newRun(t, tr)
		r.s.before = func(string) *remote.ChangeResult {
			return &remote.ChangeResult{Outcome: remote.ChangeFailed, Now: aFile(0o666).attr(), Err: remote.ErrPermission}
		}
		if counts, err := r.apply(t.Context(), steps(found...)); err != nil || counts[audit.Failed] != 500 {
			t.Errorf("%v, %v", counts, err)
		}
	})
}

// TestApplyEndsEarly: whatever ends a run, every step is told of once, and undo
// restores what was changed.
func TestApplyEndsEarly(t *testing.T) {
	for name, end := range map[string]error{"interrupted": context.Canceled, "cut": remote.ErrDisconnected} {
		t.Run(name, func(t *testing.T) {
			tr, found := wide(300)
			original := tr.clone()
			r := newRun(t, tr)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r.s.after = func(n int) error {
				if n < 100 {
					return nil
				}
				if end == context.Canceled {
					cancel()
				}
				return end
			}
			counts, err := r.apply(ctx, steps(found...))
			if !errors.Is(err, end) || counts[audit.Applied] != 100 || counts[audit.Refused] != 200 || len(r.changes) != 300 {
				t.Errorf("%v, %v", counts, err)
			}
			if err := r.j.Close(); err != nil || r.record(t).ended {
				t.Errorf("close: %v; the journal must not say that the run came to its end", err)
			}
			r.s.after = nil
			if _, counts, err := r.undo(t); err != nil || counts[audit.Applied] != 100 {
				t.Errorf("undo: %v, %v", counts, err)
			}
			if d := diff(r.s.tree, original); d != "" {
				t.Error(d)
			}
		})
	}
}

// mute is a Changer that forgets answers.
type mute struct{ *fakeServer }

func (m mute) Change(ctx context.Context, root string, reqs []remote.ChangeRequest, each func(int, remote.ChangeResult)) error {
	return m.fakeServer.Change(ctx, root, reqs, func(i int, r remote.ChangeResult) {
		each(len(reqs), r)
		if i%2 == 0 {
			each(i, r)
			each(i, r)
		}
	})
}

func TestChangerOwesAnAnswer(t *testing.T) {
	tr, found := wide(10)
	r := newRun(t, tr)
	counts, err := Apply(t.Context(), mute{r.s}, r.j, steps(found...), ignoreChange)
	if err != nil || !maps.Equal(counts, Counts{audit.Applied: 5, audit.Failed: 5}) {
		t.Errorf("%v, %v", counts, err)
	}
	if n := len(r.record(t).toUndo()); n != 10 {
		t.Errorf("%d are pending: what had no answer may have been changed", n)
	}
}

// TestDiskFull lets the disk fill up at every byte of a run's journal, and fail
// at its syncs: nothing is changed without its line (the fake server sees to
// that), the error says so, and undo restores what was changed.
func TestDiskFull(t *testing.T) {
	build := func() (tree, []audit.Finding) {
		tr := tree{".": aDir(0o777), "a": aDir(0o777), "a/b": aFile(0o4666), "c": aFile(0o666)}
		var found []audit.Finding
		for p, n := range tr {
			found = append(found, finding(p, n, n.mode&0o7755))
		}
		return tr, found
	}
	tr, found := build()
	whole := newRun(t, tr)
	if _, err := whole.apply(t.Context(), steps(found...)); err != nil {
		t.Fatal(err)
	}
	for room := range len(whole.f.content) {
		tr, found := build()
		original := tr.clone()
		l := &life{end: -1}
		f := newMemFile(nil, l)
		f.room = room
		s := newServer(t, tr, l, 1)
		s.journal = f
		j, err := newJournal(f, testHeader())
		told := 0
		if err == nil {
			_, err = Apply(t.Context(), s, j, steps(found...), func(audit.Change) { told++ })
			if told != len(found) {
				t.Errorf("room %d: %d of %d steps are told of", room, told, len(found))
			}
		}
		if !errors.Is(err, ErrJournal) || remote.Hint(err) == "" {
			t.Fatalf("room %d: %v", room, err)
		}
		f.room = -1
		checkUndo(t, crashRun{original: original}, tr, f.content, fmt.Sprint("room ", room))
	}
}

func TestSyncFails(t *testing.T) {
	tr, found := wide(3)
	r := newRun(t, tr)
	r.f.badSync = true
	counts, err := r.apply(t.Context(), steps(found...))
	if !errors.Is(err, ErrJournal) || counts[audit.Refused] != 3 || len(r.s.order) != 0 {
		t.Errorf("%v, %v, changed %q", counts, err, r.s.order)
	}
	r.f.badSync = false
	if counts, err := r.apply(t.Context(), steps(found...)); !errors.Is(err, ErrJournal) || len(r.s.order) != 0 {
		t.Errorf("a journal that failed once is used again: %v, %v", counts, err)
	}
}

// TestApplyLooksAhead: what a look finds changed before the trial is over is
// told, and has no line: undo would take it for what the run did.
func TestApplyLooksAhead(t *testing.T) {
	tr, found := wide(100)
	r := newRun(t, tr)
	late := hasty{r.s, map[int]remote.ChangeResult{
		70: {Outcome: remote.ChangeRefused, Now: aFile(0o644).attr(), Err: errors.New("its mode was 0666")},
		80: {Outcome: remote.ChangeRefused, Err: remote.ErrNotExist},
	}}
	counts, err := Apply(t.Context(), late, r.j, steps(found...), ignoreChange)
	if err != nil || !maps.Equal(counts, Counts{audit.Applied: 98, audit.Unchanged: 1, audit.Refused: 1}) {
		t.Errorf("%v, %v", counts, err)
	}
	rec := r.record(t)
	if len(rec.intents) != 98 || len(rec.toUndo()) != 98 {
		t.Errorf("%d intents, %d of them to be undone", len(rec.intents), len(rec.toUndo()))
	}
}

// hasty is a Changer that answers some requests before all others.
type hasty struct {
	*fakeServer
	early map[int]remote.ChangeResult
}

func (h hasty) Change(ctx context.Context, root string, reqs []remote.ChangeRequest, each func(int, remote.ChangeResult)) error {
	var rest []remote.ChangeRequest
	var at []int
	for i, req := range reqs {
		if r, ok := h.early[i]; ok {
			each(i, r)
			continue
		}
		rest, at = append(rest, req), append(at, i)
	}
	return h.fakeServer.Change(ctx, root, rest, func(i int, r remote.ChangeResult) { each(at[i], r) })
}
