package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// reachIDs are the rules that need to know who serves the files.
var reachIDs = []string{"web-untraversable", "web-unreadable", "htpasswd-unreadable", "php-unwritable", "code-writable"}

// owned is an entry with its directories, "dir/sub/name" or "." for the web
// root; modes of the directories from the root down to the entry itself, the
// last repeated for want of more. All are 1001:1002 but the entry.
func owned(p *Policy, path string, kind Kind, uid, gid uint32, modes ...Mode) *File {
	mode := func(i int) Mode { return modes[min(i, len(modes)-1)] }
	if path == "." {
		return &File{Name: []byte("."), Kind: kind, Mode: mode(0), ModeKnown: true, UID: uid, GID: gid, OwnerKnown: true}
	}
	d := &Dir{Path: ".", Mode: mode(0), ModeKnown: true, UID: 1001, GID: 1002, OwnerKnown: true}
	p.Enter(d)
	parts := strings.Split(path, "/")
	for i := range parts[:len(parts)-1] {
		d = &Dir{Parent: d, Path: strings.Join(parts[:i+1], "/"), Mode: mode(i + 1), ModeKnown: true, UID: 1001, GID: 1002, OwnerKnown: true}
		p.Enter(d)
	}
	return &File{Dir: d, Name: []byte(parts[len(parts)-1]), Kind: kind, Mode: mode(len(parts)), ModeKnown: true, UID: uid, GID: gid, OwnerKnown: true}
}

