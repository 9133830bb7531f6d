package policy

import (
	"path"
	"slices"
	"strings"
	"testing"
)

var kindLetters = map[Kind]byte{
	KindUnknown: '?', KindFile: 'f', KindDir: 'd', KindSymlink: 'l',
	KindFIFO: 'p', KindSocket: 's', KindCharDevice: 'c', KindBlockDevice: 'b',
}

// place is where an entry lies, and who asks.
type place struct {
	path   string
	server *Identity
	above  Mode // of the directory just below the root, if there is one
}

// places has every kind of name; where the web server's identity matters, also
// every kind of server, and directories above that let it through or do not.
func places() []place {
	var out []place
	for _, p := range []string{
		"index.php", "wp-content/uploads/a.png", ".htaccess.old", "wp-config.php", "blog/wp-config.php", "configuration.php",
		"settings.php", "sites/default/settings.php", "app/etc/env.php", "env.php", "app/etc/local.xml", "layout/local.xml",
		".env", ".env.local", ".env.example", ".env.sample", ".env.dist", ".env.local.template", ".htpasswd", "server.key", "cacert.pem", "privkey.pem",
		".ssh", "a/.ssh", ".ssh/authorized_keys", ".ssh/id_rsa.pub", "a/.ssh/sub/x", "a/x.ssh/y",
	} {
		out = append(out, place{p, nil, 0o755})
	}
	for _, server := range []*Identity{nil, {UID: 0}, {UID: 1001}, {UID: 33, GIDs: []uint32{5, 1002}}, {UID: 33, GIDs: []uint32{33}}} {
		out = append(out, place{".htaccess", server, 0})
		for _, above := range []Mode{0o755, 0o700, 0o710, 0o701, 0o677} {
			out = append(out, place{"blog/.htaccess", server, above}, place{"blog/sub/.htaccess", server, above})
		}
	}
	return out
}

// file builds the entry and the chain of directories above it, all owned by
// 1001:1002.
func (p place) file(kind Kind, mode Mode) *File {
	root := &Dir{Path: ".", Mode: 0o755, ModeKnown: true, UID: 1001, GID: 1002, OwnerKnown: true}
	dir := root
	parts := strings.Split(p.path, "/")
	for i := range parts[:len(parts)-1] {
		m := Mode(0o2755)
		if i == 0 {
			m = p.above
		}
		dir = &Dir{Parent: dir, Path: strings.Join(parts[:i+1], "/"), Mode: m, ModeKnown: true, UID: 1001, GID: 1002, OwnerKnown: true}
	}
	return &File{Dir: dir, Name: []byte(parts[len(parts)-1]), Kind: kind, Mode: mode, ModeKnown: true,
		UID: 1001, GID: 1002, OwnerKnown: true}
}

func (p place) subject(f *File) *subject {
	s := &subject{path: p.path, kind: kindLetters[f.Kind], mode: uint16(f.Mode), sent: f.ModeKnown, uid: 1001, gid: 1002, server: p.server}
	for d := f.Dir; d != nil; d = d.Parent {
		s.above = append(s.above, uint16(d.Mode))
	}
	return s
}

func mustNew(t testing.TB, o Options) *Policy {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ids(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, f.Rule.ID)
	}
	return out
}

func hasID(f Finding, id string) bool { return f.Rule.ID == id }

// TestEveryMode goes through all modes, kinds and places: the findings are the
// oracle's, what is proposed keeps every promise, and a repaired entry passes.
func TestEveryMode(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short")
	}
	var findings, again []Finding
	var want []string
	for _, where := range places() {
		p := mustNew(t, Options{WebServer: where.server})
		for kind := range kindLetters {
			if where.server != nil && kind != KindFile {
				continue // the server's identity matters for files alone
			}
			f := where.file(kind, 0)
			told := where.subject(f)
			secret := mayBeTighter(told)
			for mode := Mode(0); mode <= AllBits; mode++ {
				f.Mode, told.mode = mode, uint16(mode)
				findings = p.Evaluate(findings[:0], f)
				if want = expected(want[:0], told); !slices.EqualFunc(findings, want, hasID) {
					t.Fatalf("%s %v %v, server %v: found %v, want %v", where.path, kind, mode, where.server, ids(findings), want)
				}
				checkPromises(t, where, f, findings, secret)
				if len(findings) == 0 || findings[0].Change == None {
					continue
				}
				repaired := *f
				repaired.Mode = findings[0].Want
				again = p.Evaluate(again[:0], &repaired)
				for _, left := range again {
					blocked := left.Rule.ID == "htaccess-unreadable" && (left.Blocker != "" || kind == KindDir)
					if left.Change != None || left.Rule.ID != "secret-exposed" && !blocked {
						t.Fatalf("%s %v %v: repaired to %v, it still breaks %s (%s)", where.path, kind, mode, repaired.Mode, left.Rule.ID, left.Change)
					}
				}
			}
		}
	}
}

