package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestNewErrors(t *testing.T) {
	const reach = ", foreign-owner, symlink-escape, symlink-dangling, web-untraversable, web-unreadable, htpasswd-unreadable, php-unwritable, code-writable"
	tests := []struct {
		o    Options
		want string
	}{
		{Options{Profile: "strict"}, `unknown profile "strict": did you mean static?`},
		{Options{Only: []string{"file-mode", "dirmode"}}, `unknown rule "dirmode": did you mean dir-mode?`},
		{Options{Only: []string{"WORLD-WRITEABLE"}}, `unknown rule "WORLD-WRITEABLE": did you mean world-writable?`},
		{Options{Only: []string{"htaccess"}}, `unknown rule "htaccess": did you mean htaccess-unreadable?`},
		{Options{Only: []string{"zzz"}}, `unknown rule "zzz": there are dir-mode, file-mode, world-writable, ` +
			`htaccess-unreadable, setid-file, secret-exposed, special-file, mode-unknown, wrong-owner, wrong-group` + reach},
		{Options{Only: []string{""}}, `unknown rule "": there are dir-mode, file-mode, world-writable, ` +
			`htaccess-unreadable, setid-file, secret-exposed, special-file, mode-unknown, wrong-owner, wrong-group` + reach},
		{Options{Only: []string{"a\x1b[2J"}}, `unknown rule "a\x1b[2J": there are dir-mode, file-mode, world-writable, ` +
			`htaccess-unreadable, setid-file, secret-exposed, special-file, mode-unknown, wrong-owner, wrong-group` + reach},
	}
	for _, tt := range tests {
		if _, err := New(tt.o); err == nil || err.Error() != tt.want {
			t.Errorf("New(%+v): %v, want %s", tt.o, err, tt.want)
		}
	}
}

func TestOnly(t *testing.T) {
	p := mustNew(t, Options{Only: []string{"world-writable", "setid-file", "world-writable"}})
	f := &File{Name: []byte("x"), Kind: KindFile, Mode: 0o4766, ModeKnown: true}
	got := p.Evaluate(nil, f)
	if want := []string{"setid-file", "world-writable"}; !slices.Equal(ids(got), want) {
		t.Fatalf("found %v, want %v", ids(got), want)
	}
	if got[0].Want != 0o764 || got[0].Change != Tighten {
		t.Errorf("wants %v (%s): rules that were not asked for take part", got[0].Want, got[0].Change)
	}
}

// TestHtaccessAlone holds that the rule, without file-mode, gives the web
// server the read bit that it lacks, and nobody else more than 0644 would.
func TestHtaccessAlone(t *testing.T) {
	tests := []struct {
		server *Identity
		most   Mode
	}{{nil, 0o444}, {&Identity{UID: 33}, 0o444}, {&Identity{UID: 33, GIDs: []uint32{1002}}, 0o440}, {&Identity{UID: 1001}, 0o400}}
	for _, tt := range tests {
		p := mustNew(t, Options{Only: []string{"htaccess-unreadable"}, WebServer: tt.server})
		f := place{path: ".htaccess"}.file(KindFile, 0)
		for f.Mode = range AllBits + 1 {
			got := p.Evaluate(nil, f)
			if len(got) == 0 {
				continue
			}
			fixed := *f
			fixed.Mode = got[0].Want
			if got[0].Change != Loosen || fixed.Mode&^f.Mode&^tt.most != 0 || len(p.Evaluate(nil, &fixed)) != 0 {
				t.Fatalf("server %v, %v: %s to %v", tt.server, f.Mode, got[0].Change, fixed.Mode)
			}
		}
	}
}

func TestPolicyIsItsOwn(t *testing.T) {
	server := &Identity{UID: 33, GIDs: []uint32{1002}}
	p := mustNew(t, Options{WebServer: server, Only: []string{"htaccess-unreadable"}})
	server.UID, server.GIDs[0] = 1, 1
	f := place{path: ".htaccess"}.file(KindFile, 0o640)
	if got := p.Evaluate(nil, f); len(got) != 0 {
		t.Error("the policy changed with the caller's identity")
	}
	if p.Name() != DefaultProfile {
		t.Errorf("the policy is named %q", p.Name())
	}
}

// TestCatalogue holds every rule to the form that the documentation relies on.
func TestCatalogue(t *testing.T) {
	want := []string{"dir-mode", "file-mode", "world-writable", "htaccess-unreadable", "setid-file", "secret-exposed", "special-file", "mode-unknown", "wrong-owner", "wrong-group",
		"foreign-owner", "symlink-escape", "symlink-dangling",
		"web-untraversable", "web-unreadable", "htpasswd-unreadable", "php-unwritable", "code-writable"}
	var got []string
	for _, r := range Rules() {
		got = append(got, r.ID)
		if n := strings.Count(r.Doc, ". ") + 1; n < 2 || n > 5 || !strings.HasSuffix(r.Doc, ".") {
			t.Errorf("%s: the doc has %d sentences", r.ID, n)
		}
		if r.Title == "" || strings.HasSuffix(r.Title, ".") || strings.ContainsAny(r.Title+r.Doc, "\n|") {
			t.Errorf("%s: title %q", r.ID, r.Title)
		}
		if r.Severity < Low || r.Severity > Critical || r.Check == nil {
			t.Errorf("%s is not complete", r.ID)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("rules are %v, want %v", got, want)
	}
}

// TestSeverityIsReached holds that a rule's severity is the highest it really
// reports.
func TestSeverityIsReached(t *testing.T) {
	highest := map[string]Severity{}
	own := mustNew(t, Options{File: "own.yaml", Open: files{"own.yaml": "extends: [default]\nexpect: [{path: \"**\", owner: 1, group: 1}]"}.open})
	served := mustNew(t, Options{Profile: "wordpress+mod-php", WebServer: &Identity{UID: 33, GIDs: []uint32{1002}}})
	for _, where := range append(places(), place{path: "wp-content/uploads", above: 0o755}) {
		for kind := range kindLetters {
			for _, mode := range []Mode{0, 0o644, 0o755, 0o4777, 0o1777} {
				f := where.file(kind, mode)
				for _, x := range slices.Concat(own.Evaluate(nil, f), served.Evaluate(nil, f)) {
					highest[x.Rule.ID] = max(highest[x.Rule.ID], x.Severity)
				}
			}
		}
	}
	foreign := place{path: "x", above: 0o755}.file(KindFile, 0o644)
	foreign.UID = 7
	link := place{path: "x", above: 0o755}.file(KindSymlink, 0o777)
	for _, l := range []*Link{{Dangling: true, Outside: true, Foreign: true}, {Outside: true, Foreign: true}} {
		link.Link = l
		for _, x := range slices.Concat(served.Evaluate(nil, link), served.Evaluate(nil, foreign)) {
			highest[x.Rule.ID] = max(highest[x.Rule.ID], x.Severity)
		}
	}
	for _, r := range Rules() {
		if highest[r.ID] != r.Severity {
			t.Errorf("%s reports at most %v, but says %v", r.ID, highest[r.ID], r.Severity)
		}
	}
}

func TestTable(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(Table(), "\n"), "\n")
	if lines[0] != "| Rule | Severity | What it flags |" || len(lines) != 2+len(Rules()) {
		t.Fatalf("the table is\n%s", Table())
	}
	if want := "| `world-writable` | critical | anyone on the server can write to it |"; !slices.Contains(lines, want) {
		t.Errorf("no line %q in\n%s", want, Table())
	}
}