// TestWhoCanReachIt goes through what the rules about the web server say, and
// what they propose.
func TestWhoCanReachIt(t *testing.T) {
	www := Options{WebServer: &Identity{UID: 33, GIDs: []uint32{33, 44}}}
	with := func(profile string) Options { o := www; o.Profile = profile; return o }
	guessed := func(profile string) Options { return Options{Profile: profile, Guessed: www.WebServer} }
	own := func(modes string) Options {
		o := www
		o.File, o.Open = "own.yaml", files{"own.yaml": "expect: [{path: \"**\", " + modes + "}]"}.open
		return o
	}
	shared := with("wordpress")
	shared.Names = &Names{Members: map[uint32][]uint32{100: {1001, 1005}, 1002: {1001}, 44: {33, 1009}, 7: {0, 4, 33, 1001}}}
	tests := []struct {
		o        Options
		path     string
		kind     Kind
		uid, gid uint32
		modes    []Mode
		want     string // "rule→mode", those of reachIDs and secret-exposed
	}{
		{www, "a", KindFile, 1001, 1002, []Mode{0o755, 0o644}, ""},
		{www, "a", KindFile, 1001, 1002, []Mode{0o755, 0o640}, "web-unreadable→0644"},
		{www, "a", KindFile, 1001, 44, []Mode{0o755, 0o640}, ""},
		{www, "a", KindFile, 1001, 44, []Mode{0o755, 0o604}, "web-unreadable→0644"},
		{www, "a", KindFile, 33, 44, []Mode{0o755, 0o044}, "web-unreadable→0644"},
		{www, "a", KindFile, 1001, 1002, []Mode{0o750, 0o640}, ""}, // below the one that bars
		{www, "d", KindDir, 1001, 1002, []Mode{0o750, 0o700}, ""},
		{www, ".", KindDir, 1001, 1002, []Mode{0o750}, "web-untraversable→0755"},
		{www, "d", KindDir, 1001, 1002, []Mode{0o755, 0o744}, "web-untraversable→0755"},
		{www, ".git", KindDir, 1001, 1002, []Mode{0o755, 0o700}, ""},
		{www, "a/.git/config", KindFile, 1001, 1002, []Mode{0o755, 0o755, 0o755, 0o640}, ""},
		{www, ".gitignore", KindFile, 1001, 1002, []Mode{0o755, 0o640}, "web-unreadable→0644"},
		{own("files: {forbid: o+r}"), "a", KindFile, 1001, 1002, []Mode{0o755, 0o640}, ""},
		{own("files: {forbid: o+w}"), "a", KindFile, 1001, 1002, []Mode{0o755, 0o640}, "web-unreadable→0644"},
		{Options{Guessed: &Identity{}}, "a", KindFile, 1001, 1002, []Mode{0o755, 0o600}, ""},
		{www, ".ssh", KindDir, 1001, 1002, []Mode{0o755, 0o700}, ""},
		{www, ".ssh/x", KindFile, 1001, 1002, []Mode{0o755, 0o755, 0o600}, ""},
		{www, ".env", KindFile, 1001, 1002, []Mode{0o755, 0o600}, ""},
		{www, ".htaccess", KindFile, 1001, 1002, []Mode{0o755, 0o600}, ""}, // htaccess-unreadable has it
		{www, ".htpasswd", KindFile, 1001, 1002, []Mode{0o755, 0o640}, "htpasswd-unreadable"},
		{www, ".htpasswd", KindFile, 1001, 33, []Mode{0o755, 0o640}, ""},
		{Options{}, ".htpasswd", KindFile, 1001, 1002, []Mode{0o755, 0o640}, ""},
		{Options{}, "a", KindFile, 1001, 1002, []Mode{0o755, 0o600}, ""},
		{Options{}, ".", KindDir, 1001, 1002, []Mode{0o700}, ""},
		{Options{WebServer: &Identity{}}, "d", KindDir, 1001, 1002, []Mode{0o755, 0}, ""}, // root

		// A script that the account runs is not read by the web server.
		{with("wordpress+cpanel"), "x.php", KindFile, 1001, 1002, []Mode{0o755, 0o640}, ""},
		{with("wordpress+cpanel"), "x.css", KindFile, 1001, 1002, []Mode{0o755, 0o640}, "web-unreadable→0644"},
		{with("wordpress+mod-php"), "x.php", KindFile, 1001, 1002, []Mode{0o755, 0o640}, "web-unreadable→0644"},
		{with("wordpress"), "x.php", KindFile, 1001, 1002, []Mode{0o755, 0o640}, "web-unreadable→0644"},
		{guessed("wordpress"), "x.php", KindFile, 1001, 1002, []Mode{0o755, 0o640}, ""},
		{guessed("wordpress+mod-php"), "x.php", KindFile, 1001, 1002, []Mode{0o755, 0o640}, "web-unreadable→0644"},
		{with("wordpress+mod-php"), "wp-config.php", KindFile, 1001, 1002, []Mode{0o755, 0o600}, "web-unreadable"},
		{with("wordpress"), "wp-config.php", KindFile, 1001, 1002, []Mode{0o755, 0o600}, ""},
		// What a policy keeps private is as it should be.
		{with("nextcloud+shared-suexec"), "config/config.php", KindFile, 1001, 1002, []Mode{0o755, 0o755, 0o640}, ""},
		{with("nextcloud"), "data", KindDir, 1001, 1002, []Mode{0o755, 0o770}, ""},
		{with("nextcloud"), "data", KindDir, 1001, 1002, []Mode{0o755, 0o700}, ""},

		{with("wordpress+mod-php"), "wp-content/uploads", KindDir, 1001, 33, []Mode{0o755}, "php-unwritable→0775"},
		{with("wordpress+mod-php"), "wp-content/uploads", KindDir, 1001, 33, []Mode{0o755, 0o755, 0o775}, ""},
		{with("wordpress+mod-php"), "wp-content/uploads", KindDir, 33, 33, []Mode{0o755}, ""},
		{with("wordpress+mod-php"), "wp-content/uploads", KindDir, 1001, 1002, []Mode{0o755}, "php-unwritable"},
		{with("wordpress+mod-php"), "wp-content/uploads/2026", KindDir, 1001, 33, []Mode{0o755}, ""}, // said of uploads
		{with("wordpress+mod-php"), "wp-content/themes", KindDir, 1001, 33, []Mode{0o755}, ""},
		{Options{Profile: "wordpress+mod-php"}, "wp-content/uploads", KindDir, 1001, 33, []Mode{0o755}, ""}, // nobody knows who PHP is
		{with("wordpress"), "wp-content/uploads", KindDir, 1001, 33, []Mode{0o755}, ""},
		{with("wordpress+cpanel"), "wp-content/uploads", KindDir, 1001, 1002, []Mode{0o755}, ""},
		{with("wordpress+cpanel"), "wp-content/uploads", KindDir, 1001, 1002, []Mode{0o755, 0o755, 0o555}, "php-unwritable→0755"},
		{with("wordpress+cpanel"), "wp-content/uploads", KindDir, 0, 0, []Mode{0o755}, "php-unwritable"},
		{with("wordpress+cpanel"), "wp-content/uploads", KindDir, 1005, 1005, []Mode{0o755, 0o755, 0o775}, ""}, // the account may be in that group

		{with("wordpress+mod-php"), ".", KindDir, 33, 33, []Mode{0o755}, "code-writable"},
		{with("wordpress"), ".", KindDir, 33, 33, []Mode{0o755}, ""}, // the site may be its own
		{with("wordpress+cpanel"), "x.php", KindFile, 33, 33, []Mode{0o755, 0o644}, ""},
		{with("wordpress"), "x.php", KindFile, 33, 33, []Mode{0o755, 0o644}, "code-writable"},
		{with("wordpress"), "x.png", KindFile, 33, 33, []Mode{0o755, 0o644}, ""},
		{with("wordpress"), "x.php", KindFile, 1001, 44, []Mode{0o755, 0o664}, "code-writable→0644"}, // file-mode's
		{with("wordpress"), "x.php", KindFile, 1001, 1002, []Mode{0o755, 0o646}, ""},                 // world-writable's
		{with("wordpress"), "wp-content/uploads", KindDir, 33, 33, []Mode{0o755}, ""},
		{with("wordpress"), "wp-content/plugins", KindDir, 33, 33, []Mode{0o755}, "code-writable"},
		{www, "x.php", KindFile, 33, 33, []Mode{0o755, 0o644}, ""}, // nobody says what is written

		{shared, ".env", KindFile, 1001, 100, []Mode{0o755, 0o640}, "secret-exposed"},
		{shared, ".env", KindFile, 1001, 1002, []Mode{0o755, 0o640}, ""},
		{shared, ".env", KindFile, 1001, 44, []Mode{0o755, 0o640}, ""}, // the web server's
		{shared, ".env", KindFile, 1001, 7, []Mode{0o755, 0o640}, ""},
		{shared, ".env", KindFile, 1001, 100, []Mode{0o755, 0o600}, ""},
		{shared, "a.txt", KindFile, 1001, 100, []Mode{0o755, 0o644}, ""},
	}
	for _, tt := range tests {
		p := mustNew(t, tt.o)
		f := owned(p, tt.path, tt.kind, tt.uid, tt.gid, tt.modes...)
		var got []string
		for _, x := range p.Evaluate(nil, f) {
			if !slices.Contains(append(reachIDs, "secret-exposed"), x.Rule.ID) {
				continue
			}
			said := x.Rule.ID
			if x.Change != None {
				said += "→" + x.Want.String()
			}
			got = append(got, said)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s, %s %v %d:%d %v: found %q, want %q", p.Name(), tt.path, tt.kind, tt.uid, tt.gid, tt.modes, s, tt.want)
		}
	}
}