func checkPromises(t *testing.T, where place, f *File, findings []Finding, secret bool) {
	t.Helper()
	for _, x := range findings {
		adds, removes := x.Want&^f.Mode, f.Mode&^x.Want
		switch {
		case x.Want != findings[0].Want || x.Change != findings[0].Change:
			t.Fatalf("%s %v: findings disagree on what the mode becomes", where.path, f.Mode)
		case x.Change == None && adds|removes != 0,
			x.Change == Tighten && (adds != 0 || removes == 0),
			x.Change == Loosen && (adds == 0 || removes != 0),
			x.Change == Mixed && (adds == 0 || removes == 0):
			t.Fatalf("%s %v: going to %v is called %s", where.path, f.Mode, x.Want, x.Change)
		case secret && adds != 0:
			t.Fatalf("%s %v: a secret is loosened to %v", where.path, f.Mode, x.Want)
		case f.Kind == KindDir && (adds|removes)&^PermBits != 0:
			t.Fatalf("%s %v: special bits of a directory change to %v", where.path, f.Mode, x.Want)
		case x.Change != None && f.Kind != KindFile && f.Kind != KindDir:
			t.Fatalf("%s: a change of a %v is proposed", where.path, f.Kind)
		case x.Change != None && strings.Contains("/"+where.path+"/", "/.ssh/") && (f.Kind == KindDir || path.Base(where.path) != ".ssh"):
			t.Fatalf("%s: a change in .ssh is proposed", where.path)
		case x.Severity < Low || x.Severity > x.Rule.Severity:
			t.Fatalf("%s %v: %s reports %v", where.path, f.Mode, x.Rule.ID, x.Severity)
		case x.Detail == "":
			t.Fatalf("%s %v: %s has no detail", where.path, f.Mode, x.Rule.ID)
		case x.Blocker != "" && x.Blocker != "blog":
			t.Fatalf("%s: blocked by %q", where.path, x.Blocker)
		}
	}
}

// TestModeNotSent holds that nothing but mode-unknown speaks of an entry whose
// mode was not sent, and that a symlink is left in peace either way.
func TestModeNotSent(t *testing.T) {
	for _, where := range places() {
		p := mustNew(t, Options{WebServer: where.server})
		for kind := range kindLetters {
			f := where.file(kind, 0)
			f.ModeKnown = false
			want := expected(nil, where.subject(f))
			if got := p.Evaluate(nil, f); !slices.Equal(ids(got), want) {
				t.Errorf("%s, %v: found %v, want %v", where.path, kind, ids(got), want)
			} else if len(got) > 0 && got[0].Change != None {
				t.Errorf("%s, %v: a change of an unknown mode is proposed", where.path, kind)
			}
		}
	}
}

func TestRootInSSH(t *testing.T) {
	f := &File{Name: []byte("authorized_keys"), Dir: &Dir{Path: ".", Mode: 0o700, ModeKnown: true}, Kind: KindFile, Mode: 0o666, ModeKnown: true}
	p := mustNew(t, Options{})
	if got := p.Evaluate(nil, f); got[0].Change == None {
		t.Fatal("a plain file of that name is left alone")
	}
	f.RootInSSH = true
	for _, x := range p.Evaluate(nil, f) {
		if x.Change != None || x.Clear|x.Set != 0 {
			t.Errorf("%s proposes %s", x.Rule.ID, x.Change)
		}
	}
}

// TestConflict makes up rules that want opposite things.
func TestConflict(t *testing.T) {
	proposing := func(id string, clearBits, setBits Mode) *Rule {
		return &Rule{ID: id, Severity: Low, Check: func(*Policy, *File) (Finding, bool) {
			return Finding{Severity: Low, Detail: "made up", Clear: clearBits, Set: setBits}, true
		}}
	}
	p := newPolicy("made up", []*Rule{
		proposing("shut", 0o004, 0), proposing("other", 0o020, 0), proposing("open", 0, 0o044),
	}, nil)
	got := p.Evaluate(nil, &File{Name: []byte("x"), Kind: KindFile, Mode: 0o620, ModeKnown: true})
	if want := []string{"open", "other", "shut"}; !slices.Equal(ids(got), want) {
		t.Fatalf("found %v, want %v", ids(got), want)
	}
	const why = "made up; no change is proposed, because the rules disagree: shut clears 0004, which open sets"
	for _, x := range got {
		if x.Change != None || x.Want != 0o620 || x.Detail != why {
			t.Errorf("%s: %s to %v: %s", x.Rule.ID, x.Change, x.Want, x.Detail)
		}
	}
}

// TestAppends holds that Evaluate leaves what is already in dst alone.
func TestAppends(t *testing.T) {
	p := mustNew(t, Options{})
	dst := p.Evaluate(nil, &File{Name: []byte("a"), Kind: KindFile, Mode: 0o600, ModeKnown: true})
	before := dst[0]
	dst = p.Evaluate(dst, &File{Name: []byte("b"), Kind: KindDir, Mode: 0o777, ModeKnown: true})
	if len(dst) != 3 || dst[0].Want != before.Want || dst[0].Change != Loosen || dst[1].Change != Tighten {
		t.Errorf("got %+v", dst)
	}
}
