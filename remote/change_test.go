package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hostperm/remote/fastlane"
)

// asAudited gives requests for paths of f, each expecting what f has now.
func (f *fake) asAudited(mode uint16, paths ...string) []ChangeRequest {
	var reqs []ChangeRequest
	for _, p := range paths {
		reqs = append(reqs, ChangeRequest{Path: p, Expect: f.find(below("/r", p)).attr, Mode: mode})
	}
	return reqs
}

// change runs Change, and checks that every request has one answer.
func change(t testing.TB, ctx context.Context, c *Client, root string, reqs []ChangeRequest) ([]ChangeResult, error) {
	t.Helper()
	results := make([]ChangeResult, len(reqs))
	err := c.Change(ctx, root, reqs, func(i int, r ChangeResult) {
		if results[i].Outcome != 0 {
			t.Errorf("a second answer for %q", reqs[i].Path)
		}
		if (r.Outcome == ChangeApplied) != (r.Err == nil) {
			t.Errorf("%q: outcome %d with error %v", reqs[i].Path, r.Outcome, r.Err)
		}
		results[i] = r
	})
	for i, r := range results {
		if r.Outcome == 0 {
			t.Errorf("no answer for %q", reqs[i].Path)
		}
	}
	return results, err
}

func mustChange(t testing.TB, f *fake, reqs []ChangeRequest) []ChangeResult {
	t.Helper()
	c := f.client(t)
	results, err := change(t, t.Context(), c, "/r", reqs)
	if err == nil {
		// CLOSE is not waited for: this comes behind it.
		err = c.Lstat(t.Context(), "/r", []string{"."}, func(int, Attr, error) {})
	}
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestChange(t *testing.T) {
	f := newFake(dir("r", file("a"), dir("d", file("x"), dir("e", file("y")))))
	reqs := f.asAudited(0o600, "a", "d/x", "d/e/y")
	reqs = append(reqs, f.asAudited(0o2750, ".", "d", "d/e")...)
	for i, r := range mustChange(t, f, reqs) {
		n := f.find(below("/r", reqs[i].Path))
		if r.Outcome != ChangeApplied || n.attr.Perm() != reqs[i].Mode || r.Now != n.attr {
			t.Errorf("%q: %+v; it is %04o", reqs[i].Path, r, n.attr.Perm())
		}
	}
	if len(f.handles) > 0 || f.count[pktOpen] != 6 || f.count[pktFsetstat] != 6 {
		t.Errorf("%d handles left open, requests %v", len(f.handles), f.count)
	}
}

// TestChangeWays takes each way in turn from the server.
func TestChangeWays(t *testing.T) {
	const byHandle, byPath = pktFsetstat, pktExtended
	answer := func(codes map[byte]uint32) func(fakeReq) []byte {
		return func(r fakeReq) []byte {
			if code, ok := codes[r.kind]; ok {
				return status(r.id, code)
			}
			return nil
		}
	}
	tests := []struct {
		name     string
		codes    map[byte]uint32
		lsetstat bool
		outcome  ChangeOutcome
		is       error
		why      string
		sent     byte
	}{
		{"by handle", nil, false, ChangeApplied, nil, "", byHandle},
		{"by handle rather than by path", nil, true, ChangeApplied, nil, "", byHandle},
		{"cannot be read", map[byte]uint32{pktOpen: codeDenied}, true, ChangeApplied, nil, "", byPath},
		{"cannot be opened", map[byte]uint32{pktOpen: codeFailure}, true, ChangeApplied, nil, "", byPath},
		{"no OPEN", map[byte]uint32{pktOpen: codeUnsupported}, true, ChangeApplied, nil, "", byPath},
		{"no FSTAT", map[byte]uint32{pktFstat: codeUnsupported}, true, ChangeApplied, nil, "", byPath},
		{"no FSETSTAT", map[byte]uint32{pktFsetstat: codeUnsupported}, true, ChangeApplied, nil, "", byPath},
		{"FSETSTAT fails", map[byte]uint32{pktFsetstat: codeFailure}, true, ChangeApplied, nil, "", byPath},
		{"neither", map[byte]uint32{pktOpen: codeDenied}, false, ChangeRefused, ErrPermission, "it cannot be opened: permission denied, and the server offers no other way", 0},
		{"neither FSETSTAT", map[byte]uint32{pktFsetstat: codeUnsupported}, false, ChangeRefused, nil, "it cannot be changed by handle: operation unsupported, and", byHandle},
		{"another's file", map[byte]uint32{pktFsetstat: codeDenied}, true, ChangeFailed, ErrPermission, "permission denied", byHandle},
		{"another's file by path", map[byte]uint32{pktOpen: codeDenied, pktExtended: codeDenied}, true, ChangeFailed, ErrPermission, "permission denied", byPath},
		{"lsetstat fails", map[byte]uint32{pktOpen: codeDenied, pktExtended: codeFailure}, true, ChangeFailed, nil, "failure", byPath},
		{"vanished", map[byte]uint32{pktOpen: codeNoFile}, true, ChangeRefused, ErrNotExist, "no such file", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(dir("r", file("x")))
			if test.lsetstat {
				f.extensions = []string{fastlane.LSetStatExtension}
			}
			f.hook = answer(test.codes)
			r := mustChange(t, f, f.asAudited(0o600, "x"))[0]
			if r.Outcome != test.outcome || test.is != nil && !errors.Is(r.Err, test.is) ||
				test.why != "" && !strings.Contains(fmt.Sprint(r.Err), test.why) {
				t.Errorf("%+v, want %+v", r, test)
			}
			if r.Outcome == ChangeRefused && test.why != "no such file" && !strings.Contains(Hint(r.Err), "chmod 0600") {
				t.Errorf("hint %q", Hint(r.Err))
			}
			if test.sent != 0 && f.count[test.sent] != 1 || test.sent != byPath && f.count[byPath] > 0 || len(f.handles) > 0 {
				t.Errorf("requests %v, %d handles open", f.count, len(f.handles))
			}
			if got := f.find("/r/x").attr.Perm(); (got == 0o600) != (r.Outcome == ChangeApplied) {
				t.Errorf("%+v, and the mode is %04o", r, got)
			}
		})
	}
}