// TestBarredFromAbove holds that a directory above the web root that bars the
// web server is told once, with its path, and nothing below it.
func TestBarredFromAbove(t *testing.T) {
	p := mustNew(t, Options{WebServer: &Identity{UID: 33}})
	var w Way
	for _, d := range []*Dir{{Path: "/", Mode: 0o755}, {Path: "/home", Mode: 0o710}, {Path: "/home/a", Mode: 0o700}} {
		d.ModeKnown, d.OwnerKnown = true, true
		w = p.Down(w, d)
	}
	root := &File{Name: []byte("."), Kind: KindDir, Mode: 0o700, ModeKnown: true, UID: 1001, OwnerKnown: true, Above: &w}
	got := slices.DeleteFunc(p.Evaluate(nil, root), func(x Finding) bool { return x.Rule.ID != "web-untraversable" })
	if len(got) != 1 || got[0].Blocker != "/home" || got[0].Set != 0 || !strings.Contains(got[0].Detail, "above the web root") {
		t.Errorf("of the web root: %+v", got)
	}
	d := &Dir{Path: ".", Mode: 0o700, ModeKnown: true, UID: 1001, OwnerKnown: true, Above: &w}
	for _, entered := range []bool{false, true} {
		if entered {
			p.Enter(d)
		}
		f := &File{Dir: d, Name: []byte("a"), Kind: KindFile, Mode: 0o600, ModeKnown: true, UID: 1001, OwnerKnown: true}
		if got := ids(p.Evaluate(nil, f)); !slices.Equal(got, []string{"file-mode"}) {
			t.Errorf("entered %v: below it: %v", entered, got)
		}
	}
}

