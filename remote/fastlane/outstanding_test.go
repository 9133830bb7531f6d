package fastlane

import (
	"maps"
	"math"
	"math/rand/v2"
	"testing"
)

// TestOutstanding holds the table to a map: answers in order, in any order, to
// what was never asked, and never, past the end of the ids.
func TestOutstanding(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 31))
		o := outstanding{last: math.MaxUint32 - uint32(rnd.IntN(3000))}
		model := make(map[uint32]request)
		var order []uint32
		inOrder, most := rnd.IntN(20), 1+rnd.IntN(700)
		for i := range 8000 {
			if len(order) < most && rnd.IntN(2) == 0 {
				r := request{tag: i, op: OpLStat}
				id := o.add(r)
				r.id = id
				if _, taken := model[id]; taken {
					t.Fatalf("seed %d: id %d is outstanding and given again", seed, id)
				}
				model[id], order = r, append(order, id)
			} else if len(order) > 0 {
				at := 0
				if rnd.IntN(20) > inOrder {
					at = rnd.IntN(len(order))
				}
				id := order[at]
				if seed%3 == 0 && id%97 == 0 {
					order = append(order[:at], order[at+1:]...) // is never answered
					continue
				}
				order = append(order[:at], order[at+1:]...)
				r, ok := o.take(id)
				if !ok || r != model[id] {
					t.Fatalf("seed %d: %d gave %+v (%v), want %+v", seed, id, r, ok, model[id])
				}
				delete(model, id)
			}
			if id := rnd.Uint32(); !contains(model, id) {
				if _, ok := o.take(id); ok {
					t.Fatalf("seed %d: there is a request %d", seed, id)
				}
			}
			if o.count() != len(model) {
				t.Fatalf("seed %d: %d are outstanding, want %d", seed, o.count(), len(model))
			}
		}
		if len(o.ring) > 2*max(most, smallestRing) {
			t.Errorf("seed %d: a ring of %d for %d at once", seed, len(o.ring), most)
		}
		for id := range maps.Clone(model) {
			if r, ok := o.take(id); !ok || r != model[id] {
				t.Errorf("seed %d: %d gave %+v (%v)", seed, id, r, ok)
			}
		}
	}
}

func contains(m map[uint32]request, id uint32) bool {
	_, ok := m[id]
	return ok
}

// TestOutstandingNever: a server that leaves some without an answer for ever
// makes the ring no larger.
func TestOutstandingNever(t *testing.T) {
	var o outstanding
	for i := range 100_000 {
		if id := o.add(request{tag: i, op: OpLStat}); i%1000 != 0 {
			o.take(id)
		}
	}
	if len(o.ring) != smallestRing || o.count() != 100 {
		t.Errorf("a ring of %d, %d outstanding", len(o.ring), o.count())
	}
	o.last = 0 // as when all ids have been given
	if id := o.add(request{op: OpLStat}); id != 2 {
		t.Errorf("id %d is given again", id)
	}
}
