package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hostperm/remote/fastlane"
)

// gated gives a fake server with n files, and requests for them of which those
// from the given ones on wait for a Gate.
func gated(n int, gates map[int]func() error) (*fake, []ChangeRequest) {
	d := dir("d")
	var paths []string
	for i := range n {
		name := fmt.Sprintf("f%03d", i)
		d.kids = append(d.kids, file(name))
		paths = append(paths, "d/"+name)
	}
	f := newFake(dir("r", d))
	reqs := f.asAudited(0o600, paths...)
	for i, gate := range gates {
		reqs[i].Gate = gate
	}
	return f, reqs
}

// TestChangeGate: what is behind a Gate is looked at before it, and opened as far
// as the next one, and not changed.
func TestChangeGate(t *testing.T) {
	var f *fake
	var asked []int
	gate := func(behind, next int) func() error {
		return func() error {
			asked = append(asked, behind)
			if n := f.counted(pktOpen); n < behind || n > next {
				t.Errorf("%d entries were opened before the Gate at %d", n, behind)
			}
			if n := f.counted(pktFsetstat); n != behind {
				t.Errorf("%d changes were made before the Gate at %d", n, behind)
			}
			if n := f.counted(pktLstat); n < 100 {
				t.Errorf("%d LSTATs before the Gate at %d: the others were not looked at", n, behind)
			}
			return nil
		}
	}
	f, reqs := gated(100, map[int]func() error{0: nil, 10: gate(10, 11), 11: gate(11, 60), 60: gate(60, 100)})
	for i, r := range mustChange(t, f, reqs) {
		if r.Outcome != ChangeApplied {
			t.Errorf("%q: %+v", reqs[i].Path, r)
		}
	}
	if fmt.Sprint(asked) != "[10 11 60]" {
		t.Errorf("the Gates at %v were asked", asked)
	}
}

// TestChangeGateTrips has the server keep what the Gate waits for until the entries
// behind it are open: a Change that opens them later is stuck, and the test's
// deadline ends it. What cannot be opened then is opened once more behind the
// Gate, and not before.
func TestChangeGateTrips(t *testing.T) {
	passed := false
	f, reqs := gated(100, map[int]func() error{10: func() error { passed = true; return nil }})
	f.extensions = []string{fastlane.LSetStatExtension}
	var held []byte
	opened := make(map[string]int)
	f.hook = func(r fakeReq) []byte {
		path := r.path
		if r.kind == pktExtended {
			path, _ = takeStr(r.rest)
		}
		switch name := strings.TrimPrefix(path, "/r/d/"); {
		case r.kind == pktFsetstat && name == "f009":
			held = status(r.id, codeFailure) // it is then changed by path, some round trips later
			return []byte{}
		case r.kind == pktExtended && name == "f009" && (opened["f010"] != 1 || opened["f011"] != 1 || passed):
			t.Errorf("before the Gate: opened %v", opened)
		case r.kind == pktOpen:
			if opened[name]++; name == "f010" {
				return status(r.id, codeDenied)
			}
		case r.kind == pktFstat && name == "f011" && opened[name] == 1:
			return status(r.id, codeFailure)
		case r.kind == pktFstat && name == "f099" && !passed:
			return append(held, f.serveOne(r)...)
		}
		return nil
	}
	for i, r := range mustChange(t, f, reqs) {
		if r.Outcome != ChangeApplied {
			t.Errorf("%d: %+v", i, r)
		}
	}
	if held == nil || !passed || opened["f010"] != 2 || opened["f011"] != 2 || f.count[pktOpen] != 102 || len(f.handles) > 0 {
		t.Errorf("opened %v, %d handles left open", opened, len(f.handles))
	}
}

// TestChangeGateFirst has nothing opened before a Gate at the first request.
func TestChangeGateFirst(t *testing.T) {
	no := errors.New("no")
	f, reqs := gated(20, map[int]func() error{0: func() error { return no }})
	for i, r := range mustChange(t, f, reqs) {
		if r.Outcome != ChangeRefused || r.Err != no {
			t.Errorf("%q: %+v", reqs[i].Path, r)
		}
	}
	if f.count[pktOpen] > 0 {
		t.Errorf("%d entries were opened", f.count[pktOpen])
	}
}

