package repair

import (
	"context"
	"errors"
	"maps"
	"testing"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
)

// applied is a run in which everything in tr that want names was changed.
func applied(t *testing.T, tr tree, want map[string]policy.Mode) *run {
	t.Helper()
	var found []audit.Finding
	for p, m := range want {
		found = append(found, finding(p, tr[p], m))
	}
	r := newRun(t, tr)
	if _, err := r.apply(t.Context(), steps(found...)); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestUndoLeavesAlone: what is no longer as the run left it is not touched.
func TestUndoLeavesAlone(t *testing.T) {
	as := func(n node, change func(*node)) *node { change(&n); return &n }
	now := aFile(0o644)
	cases := map[string]struct {
		now    *node // nil: deleted
		status audit.Status
		detail string
	}{
		"as left":  {&now, audit.Applied, ""},
		"edited":   {as(now, func(n *node) { n.size, n.mtime = 1, 1 }), audit.Applied, ""},
		"restored": {as(now, func(n *node) { n.mode = 0o666 }), audit.Unchanged, "already as before"},
		"other":    {as(now, func(n *node) { n.mode = 0o600 }), audit.Unchanged, "changed since: now 0600, left alone"},
		"setuid":   {as(now, func(n *node) { n.mode = 0o4644 }), audit.Unchanged, "changed since: now 4644, left alone"},
		"symlink":  {as(now, func(n *node) { n.kind = policy.KindSymlink }), audit.Unchanged, "changed since: now a symlink of uid 1000, gid 1000, left alone"},
		"dir":      {as(now, func(n *node) { n.kind = policy.KindDir }), audit.Unchanged, "changed since: now a dir of uid 1000, gid 1000, left alone"},
		"owner":    {as(now, func(n *node) { n.uid = 0 }), audit.Unchanged, "changed since: now a file of uid 0, gid 1000, left alone"},
		"group":    {as(now, func(n *node) { n.gid = 0 }), audit.Unchanged, "changed since: now a file of uid 1000, gid 0, left alone"},
		"deleted":  {nil, audit.Unchanged, "gone since"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := applied(t, tree{".": aDir(0o755), "x": aFile(0o666)}, map[string]policy.Mode{"x": 0o644})
			delete(r.s.tree, "x")
			if c.now != nil {
				r.s.tree["x"] = *c.now
			}
			before := r.s.tree["x"]
			got, counts, err := r.undo(t)
			if err != nil || counts[c.status] != 1 || got["x"].Detail != c.detail || got["x"].To != 0o666 {
				t.Errorf("%+v, %v, %v", got["x"], counts, err)
			}
			if c.status == audit.Unchanged && r.s.tree["x"] != before {
				t.Errorf("%+v was touched", before)
			}
			if got, counts, err := r.undo(t); err != nil || len(got)+len(counts) != 0 {
				t.Errorf("a second undo does %v, %v", got, err)
			}
		})
	}
}

// TestUndoExpectsWhatItSaw: a change is asked for only on the entry as just seen.
func TestUndoExpectsWhatItSaw(t *testing.T) {
	r := applied(t, tree{".": aDir(0o755), "x": aFile(0o666)}, map[string]policy.Mode{"x": 0o644})
	r.s.dirty = func(reqs []remote.ChangeRequest) {
		n := r.s.tree["x"]
		n.mode = 0o600
		r.s.tree["x"] = n
	}
	got, counts, err := r.undo(t)
	if err != nil || counts[audit.Refused] != 1 || r.s.tree["x"].mode != 0o600 {
		t.Errorf("%v, %v, mode %s", got, err, r.s.tree["x"].mode)
	}
	if n := len(r.record(t).toUndo()); n != 1 {
		t.Error("what was refused is settled")
	}
}

// TestServerMasksBits: an entry that is neither as planned nor as it was, because
// the server dropped a bit, is still put back.
func TestServerMasksBits(t *testing.T) {
	tr := tree{".": aDir(0o755), "d": aDir(0o2777)}
	r := newRun(t, tr)
	r.s.drop = policy.Setgid
	counts, err := r.apply(t.Context(), steps(finding("d", tr["d"], 0o2755)))
	if err != nil || counts[audit.Failed] != 1 || tr["d"].mode != 0o755 {
		t.Fatalf("%v, %v, mode %s", counts, err, tr["d"].mode)
	}
	if _, counts, err := r.undo(t); err != nil || counts[audit.Failed] != 1 || tr["d"].mode != 0o777 {
		t.Fatalf("undo while the bit is masked: %v, %v, mode %s", counts, err, tr["d"].mode)
	}
	r.s.drop = 0
	if _, counts, err := r.undo(t); err != nil || counts[audit.Applied] != 1 || tr["d"].mode != 0o2777 {
		t.Errorf("undo: %v, %v, mode %s", counts, err, tr["d"].mode)
	}
}

