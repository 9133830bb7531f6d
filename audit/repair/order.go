package repair

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"hostperm/policy"
)

const (
	// ownerSearch is the bit without which the owner reaches nothing in a
	// directory; see the package's doc on order.
	ownerSearch policy.Mode = 0o0100

	// A batch is synced to the journal and sent as one. The first is small, so
	// that a server that ignores changes is found out early; the later ones are
	// large, so that the pause between two of them doesn't count.
	firstBatch = 64
	batchGrows = 256
	maxBatch   = 1 << 15
)

// closes reports whether a change makes what is below a directory unreachable
// for its owner.
func closes(kind policy.Kind, from, to policy.Mode) bool {
	return kind == policy.KindDir && from&^to&ownerSearch != 0
}

// inOrder gives the steps in the order they have to be made in: parents first,
// but directories that close last, deepest first.
func inOrder(steps []PlannedStep) []PlannedStep {
	steps = slices.Clone(steps)
	rank := func(s PlannedStep) (last bool, d int) {
		if closes(s.Kind, s.From, s.Target) {
			return true, -depth(s.Path)
		}
		return false, depth(s.Path)
	}
	slices.SortStableFunc(steps, func(a, b PlannedStep) int {
		lastA, depthA := rank(a)
		lastB, depthB := rank(b)
		if lastA != lastB {
			if lastB {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(depthA, depthB), strings.Compare(a.Path, b.Path))
	})
	return steps
}

// together gives how many of the first items may be on the way at once, limit
// at most: none of them twice, and none below a directory among them of which
// the search bits change, in whichever order they come.
func together[T any](items []T, limit int, of func(T) (path string, search bool)) int {
	seen := make(map[string]bool)     // true: its search bits change
	occupied := make(map[string]bool) // directories that something seen lies in
	for i, item := range items {
		p, search := of(item)
		if _, twice := seen[p]; i == limit || twice || search && occupied[p] {
			return i
		}
		for dir := range dirsAbove(p) {
			if seen[dir] {
				return i
			}
			occupied[dir] = true
		}
		seen[p] = search
	}
	return len(items)
}

// dirsAbove gives the directories that p lies in, from the root down.
func dirsAbove(p string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if p == "." || !yield(".") {
			return
		}
		for i := range len(p) {
			if p[i] == '/' && !yield(p[:i]) {
				return
			}
		}
	}
}

// searchBits are those that let a path lead through a directory.
const searchBits policy.Mode = 0o111

// opensOrCloses reports whether a change decides about what is below an entry.
func opensOrCloses(kind policy.Kind, from, to policy.Mode) bool {
	return kind == policy.KindDir && (from^to)&searchBits != 0
}