// TestChangeGateRefuses: a Gate that says no has all behind it refused, and what
// was opened of it closed; an entry that is not the audited one is refused for
// that.
func TestChangeGateRefuses(t *testing.T) {
	no := errors.New("no")
	f, reqs := gated(5000, map[int]func() error{10: func() error { return no },
		40: func() error { t.Error("a second Gate was asked"); return nil }})
	reqs[20].Expect.Size++
	reqs[30].Path = "../out"
	for i, r := range mustChange(t, f, reqs) {
		switch {
		case i < 10 && r.Outcome != ChangeApplied,
			i >= 10 && (r.Outcome != ChangeRefused || errors.Is(r.Err, no) == (i == 20 || i == 30)):
			t.Errorf("%d: %+v", i, r)
		}
	}
	if f.count[pktOpen] > 40 || f.count[pktFsetstat] != 10 || len(f.handles) > 0 {
		t.Errorf("%d entries were opened, %d changed, %d handles left open", f.count[pktOpen], f.count[pktFsetstat], len(f.handles))
	}
}

// TestChangeGateAhead has what is behind Gates opened before them on servers with
// few handles or many, that deny some, and cut the connection: nothing is changed
// before its Gate was passed, nothing waits for ever, and all is changed in the
// end, or refused if a Gate said so.
func TestChangeGateAhead(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { changeGateAhead(t, rand.New(rand.NewPCG(seed, 23))) })
	}
}

func changeGateAhead(t *testing.T, rnd *rand.Rand) {
	const n = 300
	no := errors.New("no")
	passed := -1 // the last request whose Gate was passed
	refusing := n
	gates := make(map[int]func() error)
	var at, asked []int
	for i := rnd.IntN(20); i < n; i += 1 + rnd.IntN(200) {
		refuses := rnd.IntN(8) == 0
		at = append(at, i)
		gates[i] = func() error {
			asked = append(asked, i)
			if refuses {
				refusing = i
				return no
			}
			passed = i
			return nil
		}
		if refuses {
			break
		}
	}
	f, reqs := gated(n, gates)
	f.maxHandles = []int{0, 1, 2, 5, 40}[rnd.IntN(5)]
	if rnd.IntN(2) == 0 {
		f.give = lifo
	}
	f.extensions = []string{fastlane.LSetStatExtension}
	type denial struct {
		kind byte
		code uint32
	}
	denied := make(map[string]denial)
	for i := range reqs {
		if rnd.IntN(20) == 0 {
			denied[below("/r", reqs[i].Path)] = []denial{{pktOpen, codeDenied}, {pktOpen, codeFailure}, {pktFstat, codeFailure}}[rnd.IntN(3)]
		}
	}
	index := make(map[string]int)
	for i := range reqs {
		index[below("/r", reqs[i].Path)] = i
	}
	mayChange := func(path string) bool {
		next := slices.IndexFunc(at, func(i int) bool { return i > passed })
		return next < 0 || index[path] < at[next]
	}
	cuts := rnd.IntN(3)
	cut := cuts > 0
	f.hook = func(r fakeReq) []byte {
		path := r.path
		if r.kind == pktExtended {
			path, _ = takeStr(r.rest)
		}
		fails, deny := denied[path]
		switch {
		case (r.kind == pktFsetstat || r.kind == pktExtended) && !mayChange(path):
			t.Errorf("%q is changed when the Gate at %d was the last that was passed", path, passed)
		case cuts > 0 && strings.HasPrefix(path, "/r/d/") && rnd.IntN(400) == 0:
			cuts--
			return f.cut()
		case deny && r.kind == fails.kind:
			return status(r.id, fails.code)
		}
		return nil
	}
	c, _ := f.lasting(t)
	results, err := change(t, t.Context(), c, "/r", reqs)
	must(t, err)
	must(t, c.Lstat(t.Context(), "/r", []string{"."}, func(int, Attr, error) {})) // behind the last CLOSE
	if f.give == nil && len(f.handles) > 0 && !cut {
		t.Errorf("%d handles left open", len(f.handles))
	}
	for i, r := range results {
		switch {
		case i < refusing && r.Outcome != ChangeApplied,
			i >= refusing && (r.Outcome != ChangeRefused || !errors.Is(r.Err, no)),
			f.find(below("/r", reqs[i].Path)).attr.Perm() == 0o600 != (i < refusing):
			t.Errorf("%d: %+v, with the Gate at %d refusing", i, r, refusing)
		}
	}
	if !slices.Equal(asked, at) {
		t.Errorf("Gates at %d were asked, of %d", asked, at)
	}
}

// TestChangeGateCancelled: whatever ends a Change at a Gate, every request has
// its answer.
func TestChangeGateCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f, reqs := gated(100, map[int]func() error{10: func() error { cancel(); return ctx.Err() }})
	results, err := change(t, ctx, f.client(t), "/r", reqs)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	for i, r := range results {
		if i < 10 && r.Outcome != ChangeApplied || i >= 10 && (r.Outcome != ChangeRefused || !errors.Is(r.Err, context.Canceled)) {
			t.Errorf("%d: %+v", i, r)
		}
	}
}
