package policy_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"hostperm/policy"
	"hostperm/remote/remotetest/realserver"
)

// site is a random site as the kernel sees it for one identity.
type site struct {
	as      *policy.Identity
	entries map[string]*realserver.SiteEntry
	ways    map[string]policy.Way // by directory: without what .htaccess files do
	dirs    map[string]*policy.Dir
	strict  bool // fs.protected_symlinks
}

func newSite(as realserver.WebIdentity, entries []realserver.SiteEntry) *site {
	strict, _ := os.ReadFile("/proc/sys/fs/protected_symlinks")
	s := &site{
		as:      &policy.Identity{UID: as.UID, GIDs: as.GIDs},
		entries: make(map[string]*realserver.SiteEntry), ways: make(map[string]policy.Way), dirs: make(map[string]*policy.Dir),
		strict: strings.TrimSpace(string(strict)) == "1",
	}
	for i := range entries {
		e := &entries[i]
		s.entries[e.Path] = e
		if e.Kind != fs.ModeDir {
			continue
		}
		up := path.Dir(e.Path)
		d := &policy.Dir{Parent: s.dirs[up], Path: e.Path, Mode: policy.Mode(e.Mode), ModeKnown: true, UID: e.UID, GID: e.GID, OwnerKnown: true}
		s.dirs[e.Path] = d
		s.ways[e.Path] = s.as.Down(s.ways[up], d)
	}
	s.forbid(entries)
	return s
}

// forbid carries down what unreadable .htaccess files do.
func (s *site) forbid(entries []realserver.SiteEntry) {
	for _, e := range entries {
		if f := s.file(&e); e.Kind != fs.ModeSymlink && s.as.ForbidsAll(&f) {
			up := path.Dir(e.Path)
			for dir, w := range s.ways {
				if w.Htaccess == nil && (dir == up || strings.HasPrefix(dir, up+"/")) {
					w.Htaccess = s.dirs[up]
					s.ways[dir] = w
				}
			}
		}
	}
}

func (s *site) file(e *realserver.SiteEntry) policy.File {
	kinds := map[fs.FileMode]policy.Kind{0: policy.KindFile, fs.ModeDir: policy.KindDir, fs.ModeSymlink: policy.KindSymlink}
	return policy.File{
		Dir: s.dirs[path.Dir(e.Path)], Name: []byte(path.Base(e.Path)), Kind: kinds[e.Kind],
		Mode: policy.Mode(e.Mode), ModeKnown: true, UID: e.UID, GID: e.GID, OwnerKnown: true,
	}
}

// What opening a path for reading comes to.
const (
	opened  = "opened"
	denied  = "EACCES"
	missing = "ENOENT or ENOTDIR"
)

// open resolves a path as the kernel does, from the docroot down, and gives
// what it leads to.
func (s *site) open(p string) (*realserver.SiteEntry, string) {
	at, e := "", (*realserver.SiteEntry)(nil)
	for rest := strings.Split(p, "/"); len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if e != nil && e.Kind != fs.ModeDir {
			return nil, missing
		}
		if e != nil && !s.as.May(policy.MaySearch, policy.Mode(e.Mode), e.UID, e.GID) {
			return nil, denied
		}
		dir := e
		if name == ".." {
			at = strings.TrimPrefix(path.Dir("/"+at), "/")
			e = s.entries[at]
			continue
		}
		next := strings.TrimPrefix(at+"/"+name, "/")
		found := s.entries[next]
		switch {
		case found == nil:
			return nil, missing
		case found.Kind == fs.ModeSymlink && s.mayNotFollow(dir, found):
			return nil, denied
		case found.Kind == fs.ModeSymlink:
			rest = append(strings.Split(found.Target, "/"), rest...)
		default:
			at, e = next, found
		}
	}
	if !s.as.May(policy.MayRead, policy.Mode(e.Mode), e.UID, e.GID) {
		return e, denied
	}
	return e, opened
}

