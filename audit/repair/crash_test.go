package repair

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"hostperm/audit"
	"hostperm/policy"
)

// randomTree builds a tree of up to n entries with modes of any twelve bits.
func randomTree(rng *rand.Rand, n int) tree {
	t := tree{".": {kind: policy.KindDir, mode: randomMode(rng) | 0o700, uid: account, gid: account}}
	dirs := []string{"."}
	for i := range n {
		name := fmt.Sprintf("%c%d", 'a'+rng.IntN(26), i)
		if rng.IntN(8) == 0 {
			name += "\xff\x1b[2J\u202e\n'"
		}
		if dir := dirs[rng.IntN(len(dirs))]; dir != "." {
			name = dir + "/" + name
		}
		e := node{kind: policy.KindFile, mode: randomMode(rng), uid: account, gid: uint32(rng.IntN(3)), size: rng.Uint64N(1e6), mtime: rng.Uint32()}
		if rng.IntN(2) == 0 {
			e.kind = policy.KindDir
			dirs = append(dirs, name)
		}
		if rng.IntN(8) == 0 {
			e.uid = stranger
		}
		t[name] = e
	}
	return t
}

// randomMode prefers modes that lock the owner out, since those make order matter.
func randomMode(rng *rand.Rand) policy.Mode {
	m := policy.Mode(rng.IntN(int(policy.AllBits) + 1))
	if rng.IntN(4) == 0 {
		m &^= 0o500
	}
	return m
}

// repairAll does what --fix does: audit, apply, and again for what became
// visible, each entry up to twice, until nothing new appears.
func repairAll(s *fakeServer, j *Journal, rng *rand.Rand) {
	rounds := make(map[string]int)
	choice := Choice{Tighten: rng.IntN(4) > 0, Loosen: rng.IntN(4) > 0, HTAccess: rng.IntN(2) == 0}
	for {
		var found []audit.Finding
		for _, p := range s.tree.visible() {
			want := randomMode(rng)
			if s.tree[p].kind == policy.KindDir && rng.IntN(2) == 0 {
				want |= 0o700
			}
			if rounds[p] < 2 {
				found = append(found, finding(p, s.tree[p], want))
			}
			rounds[p]++
		}
		list, _ := NewPlan(found).Select(choice)
		if len(list) == 0 {
			break
		}
		if _, err := Apply(context.Background(), s, j, list, ignoreChange); err != nil {
			s.t.Fatalf("apply: %v", err)
		}
	}
	if err := j.Close(); err != nil {
		s.t.Fatalf("close: %v", err)
	}
}

// crashRun is one repair of a random tree, killed at a point of its life.
type crashRun struct {
	original, left tree
	content        []byte
	synced         int
	dead           bool
	ticks          int
	changed        int
}

func runRepair(t *testing.T, seed uint64, end int) crashRun {
	rng := rand.New(rand.NewPCG(seed, 2))
	original := randomTree(rng, 4+rng.IntN(12))
	l := &life{end: end}
	f := newMemFile(nil, l)
	s := newServer(t, original.clone(), l, seed)
	s.journal = f
	dead := survive(func() {
		j, err := newJournal(f, testHeader())
		if err != nil {
			t.Fatal(err)
		}
		repairAll(s, j, rng)
	})
	return crashRun{original, s.tree, f.content, f.synced, dead, l.at, len(s.order)}
}

// runUndo undoes from a journal's content, killed at a point of its life. It
// gives what is in the journal afterwards, and how much of it is on disk.
func runUndo(t *testing.T, tr tree, content []byte, seed uint64, end int) (f *memFile, dead bool, ticks int) {
	t.Helper()
	rec, err := parseJournal(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("parse: %v\n%s", err, content)
	}
	l := &life{end: end}
	f = newMemFile(content[:rec.valid], l)
	s := newServer(t, tr, l, seed)
	s.journal = f
	dead = survive(func() {
		if _, err := undo(context.Background(), s, rec, f, noRest, ignoreChange); err != nil {
			t.Fatalf("undo: %v", err)
		}
	})
	return f, dead, l.at
}

// checkUndo undoes to the end and demands the tree as it was, and that a second
// undo finds nothing to do.
func checkUndo(t *testing.T, run crashRun, tr tree, content []byte, what string) {
	t.Helper()
	f, _, _ := runUndo(t, tr, content, 3, -1)
	if d := diff(tr, run.original); d != "" {
		t.Fatalf("%s: after undo:\n%s\njournal:\n%s", what, d, f.content)
	}
	rec, err := parseJournal(bytes.NewReader(f.content))
	if err != nil {
		t.Fatal(err)
	}
	if left := rec.toUndo(); len(left) != 0 {
		t.Fatalf("%s: after undo, %q is still pending\n%s", what, left[0].path, f.content)
	}
}

func TestUndoRestoresEveryBit(t *testing.T) {
	changed := 0
	for seed := range uint64(300) {
		run := runRepair(t, seed, -1)
		changed += run.changed
		checkUndo(t, run, run.left, run.content, fmt.Sprint("seed ", seed))
	}
	if changed < 1000 {
		t.Errorf("only %d changes were made: the test shows little", changed)
	}
}

// TestKillAnywhere kills the repair at every point between two steps, cuts the
// journal at every byte that a dying machine may have left, and undoes.
func TestKillAnywhere(t *testing.T) {
	kills, cuts := 0, 0
	for seed := range uint64(6) {
		ticks := runRepair(t, seed, -1).ticks
		for k := range ticks {
			run := runRepair(t, seed, k)
			if !run.dead {
				t.Fatalf("seed %d: not killed at %d of %d", seed, k, ticks)
			}
			kills++
			for n := run.synced; n <= len(run.content); n++ {
				checkUndo(t, run, run.left.clone(), run.content[:n], fmt.Sprintf("seed %d, killed at %d, %d bytes left", seed, k, n))
				cuts++
			}
		}
	}
	t.Logf("%d kills, %d journals", kills, cuts)
}

// TestKillUndoAnywhere does the same to the undo, on the journal of a repair
// that was killed itself.
func TestKillUndoAnywhere(t *testing.T) {
	for seed := range uint64(12) {
		whole := runRepair(t, seed, -1).ticks
		for _, at := range []int{whole / 3, whole * 2 / 3, -1} {
			run := runRepair(t, seed, at)
			_, _, ticks := runUndo(t, run.left.clone(), run.content, 5, -1)
			for k := range ticks {
				tr := run.left.clone()
				f, dead, _ := runUndo(t, tr, run.content, 5, k)
				if !dead {
					t.Fatalf("seed %d: undo not killed at %d of %d", seed, k, ticks)
				}
				for _, n := range []int{f.synced, (f.synced + len(f.content)) / 2, len(f.content)} {
					checkUndo(t, run, tr.clone(), f.content[:n], fmt.Sprintf("seed %d/%d, undo killed at %d, %d bytes left", seed, at, k, n))
				}
			}
		}
	}
}