// TestUndoHoldsBack: a directory is not made unreachable while something in it
// is still to be put back, nor an earlier change put back before a later one.
func TestUndoHoldsBack(t *testing.T) {
	tr := tree{".": aDir(0o755), "d": aDir(0o000), "d/e": aDir(0o777), "d/e/x": aFile(0o666), "other": aFile(0o666)}
	original := tr.clone()
	r := applied(t, tr, map[string]policy.Mode{"d": 0o755, "d/e": 0o755, "d/e/x": 0o644, "other": 0o644})
	if counts, err := r.apply(t.Context(), steps(finding("d/e/x", tr["d/e/x"], 0o640))); err != nil || counts[audit.Applied] != 1 {
		t.Fatal(counts, err)
	}
	r.s.before = func(p string) *remote.ChangeResult {
		if p == "d/e/x" {
			n := tr[p]
			return &remote.ChangeResult{Outcome: remote.ChangeFailed, Now: n.attr(), Err: errors.New("not now")}
		}
		return nil
	}
	_, counts, err := r.undo(t)
	if want := (Counts{audit.Applied: 2, audit.Failed: 1, audit.Refused: 2}); err != nil || !maps.Equal(counts, want) {
		t.Errorf("%v, %v, want %v", counts, err, want)
	}
	if tr["d"].mode != 0o755 || tr["d/e"].mode != 0o777 {
		t.Errorf("d is %s, d/e is %s", tr["d"].mode, tr["d/e"].mode)
	}
	r.s.before = nil
	if _, counts, err := r.undo(t); err != nil || counts[audit.Applied] != 3 {
		t.Errorf("second undo: %v, %v", counts, err)
	}
	if d := diff(tr, original); d != "" {
		t.Error(d)
	}
}

// TestUndoWithoutRoot: a root that is away for a moment doesn't settle anything.
func TestUndoWithoutRoot(t *testing.T) {
	r := applied(t, tree{".": aDir(0o755), "x": aFile(0o666)}, map[string]policy.Mode{"x": 0o644})
	root := r.s.tree["."]
	for name, away := range map[string]func(){
		"gone":      func() { delete(r.s.tree, ".") },
		"a symlink": func() { r.s.tree["."] = node{kind: policy.KindSymlink, mode: 0o777} },
	} {
		away()
		if _, counts, err := r.undo(t); err == nil || counts[audit.Refused] != 1 || len(r.record(t).toUndo()) != 1 {
			t.Errorf("%s: %v, %v", name, counts, err)
		}
	}
	r.s.tree["."] = root
	if _, counts, err := r.undo(t); err != nil || counts[audit.Applied] != 1 {
		t.Errorf("%v, %v", counts, err)
	}
}

// TestUndoLooksAgain: a look that fails is no reason to give up on an entry,
// unless it was out of reach all along.
func TestUndoLooksAgain(t *testing.T) {
	r := applied(t, tree{".": aDir(0o755), "x": aFile(0o666)}, map[string]policy.Mode{"x": 0o644})
	r.s.lost = map[string]bool{"x": true}
	if _, counts, err := r.undo(t); err != nil || counts[audit.Failed] != 1 {
		t.Errorf("%v, %v", counts, err)
	}
	r.s.lost = nil
	if _, counts, err := r.undo(t); err != nil || counts[audit.Applied] != 1 {
		t.Errorf("%v, %v", counts, err)
	}

	tr := tree{".": aDir(0o755), "d": aDir(0o600), "d/x": aFile(0o666)}
	r = newRun(t, tr)
	if counts, err := r.apply(t.Context(), steps(finding("d/x", tr["d/x"], 0o644))); err != nil || counts[audit.Failed] != 1 {
		t.Fatal(counts, err)
	}
	if got, counts, err := r.undo(t); err != nil || counts[audit.Unchanged] != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if n := len(r.record(t).toUndo()); n != 0 {
		t.Error("it is still pending")
	}
}

func TestUndoEndsEarly(t *testing.T) {
	tr, found := wide(300)
	original := tr.clone()
	r := newRun(t, tr)
	if _, err := r.apply(t.Context(), steps(found...)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r.s.after = func(n int) error {
		if n == 400 {
			cancel()
		}
		return nil
	}
	told := 0
	counts, err := undo(ctx, r.s, r.record(t), r.f, noRest, func(audit.Change) { told++ })
	if !errors.Is(err, context.Canceled) || counts[audit.Applied] != 100 || counts[audit.Refused] != 200 || told != 300 {
		t.Errorf("%v, %v", counts, err)
	}
	r.s.after = nil
	if _, counts, err := r.undo(t); err != nil || counts[audit.Applied] != 200 {
		t.Errorf("%v, %v", counts, err)
	}
	if d := diff(tr, original); d != "" {
		t.Error(d)
	}
}

func TestUndoIgnored(t *testing.T) {
	tr, found := wide(300)
	r := newRun(t, tr)
	if _, err := r.apply(t.Context(), steps(found...)); err != nil {
		t.Fatal(err)
	}
	r.s.ignore = true
	if _, counts, err := r.undo(t); !errors.Is(err, ErrServerIgnores) || counts[audit.Failed] != firstBatch {
		t.Errorf("%v, %v", counts, err)
	}
}

func TestUndoDiskFull(t *testing.T) {
	tr, found := wide(5)
	r := newRun(t, tr)
	if _, err := r.apply(t.Context(), steps(found...)); err != nil {
		t.Fatal(err)
	}
	changed := len(r.s.order)
	for _, room := range []int{0, 10, 100} {
		r.f.room = room
		rec := r.record(t)
		f := newMemFile(r.f.content[:rec.valid], r.s.life)
		f.room = room
		r.s.journal, r.s.read = f, 0
		counts, err := undo(t.Context(), r.s, rec, f, noRest, ignoreChange)
		if !errors.Is(err, ErrJournal) || counts[audit.Refused] != 5 || len(r.s.order) != changed {
			t.Errorf("room %d: %v, %v", room, counts, err)
		}
	}
}