// mayNotFollow is what fs.protected_symlinks forbids (proc_sys_fs(5)).
func (s *site) mayNotFollow(dir, link *realserver.SiteEntry) bool {
	return s.strict && dir != nil && dir.Mode&0o1002 == 0o1002 && link.UID != s.as.UID && link.UID != dir.UID
}

// request gives the status of a request for p; htaccess: as Apache has it.
func (s *site) request(p string, htaccess bool) int {
	for i := range len(p) {
		if p[i] != '/' || !htaccess {
			continue
		}
		e, how := s.open(p[:i] + "/.htaccess")
		if how == denied || how == opened && e.Kind == fs.ModeDir {
			return 403
		}
	}
	switch _, how := s.open(p); {
	case how == opened:
		return 200
	case how == denied:
		return 403
	case htaccess: // AH00037: where it meets a symlink that leads nowhere
		return 403
	}
	return 404
}

// urls gives what is fetched of a site: all files, and what symlinks lead to,
// unless that is a directory, and then the files in it.
func (s *site) urls(entries []realserver.SiteEntry) []string {
	var all []string
	for _, e := range entries {
		switch e.Kind {
		case 0:
			all = append(all, e.Path)
		case fs.ModeSymlink:
			to := path.Clean(path.Dir(e.Path) + "/" + e.Target)
			target := s.entries[to]
			if target == nil || target.Kind == 0 {
				all = append(all, e.Path)
				continue
			}
			for _, inside := range entries {
				if inside.Kind == 0 && path.Dir(inside.Path) == to {
					all = append(all, e.Path+"/"+path.Base(inside.Path))
				}
			}
		}
	}
	return all
}

// reached compares a plain file's Reach with what the kernel's way comes to.
func (s *site) reached(t *testing.T, p string, htaccess bool, status int) {
	t.Helper()
	e := s.entries[p]
	if e == nil || e.Kind != 0 || path.Base(p) == ".htaccess" {
		return
	}
	w := s.ways[path.Dir(p)]
	if !htaccess {
		w.Htaccess = nil
	}
	f := s.file(e)
	r := s.as.Reach(w, &f)
	if (r == policy.Readable) != (status == 200) || r == policy.ReachUnknown {
		t.Errorf("%q: reach %d, and the server says %d", p, r, status)
	}
}

// TestReachIsWhatServersDo has real web servers fetch every file of sites of
// random modes, owners and groups: what they forbid is what Reach says, exactly.
func TestReachIsWhatServersDo(t *testing.T) {
	const seeds, size = 200, 40
	for name, start := range map[string]func(testing.TB, string, realserver.WebIdentity) *realserver.Web{
		"Apache": realserver.Apache, "nginx": realserver.Nginx,
	} {
		t.Run(name, func(t *testing.T) {
			as, docroot := realserver.WebUser(t), realserver.Docroot(t)
			web := start(t, docroot, as)
			counts := map[int]int{}
			links := 0
			for seed := range uint64(seeds) {
				rnd := rand.New(rand.NewPCG(seed, 77))
				entries := realserver.RandomSite(rnd, fmt.Sprint("s", seed), realserver.OwnersFor(as), size)
				realserver.LayOut(t, docroot, entries)
				s := newSite(as, entries)
				urls := s.urls(entries)
				for i, status := range web.Fetch(t, urls) {
					counts[status]++
					if s.entries[urls[i]] == nil || s.entries[urls[i]].Kind != 0 {
						links++
					}
					if want := s.request(urls[i], name == "Apache"); status != want {
						t.Errorf("seed %d: %q is answered %d, the kernel's way comes to %d", seed, urls[i], status, want)
					}
					s.reached(t, urls[i], name == "Apache", status)
				}
				if t.Failed() {
					t.Fatalf("%s as %+v; the site: %+v", web.Software, as, slices.Clip(entries)[:min(len(entries), 60)])
				}
			}
			t.Logf("%s as %+v: statuses %v, %d through symlinks", web.Software, as, counts, links)
			if counts[403] < 500 || counts[200] < 500 || links < 100 {
				t.Errorf("statuses %v, %d through symlinks: too few to mean much", counts, links)
			}
		})
	}
}
