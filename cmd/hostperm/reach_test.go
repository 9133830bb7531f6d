//go:build linux

package main

import (
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"hostperm/remote/remotetest/realserver"
)

// TestAuditSaysWhatApacheForbids has hostperm find out by itself, from the
// accounts of a real server, who Apache runs as, and compares its report with
// what Apache answers 403 to.
func TestAuditSaysWhatApacheForbids(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can give files to others, and see all of them")
	}
	as, docroot := realserver.WebUser(t), realserver.Docroot(t)
	as.GIDs = as.GIDs[:1] // the other is no group of /etc/group
	web := realserver.Apache(t, docroot, as)
	a := account{realserver.OpenSSH(t, realserver.Options{AsRoot: true}), t.TempDir()}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	entries := realserver.RandomSite(rand.New(rand.NewPCG(seed, 1)), "site", realserver.OwnersFor(as), 1000)
	entries[0].Mode |= 0o111
	realserver.LayOut(t, docroot, entries)

	status, out, stderr := a.run(t, "audit", "--profile", "default", "--format", "jsonl", a.target(filepath.Join(docroot, "site")))
	if status != exitFindings {
		t.Fatalf("exit status %d\n%s", status, stderr)
	}
	if !strings.Contains(stderr, "the web server is taken to run as www-data (") {
		t.Skipf("skipped: www-data is not the only account here that a web server may have: %s", stderr)
	}
	found := readScan(t, out).findings
	forbidden := func(file string) bool {
		for dir := path.Dir(file); ; dir = path.Dir(dir) {
			htaccess := path.Join(dir, ".htaccess")
			if found["web-untraversable"][dir] || found["htaccess-unreadable"][htaccess] {
				return true
			}
			if dir == "." {
				return found["web-unreadable"][file]
			}
		}
	}
	var files []string
	for _, e := range entries {
		if e.Kind == 0 {
			files = append(files, e.Path)
		}
	}
	got, want := make(map[string]bool), make(map[string]bool)
	for i, status := range web.Fetch(t, files) {
		file := strings.TrimPrefix(files[i], "site/")
		if forbidden(file) {
			got[file] = true
		}
		if status == 403 {
			want[file] = true
		}
	}
	sameSet(t, "403 Forbidden", got, want)
	t.Logf("%d of %d files are forbidden", len(want), len(files))
	if len(want) < 50 {
		t.Error("too few to mean much")
	}
}