// TestOpeningKeepsToThePolicy goes through random entries, owners, identities
// and profiles: where nobody knows the web server the new rules are silent; what
// is proposed is a mode that the policy has, opens nothing that is secret, and
// leaves nothing of the rule that proposed it; Enter changes nothing.
func TestOpeningKeepsToThePolicy(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	pick := func(n ...uint32) uint32 { return n[rnd.IntN(len(n))] }
	paths := []string{".", "x.css", "a/b.php", "wp-content/uploads", "wp-content/uploads/2026", "wp-config.php", ".env", "var/cache", "data",
		"app/etc/env.php", "storage/logs", "sites/default/files", ".htaccess", ".htpasswd", ".ssh/id_rsa", "cgi-bin/x", "static/x.js"}
	raised, cache := map[string]int{}, policyCache{}
	for range 60_000 {
		profile := []string{"default", "wordpress", "wordpress+cpanel", "wordpress+mod-php", "magento+mod-php", "laravel+shared-group", "nextcloud+mod-php",
			"static", "drupal+shared-suexec"}[rnd.IntN(9)]
		id := &Identity{UID: pick(33, 1001), GIDs: []uint32{pick(33, 44)}}
		p := cache.get(t, profile, id)
		kind := []Kind{KindFile, KindDir}[rnd.IntN(2)]
		modes := []Mode{0o755, 0o755, Mode(rnd.IntN(0o10000))}
		if rnd.IntN(3) == 0 {
			modes[rnd.IntN(2)] = Mode(rnd.IntN(0o1000))
		}
		path := paths[rnd.IntN(len(paths))]
		f := owned(p, path, kind, pick(1001, 33, 0), pick(1002, 44, 33), modes...)
		f.Mode = modes[2]
		found := p.Evaluate(nil, f)
		for _, x := range found {
			if slices.Contains(reachIDs, x.Rule.ID) {
				raised[x.Rule.ID]++
				checkOpening(t, p, f, x, found)
			}
		}
		plain := *f
		plain.Dir = unentered(f.Dir)
		if again := p.Evaluate(nil, &plain); fmt.Sprint(ids(again)) != fmt.Sprint(ids(found)) {
			t.Fatalf("%s: %s %v: %v, and %v where nobody entered the directories", profile, path, f.Mode, ids(found), ids(again))
		}
		for _, x := range cache.get(t, profile, nil).Evaluate(nil, &plain) {
			if slices.Contains(reachIDs[:3], x.Rule.ID) || x.Rule.ID == "code-writable" {
				t.Fatalf("%s: %s %v: %s without a web server", profile, path, f.Mode, x.Rule.ID)
			}
		}
	}
	for _, id := range reachIDs {
		if raised[id] < 50 {
			t.Errorf("%s was raised %d times only: %v", id, raised[id], raised)
		}
	}
}

// checkOpening holds one finding to what is promised of it.
func checkOpening(t *testing.T, p *Policy, f *File, x Finding, found []Finding) {
	t.Helper()
	if x.Set == 0 {
		return
	}
	secret := f.Kind == KindFile && p.secret(f)
	if secret || x.Change == None || x.Clear != 0 {
		t.Fatalf("%s: %s %v: %s sets %v, secret %v", p.Name(), f.Path(), f.Mode, x.Rule.ID, x.Set, secret)
	}
	if modes := p.modesOf(f); !modes.right(x.Want) {
		t.Fatalf("%s: %s %v: %v leads to %v, which the policy does not have", p.Name(), f.Path(), f.Mode, ids(found), x.Want)
	}
	fixed := *f
	fixed.Mode = x.Want
	for _, left := range p.Evaluate(nil, &fixed) {
		if left.Rule == x.Rule {
			t.Fatalf("%s: %s %v: repaired to %v, it still breaks %s", p.Name(), f.Path(), f.Mode, x.Want, x.Rule.ID)
		}
	}
}

