package remote

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"hostperm/remote/fastlane"
)

// TestChangeForeseen makes changes where OPEN and FSTAT go out in one go, on
// servers that deny some, swap some, and give out handles as foreseen or not:
// every change that can be made is, and no other entry is touched.
func TestChangeForeseen(t *testing.T) {
	for name, give := range map[string]func(*fakeSession) string{"as OpenSSH": lifo, "the lowest free": lowest} {
		for seed := range uint64(20) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) { changeForeseen(t, give, rand.New(rand.NewPCG(seed, 9))) })
		}
	}
}

func changeForeseen(t *testing.T, give func(*fakeSession) string, rnd *rand.Rand) {
	top := dir("r")
	var names []string
	denied, swapped := make(map[string]bool), make(map[string]bool)
	for i := range 700 {
		n := file(fmt.Sprint("f", i))
		top.kids, names = append(top.kids, n), append(names, n.name)
		switch rnd.IntN(10) {
		case 0:
			denied["/r/"+n.name] = true // is changed by path instead
		case 1:
			swapped["/r/"+n.name] = true
		}
	}
	f := newFake(top)
	f.give, f.extensions = give, []string{fastlane.LSetStatExtension}
	reqs := f.asAudited(0o600, names...)
	other := file("other")
	other.attr.UID = 0
	stats := 0
	f.hook = func(r fakeReq) []byte {
		switch {
		case r.kind == pktOpen && denied[r.path]:
			return status(r.id, codeDenied)
		case r.kind == pktOpen && swapped[r.path]: // between the look and the open
			f.find(r.path).attr = other.attr
		case r.kind == pktFstat:
			stats++
		}
		return nil
	}
	for i, r := range mustChange(t, f, reqs) {
		path := "/r/" + names[i]
		perm, want := f.find(path).attr.Perm(), ChangeApplied
		if swapped[path] {
			want = ChangeRefused
		}
		if r.Outcome != want || (perm == 0o600) != (want == ChangeApplied) {
			t.Errorf("%s: denied %v, swapped %v: %+v, and the mode is %04o", names[i], denied[path], swapped[path], r, perm)
		}
	}
	if stats < 2*(700-len(denied)-len(swapped)) {
		t.Errorf("%d FSTATs", stats)
	}
}
