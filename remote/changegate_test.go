package remote

import (
	"context"
	"errors"
	"fmt"
	"testing"
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

// TestChangeGate: what is behind a Gate is looked at before it, and not opened.
func TestChangeGate(t *testing.T) {
	var f *fake
	var asked []int
	gate := func(behind int) func() error {
		return func() error {
			asked = append(asked, behind)
			if n := f.counted(pktOpen); n != behind {
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
	f, reqs := gated(100, map[int]func() error{0: nil, 10: gate(10), 11: gate(11), 60: gate(60)})
	for i, r := range mustChange(t, f, reqs) {
		if r.Outcome != ChangeApplied {
			t.Errorf("%q: %+v", reqs[i].Path, r)
		}
	}
	if fmt.Sprint(asked) != "[10 11 60]" {
		t.Errorf("the Gates at %v were asked", asked)
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

// TestChangeGateRefuses: a Gate that says no has all behind it refused, which
// was not opened; an entry that is not the audited one is refused for that.
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
	if f.count[pktOpen] != 10 {
		t.Errorf("%d entries were opened", f.count[pktOpen])
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
