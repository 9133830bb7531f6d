package remote

import (
	"strings"
	"testing"

	"hostperm/remote/fastlane"
)

// pathOnly is a server of which nothing can be opened, and that has no lsetstat.
func pathOnly(t *testing.T, allowed bool) (*fake, *Client) {
	f := newFake(dir("r", dir("d", file("x")), file("y")))
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktOpen {
			return status(r.id, codeFailure)
		}
		return nil
	}
	c := f.client(t)
	c.pathChmod = allowed
	return f, c
}

// TestChangeByPath: SETSTAT is sent where it is allowed, and nowhere else.
func TestChangeByPath(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		f, c := pathOnly(t, allowed)
		results, err := change(t, t.Context(), c, "/r", f.asAudited(0o700, "d", "d/x", "y"))
		if err != nil {
			t.Fatal(err)
		}
		want, sent := ChangeRefused, 0
		if allowed {
			want, sent = ChangeApplied, 3
		}
		for i, r := range results {
			if r.Outcome != want || r.ByPath != allowed || !allowed && !strings.Contains(Hint(r.Err), "--allow-path-chmod") {
				t.Errorf("allowed %v: result %d is %+v", allowed, i, r)
			}
		}
		if f.count[pktSetstat] != sent {
			t.Errorf("allowed %v: %d SETSTATs", allowed, f.count[pktSetstat])
		}
	}
}

// TestChangeByPathPrefersLSetStat: the flag changes nothing where there is a
// safe way.
func TestChangeByPathPrefersLSetStat(t *testing.T) {
	f, c := pathOnly(t, true)
	f.extensions = []string{fastlane.LSetStatExtension}
	results, err := change(t, t.Context(), c, "/r", f.asAudited(0o700, "d"))
	if err != nil || results[0].Outcome != ChangeApplied || results[0].ByPath || f.count[pktSetstat] > 0 {
		t.Errorf("%+v, error %v, requests %v", results, err, f.count)
	}
}

// TestChangeByPathSwapped exchanges the entry for a symlink at each request
// before SETSTAT: nothing is sent. At SETSTAT itself nothing can be done but to
// say so.
func TestChangeByPathSwapped(t *testing.T) {
	for n := 1; ; n++ {
		f, c := pathOnly(t, true)
		reqs := f.asAudited(0o700, "d/x")
		opens, seen, late := f.hook, 0, false
		f.hook = func(r fakeReq) []byte {
			if r.path == "/r/d/x" {
				if seen++; seen == n {
					x := f.find("/r/d/x")
					x.attr.Mode, x.text = fastlane.TypeSymlink|0o777, "/r/y"
					late = r.kind == pktSetstat
				}
			}
			return opens(r)
		}
		results, err := change(t, t.Context(), c, "/r", reqs)
		r := results[0]
		switch {
		case err != nil:
			t.Fatal(err)
		case seen < n:
			if n < 6 || r.Outcome != ChangeApplied {
				t.Errorf("%d requests, %+v", seen, r)
			}
			return
		case late && r.Outcome != ChangeFailed, r.Outcome == ChangeApplied,
			!late && f.find("/r/y").attr.Perm() != 0o644:
			t.Errorf("at request %d: %+v, late %v, requests %v", n, r, late, f.count)
		}
	}
}