// TestChangeWindow counts what is on its way at once, and changes many files
// on servers with few handles.
func TestChangeWindow(t *testing.T) {
	top := dir("r")
	var names []string
	for i := range 1200 { // enough for several sessions, which share the handles
		names = append(names, fmt.Sprint("f", i))
		top.kids = append(top.kids, file(names[i]))
	}
	for _, limit := range []int{0, 1, 8} {
		f := newFake(top)
		f.maxHandles = limit
		f.hook = func(r fakeReq) []byte {
			if r.kind == pktOpen && r.path == "/r/f7" {
				return status(r.id, codeFailure)
			}
			return nil
		}
		reqs := f.asAudited(0o600, names...)
		if limit > 0 {
			reqs = f.asAudited(0o600+uint16(limit), names...)
		}
		for i, r := range mustChange(t, f, reqs) {
			if want := names[i] != "f7"; (r.Outcome == ChangeApplied) != want || f.find("/r/"+names[i]).attr.Perm() == reqs[i].Mode != want {
				t.Errorf("limit %d, %q: %+v", limit, names[i], r)
			}
		}
		if f.peak > changeWindow || limit > 0 && f.peak > limit || len(f.handles) > 0 {
			t.Errorf("limit %d: %d handles at most, %d left", limit, f.peak, len(f.handles))
		}
	}
}

// TestChangeDirsCannotBeOpened has a server that opens no directories: that is
// found out once, not for each of them.
func TestChangeDirsCannotBeOpened(t *testing.T) {
	top := dir("r")
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprint("d", i), fmt.Sprint("f", i))
		top.kids = append(top.kids, dir(names[2*i]), file(names[2*i+1]))
	}
	f := newFake(top)
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktOpen && strings.Contains(r.path, "/d") {
			return status(r.id, codeFailure)
		}
		return nil
	}
	for i, r := range mustChange(t, f, f.asAudited(0o700, names...)) {
		if want := i%2 == 1; (r.Outcome == ChangeApplied) != want {
			t.Errorf("%q: %+v", names[i], r)
		}
	}
	if n := f.count[pktOpen]; n > 400+2*changeWindow*8 {
		t.Errorf("%d OPENs", n)
	}
}

// TestChangeOrder has search bits change on the way to other entries: the
// requests before are done first.
func TestChangeOrder(t *testing.T) {
	f := newFake(dir("r", dir("a", file("x"), dir("b", file("y"))), dir("c", file("z"))))
	reqs := f.asAudited(0o600, "a/x", "a/b/y")
	reqs = append(reqs, f.asAudited(0o600, "a/b", "a")...)   // takes the search bits
	reqs = append(reqs, f.asAudited(0o775, "c")...)          // leaves them
	reqs = append(reqs, f.asAudited(0o600, "c/z", "a/x")...) // the second waits for the first
	reqs[6].Expect.Mode = fastlane.TypeRegular | 0o600
	locked := func(path string) bool {
		for _, d := range chain(strings.TrimPrefix(path, "/r/")) {
			if path != "/r" && path != "/" && f.find(below("/r", d)).attr.Mode&0o111 == 0 {
				return true
			}
		}
		return false
	}
	changed := make(map[string]bool)
	f.hook = func(r fakeReq) []byte {
		switch {
		case (r.kind == pktLstat || r.kind == pktOpen) && locked(r.path):
			return status(r.id, codeDenied)
		case r.kind == pktFsetstat:
			changed[r.path] = true
		case r.kind == pktOpen && (r.path == "/r/a" && !changed["/r/a/x"] || r.path == "/r/a/b" && !changed["/r/a/b/y"]):
			t.Errorf("%s is opened to be locked, and of what is in it %v is changed", r.path, changed)
		}
		return nil
	}
	r := mustChange(t, f, reqs)
	for i := range 6 {
		if r[i].Outcome != ChangeApplied {
			t.Errorf("%q: %+v", reqs[i].Path, r[i])
		}
	}
	if r[6].Outcome != ChangeRefused || !errors.Is(r[6].Err, ErrPermission) {
		t.Errorf("the entry behind a locked directory: %+v", r[6])
	}
}

