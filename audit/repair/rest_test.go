package repair

import (
	"context"
	"errors"
	"strings"
	"testing"

	"hostperm/audit"
	"hostperm/remote"
)

// TestUndoWaitsForLateChanges: what was on its way when the run was cut is made
// while the undo is already looking.
func TestUndoWaitsForLateChanges(t *testing.T) {
	tr := tree{".": aDir(0o755), "made": aFile(0o666), "late": aFile(0o666), "later": aFile(0o666), "never": aFile(0o666)}
	original := tr.clone()
	r := newRun(t, tr)
	r.s.before = func(p string) *remote.ChangeResult {
		if p == "made" {
			return nil
		}
		return &remote.ChangeResult{Outcome: remote.ChangeUnknown, Err: remote.ErrDisconnected}
	}
	var found []audit.Finding
	for p, n := range tr {
		if p != "." {
			found = append(found, finding(p, n, 0o640))
		}
	}
	if _, err := r.apply(t.Context(), steps(found...)); err != nil {
		t.Fatal(err)
	}
	r.s.before = nil
	late := []string{"late", "later"}
	waits := 0
	wait := func(context.Context) error {
		waits++
		if len(late) > 0 {
			n := tr[late[0]]
			n.mode = 0o640
			tr[late[0]], late = n, late[1:]
		}
		return nil
	}
	counts, err := undo(t.Context(), r.s, r.record(t), r.f, wait, ignoreChange)
	if err != nil || counts[audit.Applied] != 3 || counts[audit.Unchanged] != 1 || waits != 3 {
		t.Errorf("%v, %v, %d waits", counts, err, waits)
	}
	if d := diff(tr, original); d != "" {
		t.Error(d)
	}
}

func TestInDoubt(t *testing.T) {
	done, undo := `{"type":"done","id":1,"status":"applied"}`+"\n", `{"type":"undo","id":1}`+"\n"
	undone := func(status string) string { return `{"type":"undone","id":1,"status":"` + status + `"}` + "\n" }
	for tail, want := range map[string]bool{
		"":   true,
		done: false,
		`{"type":"done","id":1,"status":"unknown"}` + "\n": true,
		`{"type":"done","id":1,"status":"failed"}` + "\n":  false,
		done + undo:                                         true,
		done + undo + undone("failed"):                      false,
		done + undo + undone("unknown"):                     true,
		done + undo + undone("unknown") + undone("refused"): false,
		done + undo + undone("failed") + undo:               true,
	} {
		rec, err := parseJournal(strings.NewReader(beginText + intentText + tail))
		if err != nil {
			t.Fatal(err)
		}
		if got := rec.intents[0].inDoubt(); got != want {
			t.Errorf("after %q in doubt is %t", tail, got)
		}
	}
}

// TestUndoWaitsInReason: no wait where nothing is in doubt, nor where all that
// is in doubt is seen to be made, and an end to it where nothing comes to rest.
func TestUndoWaitsInReason(t *testing.T) {
	for name, c := range map[string]struct {
		outcome remote.ChangeOutcome
		late    bool
		waits   int
	}{
		"nothing in doubt": {remote.ChangeApplied, false, 0},
		"made":             {remote.ChangeUnknown, false, 0},
		"restless":         {remote.ChangeUnknown, true, restLooks},
	} {
		t.Run(name, func(t *testing.T) {
			tr := tree{".": aDir(0o755), "x": aFile(0o666)}
			r := newRun(t, tr)
			now := aFile(0o640)
			r.s.before = func(string) *remote.ChangeResult {
				return &remote.ChangeResult{Outcome: c.outcome, Now: now.attr(), Err: remote.ErrDisconnected}
			}
			if _, err := r.apply(t.Context(), steps(finding("x", tr["x"], 0o640))); err != nil {
				t.Fatal(err)
			}
			r.s.before = nil
			if !c.late {
				tr["x"] = now
			}
			waits := 0
			_, err := undo(t.Context(), r.s, r.record(t), r.f, func(context.Context) error {
				waits++
				n := tr["x"]
				n.mode ^= 1
				tr["x"] = n
				return nil
			}, ignoreChange)
			if err != nil || waits != c.waits {
				t.Errorf("%d waits, want %d; %v", waits, c.waits, err)
			}
		})
	}
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := rest(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
