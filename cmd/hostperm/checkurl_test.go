//go:build unix

package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hostperm/remote/remotetest"
)

// checkedSite is a tree behind an SFTP server and a web server, which answers by
// the modes in the tree: a page is forbidden while its file has other bits than
// it needs.
type checkedSite struct {
	dir, site, home string
	args            []string
	web             *httptest.Server
	before          map[string]uint64
}

func newCheckedSite(t *testing.T, needs map[string]uint64) *checkedSite {
	t.Helper()
	s := &checkedSite{dir: t.TempDir(), home: t.TempDir()}
	s.site = filepath.Join(s.dir, "site")
	brokenTree(t, s.site)
	s.before = treeModes(t, s.site)
	s.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info, err := os.Stat(filepath.Join(s.site, r.URL.Path))
		if err != nil || bitsOf(info.Mode())&needs[r.URL.Path] != needs[r.URL.Path] {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(s.web.Close)
	server, err := remotetest.Start(remotetest.Config{Dir: s.dir, Etc: s.dir, User: "demo", Password: scriptPassword})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	s.args = []string{"audit", "--fix", "--yes", "--loosen", "--format", "jsonl", "--port", strconv.Itoa(server.Port()),
		"--host-key", server.Fingerprint(), "-F", "none", "demo@" + server.Host() + ":site"}
	return s
}

// run repairs, and gives the exit status, all that was said, and the summary.
func (s *checkedSite) run(t *testing.T, pages ...string) (int, string, map[string]any) {
	t.Helper()
	args := s.args
	for _, p := range pages {
		args = append(args, "--check-url", s.web.URL+p)
	}
	status, out := exitStatus(t, hostperm(t, s.home, args...), nil)
	var summary map[string]any
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, `{"type":"summary"`) {
			if err := json.Unmarshal([]byte(line), &summary); err != nil {
				t.Fatal(err)
			}
		}
	}
	return status, out, summary
}

// TestCheckURLKeeps: a page that goes on working leaves the repair as it is, and
// one that failed before is only compared.
func TestCheckURLKeeps(t *testing.T) {
	s := newCheckedSite(t, map[string]uint64{"/d0/sub/f1": 0o044, "/d1/sub/f0": 0o111})
	status, out, summary := s.run(t, "/d0/sub/f1", "/d0/sub/f0", "/d1/sub/f0")
	if status != exitClean || maps.Equal(treeModes(t, s.site), s.before) {
		t.Errorf("exit status %d\n%s", status, out)
	}
	checks, _ := json.Marshal(summary["checks"])
	for _, want := range []string{`f1","before":"403","after":"200"`, `d0/sub/f0","before":"200","after":"200"`, `d1/sub/f0","before":"403","after":"403"`} {
		parts := strings.SplitN(want, `","before":`, 2)
		page, states := parts[0], parts[1]
		if !hasCheck(summary, page, states) {
			t.Errorf("%s is not among %s", want, checks)
		}
	}
	if !strings.Contains(out, "does not work before the repair") {
		t.Errorf("it is not said that a page fails already:\n%s", out)
	}
}

// hasCheck looks for a page, whose URL ends so, with states like
// "403","after":"200".
func hasCheck(summary map[string]any, page, states string) bool {
	before, after, _ := strings.Cut(states, `,"after":`)
	list, _ := summary["checks"].([]any)
	for _, c := range list {
		m := c.(map[string]any)
		if strings.HasSuffix(m["url"].(string), page) && strconv.Quote(m["before"].(string)) == before && strconv.Quote(m["after"].(string)) == after {
			return true
		}
	}
	return false
}

// TestCheckURLUndoes: a page that worked and does not after the repair has
// everything put back, and said.
func TestCheckURLUndoes(t *testing.T) {
	s := newCheckedSite(t, map[string]uint64{"/d0/sub/f0": 0o002}) // works by the bit that a repair takes away
	status, out, summary := s.run(t, "/d0/sub/f1", "/d0/sub/f0")
	if status != exitRefused || !maps.Equal(treeModes(t, s.site), s.before) {
		t.Errorf("exit status %d, %d modes differ\n%s", status, countDifferent(s.before, treeModes(t, s.site)), out)
	}
	for _, want := range []string{"worked before the repair (200) and does not after it (403)", "all changes were put back", "made, and put back"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if changes, _ := summary["changes"].(map[string]any); changes["applied"] != nil || changes["failed"] == nil {
		t.Errorf("the summary has the changes %v", changes)
	}
	if remaining, _ := summary["remaining"].(map[string]any); remaining["critical"] == 0.0 {
		t.Errorf("nothing remains, it says: %v", remaining)
	}
	if status, out := exitStatus(t, hostperm(t, s.home, "undo", "--yes", "-F", "none"), nil); status != exitClean || !strings.Contains(out, "nothing to undo") {
		t.Errorf("undo once more: exit status %d\n%s", status, out)
	}
}

// TestCheckURLUsage: what cannot be meant is refused before a host is contacted.
func TestCheckURLUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"does nothing without a repair":     {"audit", "--check-url", "http://x/", "nowhere.invalid"},
		"--check-url does nothing":          {"audit", "--fix", "--dry-run", "--check-url", "http://x/", "nowhere.invalid"},
		"does not begin with http":          {"audit", "--fix", "--yes", "--check-url", "shop.example.com", "nowhere.invalid"},
		"is about the site of one target":   {"audit", "--fix", "--yes", "--check-url", "http://x/", "a.invalid", "b.invalid"},
		"--check-url: \"ftp://u:xxxxx@h/\"": {"audit", "--fix", "--yes", "--check-url", "ftp://u:hunter2@h/", "a.invalid"},
	} {
		status, out := exitStatus(t, hostperm(t, t.TempDir(), args...), nil)
		if status != exitUsage || !strings.Contains(out, want) || strings.Contains(out, "hunter2") {
			t.Errorf("%q: exit status %d\n%s", args, status, out)
		}
	}
}