// policyCache saves building the same few policies again.
type policyCache map[string]*Policy

func (c policyCache) get(t *testing.T, profile string, id *Identity) *Policy {
	t.Helper()
	key := fmt.Sprint(profile, id)
	if c[key] == nil {
		c[key] = mustNew(t, Options{Profile: profile, WebServer: id})
	}
	return c[key]
}

// unentered copies directories as nobody entered them.
func unentered(d *Dir) *Dir {
	if d == nil {
		return nil
	}
	return &Dir{Parent: unentered(d.Parent), Path: d.Path, Mode: d.Mode, ModeKnown: d.ModeKnown, UID: d.UID, GID: d.GID, OwnerKnown: d.OwnerKnown, Above: d.Above}
}

// TestGuessTakesNothing holds that no reader is taken from a secret because of a
// guess, as one is where somebody says who the web server is; and that root is
// no guess.
func TestGuessTakesNothing(t *testing.T) {
	id := &Identity{UID: 33, GIDs: []uint32{44}}
	for _, tt := range []struct {
		o    Options
		want Mode
	}{
		{Options{Profile: "wordpress", WebServer: id}, 0o640},
		{Options{Profile: "wordpress", Guessed: id}, 0o644},
		{Options{Profile: "wordpress"}, 0o644},
		{Options{Profile: "wordpress", Guessed: &Identity{}}, 0o644},
	} {
		p := mustNew(t, tt.o)
		f := owned(p, "wp-config.php", KindFile, 1001, 44, 0o755, 0o644)
		if got := p.Evaluate(nil, f); len(got) == 0 || got[0].Want != tt.want {
			t.Errorf("given %v, guessed %v: found %+v, want %v", tt.o.WebServer, tt.o.Guessed, got, tt.want)
		}
	}
	if is, guessed := mustNew(t, Options{Guessed: &Identity{}}).WebServer(); is != nil || guessed {
		t.Errorf("root is taken for the web server: %+v", is)
	}
	if is, guessed := mustNew(t, Options{Guessed: id, WebServer: &Identity{UID: 5}}).WebServer(); is.UID != 5 || guessed {
		t.Errorf("a guess comes before what is said: %+v", is)
	}
}

// TestKeepsWriting: where PHP runs as the web server and writes by the bits of
// others, taking them away would stop the site, and nothing is proposed.
func TestKeepsWriting(t *testing.T) {
	web := &Identity{UID: 33, GIDs: []uint32{33}}
	for _, test := range []struct {
		profile, path string
		gid           uint32
		web           *Identity
		want          string
	}{
		{"wordpress+mod-php", "wp-content/uploads", 1002, web, "none"},
		{"wordpress+mod-php", "wp-content/uploads", 33, web, "tighten"},
		{"wordpress+mod-php", "wp-content/plugins", 1002, web, "tighten"},
		{"wordpress+mod-php", "wp-content/uploads", 1002, nil, "tighten"},
		{"wordpress+cpanel", "wp-content/uploads", 1002, web, "tighten"},
	} {
		f := at(test.path, KindDir, 0o777)
		f.GID = test.gid
		for _, x := range mustNew(t, Options{Profile: test.profile, WebServer: test.web}).Evaluate(nil, f) {
			says := strings.Contains(x.Detail, "ask the host to give it to the web server's group")
			if string(x.Change) != test.want && x.Change != None || says != (test.want == "none") || says && x.Want != f.Mode {
				t.Errorf("%s %s %d: %s %s to %v: %s", test.profile, test.path, test.gid, x.Rule.ID, x.Change, x.Want, x.Detail)
			}
		}
	}
}