// TestChangeCut cuts the connection after every number of requests: each
// change is applied, unknown or not tried, as the server has it.
func TestChangeCut(t *testing.T) {
	for n := 1; ; n++ {
		f := newFake(dir("r", file("a"), file("b"), file("c")))
		reqs := f.asAudited(0o600, "a", "b", "c")
		left := n
		f.hook = func(fakeReq) []byte {
			if left--; left < 0 {
				f.conns[0].Close()
				return []byte{}
			}
			return nil
		}
		c := f.client(t)
		results, err := change(t, t.Context(), c, "/r", reqs)
		c.Close()
		f.group.Wait()
		if left >= 0 {
			if err != nil || n < 10 {
				t.Fatalf("%d requests: error %v", n, err)
			}
			return
		}
		if !errors.Is(err, ErrDisconnected) {
			t.Fatalf("cut after %d: error %v", n, err)
		}
		for i, r := range results {
			changed := f.find("/r/"+reqs[i].Path).attr.Perm() == 0o600
			if r.Outcome == ChangeApplied && !changed || r.Outcome == ChangeRefused && changed || r.Outcome == ChangeFailed {
				t.Errorf("cut after %d: %q is %+v; changed: %v", n, reqs[i].Path, r, changed)
			}
			if r.Outcome != ChangeApplied && !errors.Is(r.Err, ErrDisconnected) {
				t.Errorf("cut after %d: error %v", n, r.Err)
			}
		}
	}
}

func TestChangeCancelled(t *testing.T) {
	for _, kind := range []byte{pktLstat, pktOpen, pktFstat, pktFsetstat} {
		f := newFake(dir("r", file("a"), file("b")))
		ctx, cancel := context.WithCancel(t.Context())
		f.hook = func(r fakeReq) []byte {
			if r.kind == kind {
				cancel()
				return []byte{}
			}
			return nil
		}
		results, err := change(t, ctx, f.client(t), "/r", f.asAudited(0o600, "a", "b"))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stalled at %d: error %v", kind, err)
		}
		for _, r := range results {
			if want := kind == pktFsetstat; (r.Outcome == ChangeUnknown) != want {
				t.Errorf("stalled at %d: %+v", kind, r)
			}
		}
	}
}

func TestLstat(t *testing.T) {
	top := dir("r", dir("d", file("x")))
	paths := []string{".", "d", "d/x", "nowhere", "d/nowhere"}
	for i := range 2000 {
		paths = append(paths, fmt.Sprint("f", i))
		top.kids = append(top.kids, file(paths[5+i]))
	}
	f := newFake(top)
	n := 0
	err := f.client(t).Lstat(t.Context(), "/r", paths, func(i int, a Attr, err error) {
		n++
		if want := f.find(below("/r", paths[i])); want == nil && !errors.Is(err, ErrNotExist) || want != nil && (err != nil || a != want.attr) {
			t.Errorf("%q: %+v, error %v", paths[i], a, err)
		}
	})
	if err != nil || n != len(paths) {
		t.Errorf("%d answers, error %v", n, err)
	}
	if err := f.client(t).Lstat(t.Context(), "/r", []string{"../x"}, nil); err == nil {
		t.Error("a path outside the root was taken")
	}
}

// TestChangeMadeAndDenied has a server make a change that it then says has
// failed: there is no way round that, since the entry is not as audited.
func TestChangeMadeAndDenied(t *testing.T) {
	for _, lsetstat := range []bool{false, true} {
		f := newFake(dir("r", file("x")))
		if lsetstat {
			f.extensions = []string{fastlane.LSetStatExtension}
		}
		f.hook = func(r fakeReq) []byte {
			if r.kind != pktFsetstat {
				return nil
			}
			n := f.find("/r/x")
			n.attr.Mode = n.attr.Mode&^0o7777 | 0o600
			return status(r.id, codeFailure)
		}
		reqs := f.asAudited(0o600, "x")
		r := mustChange(t, f, reqs)[0]
		if r.Outcome != ChangeFailed || r.Now.Perm() != 0o600 || f.count[pktExtended] > 0 {
			t.Errorf("%+v, %d requests by path", r, f.count[pktExtended])
		}
	}
}
