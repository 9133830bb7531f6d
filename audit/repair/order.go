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
	// large, since a batch takes some round trips however small it is.
	firstBatch = 64
	batchGrows = 512
	maxBatch   = 1 << 15
)

// closes reports whether a change makes what is below a directory unreachable
// for its owner.
func closes(kind policy.Kind, from, to policy.Mode) bool {
	return kind == policy.KindDir && from&^to&ownerSearch != 0
}

// rank says when a step's turn is.
type rank struct {
	last  bool
	depth int // from the root; counted from the bottom if last
	at    int // where the step is
}

// inOrder gives the steps in the order they have to be made in: parents first,
// but directories that close last, deepest first.
func inOrder(steps []PlannedStep) []PlannedStep {
	ranks := make([]rank, len(steps))
	for i := range steps {
		s := &steps[i]
		r := rank{depth: depth(s.Path), at: i}
		if closes(s.Kind, s.From, s.Target) {
			r.last, r.depth = true, -r.depth
		}
		ranks[i] = r
	}
	slices.SortFunc(ranks, func(a, b rank) int {
		if a.last != b.last {
			if b.last {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.depth, b.depth), strings.Compare(steps[a.at].Path, steps[b.at].Path), cmp.Compare(a.at, b.at))
	})
	ordered := make([]PlannedStep, len(steps))
	for i, r := range ranks {
		ordered[i] = steps[r.at]
	}
	return ordered
}

// together gives how many of the first items may be on the way at once, limit
// at most: none of them twice, and none below a directory among them of which
// the search bits change, in whichever order they come.
func together[T any](items []T, limit int, of func(*T) (path string, search bool)) int {
	seen := make(map[string]bool)     // true: its search bits change
	occupied := make(map[string]bool) // directories that something seen lies in
	checked := ""                     // the directory of the item before, if all above that is known
	for i := range items {
		p, search := of(&items[i])
		if _, twice := seen[p]; i == limit || twice || search && occupied[p] {
			return i
		}
		if up := p[:max(strings.LastIndexByte(p, '/'), 0)]; up == "" || up != checked {
			for dir := range dirsAbove(p) {
				if seen[dir] {
					return i
				}
				occupied[dir] = true
			}
			checked = up
		}
		if seen[p] = search; search {
			checked = ""
		}
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
