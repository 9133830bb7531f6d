package remote

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestDirQueue holds the queue to a slice, through growth and wrapping.
func TestDirQueue(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var q dirQueue
	var model []*Dir
	for i := range 20000 {
		switch k := rnd.IntN(10); {
		case k < 4+2*(i/5000%2) || len(model) == 0:
			d := &Dir{Path: fmt.Sprint(i)}
			q.push(d)
			model = append(model, d)
		case k%2 == 0:
			if got := q.popOldest(); got != model[0] {
				t.Fatalf("step %d: the oldest is %s, want %s", i, got.Path, model[0].Path)
			}
			model = model[1:]
		default:
			if got := q.popNewest(); got != model[len(model)-1] {
				t.Fatalf("step %d: the newest is %s, want %s", i, got.Path, model[len(model)-1].Path)
			}
			model = model[:len(model)-1]
		}
		if q.len() != len(model) {
			t.Fatalf("step %d: %d are left, want %d", i, q.len(), len(model))
		}
	}
}
