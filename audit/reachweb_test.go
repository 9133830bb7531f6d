package audit_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/remotetest/realserver"
)

// forbiddenBy gives the rule by which an audit says that a request for a file
// comes to 403, "" if it says nothing. htaccess: as on Apache, where an
// .htaccess that cannot be read forbids all that its directory holds.
func forbiddenBy(r *audit.Result, file string, htaccess bool) string {
	for i := range r.Findings {
		f := &r.Findings[i]
		at := func(dir string) bool { return dir == "." || file == dir || strings.HasPrefix(file, dir+"/") }
		switch {
		case f.Rule == "web-untraversable" && at(f.Path),
			f.Rule == "web-unreadable" && f.Path == file,
			f.Rule == "htaccess-unreadable" && (f.Path == file || htaccess && at(path.Dir(f.Path))):
			return f.Rule
		}
	}
	return ""
}

// proof is one web server, and an SSH server through which its files are audited.
type proof struct {
	apache  bool
	web     *realserver.Web
	client  *remote.Client
	docroot string
	as      *policy.Identity

	ok     int            // files that were sent
	barred map[string]int // files that were not, by rule
	above  int            // sites that a directory above the web root bars
}

func newProof(t *testing.T, name string) *proof {
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can give files to others, and see all of them")
	}
	ssh := realserver.OpenSSH(t, realserver.Options{AsRoot: true})
	as, docroot := realserver.WebUser(t), realserver.Docroot(t)
	p := &proof{apache: name == "Apache", docroot: docroot, as: &policy.Identity{UID: as.UID, GIDs: as.GIDs}, barred: map[string]int{}}
	if p.apache {
		p.web = realserver.Apache(t, docroot, as)
	} else {
		p.web = realserver.Nginx(t, docroot, as)
	}
	var err error
	p.client, err = remote.Dial(t.Context(), remote.Target{User: ssh.User, Host: ssh.Host},
		remote.Options{Port: ssh.Port, Identities: []string{ssh.KeyFile}, KnownHosts: []string{ssh.KnownHosts}, ConfigFile: "none"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.client.Close() })
	return p
}

// site lays out a random site, and gives the directory in it that is the web
// root: its top, or one deep in it, with random directories above. No .htaccess
// is left above that, since what Apache reads there is no part of a web root.
func (p *proof) site(t *testing.T, seed uint64) (top string, entries []realserver.SiteEntry) {
	rnd := rand.New(rand.NewPCG(seed, 99))
	top = fmt.Sprint("s", seed)
	entries = realserver.RandomSite(rnd, top, realserver.OwnersFor(p.web.As), 50)
	if seed%2 == 1 {
		var dirs []string
		for _, e := range entries {
			if e.Kind == fs.ModeDir && path.Base(e.Path) != ".htaccess" && strings.Count(e.Path, "/") > 0 {
				dirs = append(dirs, e.Path)
			}
		}
		if len(dirs) > 0 {
			top = dirs[rnd.IntN(len(dirs))]
		}
	}
	entries = slices.DeleteFunc(entries, func(e realserver.SiteEntry) bool {
		return path.Base(e.Path) == ".htaccess" && strings.HasPrefix(top, path.Dir(e.Path)+"/")
	})
	if seed%4 == 3 { // one of those above is closed to some at least
		at := slices.IndexFunc(entries, func(e realserver.SiteEntry) bool { return strings.HasPrefix(top, e.Path+"/") })
		if at >= 0 {
			entries[at].Mode &^= []uint32{0o111, 0o011, 0o001, 0o010, 0o100}[rnd.IntN(5)]
		}
	}
	realserver.LayOut(t, p.docroot, entries)
	return top, entries
}

// audit audits a web root over SFTP, for the web server's user.
func (p *proof) audit(t *testing.T, top, profile string) *audit.Result {
	root := filepath.Join(p.docroot, top)
	above, err := p.client.Above(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	judge, err := policy.New(policy.Options{Profile: profile, WebServer: p.as})
	if err != nil {
		t.Fatal(err)
	}
	r, err := audit.Run(t.Context(), p.client, root, judge, audit.Options{Above: above})
	if err != nil || !r.Complete {
		t.Fatalf("%s: complete %v: %v", root, r.Complete, err)
	}
	return r
}

// compare fetches every file of a web root, and holds what comes of it to what
// the audit says.
func (p *proof) compare(t *testing.T, seed uint64) {
	top, entries := p.site(t, seed)
	r := p.audit(t, top, []string{"default", "wordpress+mod-php", "static", "magento+shared-suexec"}[seed%4])
	var urls []string
	for _, e := range entries {
		if e.Kind == 0 && strings.HasPrefix(e.Path, top+"/") {
			urls = append(urls, e.Path)
		}
	}
	for i, status := range p.web.Fetch(t, urls) {
		by := forbiddenBy(r, strings.TrimPrefix(urls[i], top+"/"), p.apache)
		if (by != "") != (status == 403) || by == "" && status != 200 {
			t.Errorf("seed %d: %q is answered %d, and the audit says %q", seed, urls[i], status, by)
		}
		if by == "" {
			p.ok++
		} else {
			p.barred[by]++
		}
	}
	for _, f := range r.Findings {
		if f.Rule == "web-untraversable" && f.Path == "." && strings.Contains(f.Detail, "above the web root") {
			p.above++
		}
		below := f.Path != "." && forbiddenBy(&audit.Result{Findings: slices.DeleteFunc(slices.Clone(r.Findings), func(x audit.Finding) bool {
			return x.Path == f.Path || x.Rule != "web-untraversable"
		})}, f.Path, false) != ""
		if below && (f.Rule == "web-untraversable" || f.Rule == "web-unreadable") {
			t.Errorf("seed %d: %s of %q lies below a directory that is reported", seed, f.Rule, f.Path)
		}
	}
	if t.Failed() {
		t.Fatalf("%s as %+v, the web root is %s; the site: %+v\nfindings: %+v", p.web.Software, p.web.As, top, entries, r.Findings)
	}
}

// TestFindingsAreWhatServersForbid audits random sites over OpenSSH, and has
// real web servers fetch every file of them: what they answer 403 to is what
// web-unreadable, web-untraversable and htaccess-unreadable say, exactly.
func TestFindingsAreWhatServersForbid(t *testing.T) {
	const seeds = 160
	for _, name := range []string{"Apache", "nginx"} {
		t.Run(name, func(t *testing.T) {
			p := newProof(t, name)
			for seed := range uint64(seeds) {
				p.compare(t, seed)
			}
			t.Logf("%s as %+v: %d files sent, not sent by rule %v, %d sites barred from above", p.web.Software, p.web.As, p.ok, p.barred, p.above)
			least := min(p.barred["web-unreadable"], p.barred["web-untraversable"])
			if p.ok < 800 || least < 150 || p.above < 15 || p.apache && p.barred["htaccess-unreadable"] < 100 {
				t.Error("too few to mean much")
			}
		})
	}
}
