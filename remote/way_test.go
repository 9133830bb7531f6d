package remote

import (
	"os"
	"path/filepath"
	"testing"

	"hostperm/remote/remotetest/realserver"
)

func TestWay(t *testing.T) {
	tests := []struct {
		way    []int // uids; -1: not known
		entry  uint32
		passes bool
	}{
		{nil, 0, true},
		{nil, 7, true},
		{[]int{0, 0}, 7, true},
		{[]int{0, 7, 0, 7}, 7, true},
		{[]int{0, 7}, 0, false},
		{[]int{7, 0}, 8, false},
		{[]int{7, 8}, 7, false},
		{[]int{7, 8}, 8, false},
		{[]int{7, 8, 9}, 9, false},
		{[]int{-1}, 0, false},
		{[]int{0, -1, 7}, 7, false},
	}
	for _, test := range tests {
		var way Way
		for _, uid := range test.way {
			way = way.ThroughOwner(uint32(uid), uid >= 0)
		}
		if why := way.Objection(test.entry); (why == "") != test.passes {
			t.Errorf("an entry of %d behind %v: %q", test.entry, test.way, why)
		}
	}
}

// TestRootWay has the web root be reached through what others own.
func TestRootWay(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("skipped: only root can make what others own")
	}
	s := realserver.OpenSSH(t, realserver.Options{AsRoot: true})
	const tenant, third = 1234, 4321
	at := func(p string) string { return filepath.Join(s.HomeDir, p) }
	own := func(uid int, paths ...string) {
		for _, p := range paths {
			must(t, os.Lchown(at(p), uid, uid))
		}
	}
	must(t, os.MkdirAll(at("site/www"), 0o755))
	must(t, os.MkdirAll(at("site/deep/www"), 0o755))
	must(t, os.Mkdir(at("etc"), 0o755))
	for link, to := range map[string]string{
		"by-root": "site/www", "by-tenant": at("site/www"), "by-third": "site/www", "to-etc": "etc", "hop": "by-third/../www", "site/up": "..",
	} {
		must(t, os.Symlink(to, at(link)))
	}
	own(tenant, "site", "site/www", "site/deep/www", "by-tenant", "to-etc", "site/up")
	own(third, "by-third", "site/deep")
	tests := []struct {
		asked  string
		entry  uint32
		passes bool
	}{
		{"site/www", tenant, true},
		{"site/www", third, false},
		{"site/www", 0, false},
		{"etc", 0, true},
		{"etc", tenant, true},
		{"by-root", tenant, true},
		{"by-tenant", tenant, true},
		{"by-tenant/", tenant, true},
		{"by-third", tenant, false},
		{"hop", tenant, false},
		{"to-etc", 0, false}, // what a tenant has a link to
		{"to-etc", tenant, true},
		{"site/up/etc", 0, false},
		{"site/deep/www", tenant, false},
	}
	for _, test := range tests {
		root, err := dialReal(t, s).ResolveRoot(t.Context(), Target{Path: test.asked, HasPath: true})
		must(t, err)
		if why := root.Way.Objection(test.entry); (why == "") != test.passes {
			t.Errorf("%s, an entry of %d: %q", test.asked, test.entry, why)
		}
	}
}
