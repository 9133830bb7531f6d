package repair

import (
	"cmp"
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
	maxBatch   = 1024
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
// at most: those of one depth, none of them twice.
func together[T any](items []T, limit int, path func(T) string) int {
	seen := make(map[string]bool)
	for i, item := range items {
		p := path(item)
		if i == limit || seen[p] || depth(p) != depth(path(items[0])) {
			return i
		}
		seen[p] = true
	}
	return len(items)
}
