package audit

import (
	"context"
	"errors"
	"strings"
	"testing"

	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/fastlane"
)

const testPasswd = `root:x:0:0:root:/root:/bin/sh
alice:x:1001:1001::/home/alice:/bin/sh
bob:x:1002:100::/home/bob:/bin/sh
nobody:x:99:99::/:/sbin/nologin
`

const testGroup = "alice:x:1001:\nusers:x:100:alice\nnobody:x:99:\nweb:x:44:www-data,nobody\n"

// TestGuessWebServer holds that an account is only taken for the web server's
// where there is no other that could be.
func TestGuessWebServer(t *testing.T) {
	const www, nginx = "www-data:x:33:33::/:/bin/false\n", "nginx:x:101:102::/:/bin/false\n"
	for _, tt := range []struct {
		more     string
		profiles []string
		uid      uint32
		note     string // the beginning of
	}{
		{"", nil, 0, ""},
		{www, nil, 33, "the web server is taken to run as www-data (33:33,44), "},
		{nginx, []string{"default", "wordpress"}, 101, "the web server is taken to run as nginx (101:102), "},
		{www + nginx, nil, 0, "who the web server runs as is not known, and may be www-data (33:33,44) or nginx (101:102): "},
		{www, []string{"default", "shared-suexec", "cpanel"}, 99, "the web server is taken to run as nobody (99:99,44), "},
	} {
		id, note := GuessWebServer(remote.ParseIdentities([]byte(testPasswd+tt.more), []byte(testGroup)), tt.profiles)
		if !strings.HasPrefix(note, tt.note) || tt.note == "" && note != "" {
			t.Errorf("%q, %v: note %q", tt.more, tt.profiles, note)
		}
		if (id == nil) != (tt.uid == 0) || id != nil && id.UID != tt.uid {
			t.Errorf("%q, %v: %+v", tt.more, tt.profiles, id)
		}
	}
	if id, note := GuessWebServer(nil, nil); id != nil || note != "" || NamesOf(nil) != nil {
		t.Error("something is known of nobody's accounts")
	}
}

// fakeAround shows accounts, and nothing else.
type fakeAround struct{ ids *remote.Identities }

func (l fakeAround) Around(_ context.Context, _ string, paths []string, each func(int, remote.Attr, error)) (*remote.Around, error) {
	for i := range paths {
		each(i, remote.Attr{}, remote.ErrNotExist)
	}
	return &remote.Around{Identities: l.ids, Above: []remote.Above{{Path: "/"}}}, nil
}

// TestNamesOf has a server's accounts recognise cPanel, find the web server's
// groups, and tell who else is in a secret's group.
func TestNamesOf(t *testing.T) {
	l := fakeAround{remote.ParseIdentities([]byte(testPasswd), []byte(testGroup))}
	root := remote.Attr{Flags: fastlane.AttrPermissions | fastlane.AttrUIDGID, Mode: fastlane.TypeDir | 0o750, UID: 1001, GID: 99}
	around, err := LookAround(t.Context(), l, "/home/alice/public_html", root, true)
	if err != nil || len(around.Recognised) != 1 || around.Recognised[0].Profile != "cpanel" || len(around.Above) != 1 {
		t.Fatalf("recognised %+v, %v", around, err)
	}
	names := around.Names
	p, err := policy.New(policy.Options{File: "x.yaml", Names: names, Open: func(string) ([]byte, error) {
		return []byte("extends: [default]\nweb: {user: nobody}"), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if id, guessed := p.WebServer(); guessed || id == nil || id.UID != 99 || len(id.GIDs) != 2 || id.GIDs[0] != 44 || id.GIDs[1] != 99 {
		t.Errorf("the web server is %+v", id)
	}
	w := &tree{nodes: []node{dir(".", 0o755), file(".env", 0o640), file("b/.env", 0o640)}}
	w.nodes[1].attr = &remote.Attr{Flags: everything, Mode: fastlane.TypeRegular | 0o640, UID: 1001, GID: 100}
	w.nodes[2] = file("id_rsa", 0o640)
	w.nodes[2].attr = &remote.Attr{Flags: everything, Mode: fastlane.TypeRegular | 0o640, UID: 1001, GID: 1001}
	r, err := Run(t.Context(), w, "/home/alice/public_html", p, Options{})
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Path != ".env" || r.Findings[0].Rule != "secret-exposed" {
		t.Errorf("found %+v, %v", r.Findings, err)
	}
}

// TestAboveNote holds that what was not seen above a web root is said in one
// sentence, and is no gap.
func TestAboveNote(t *testing.T) {
	seen := remote.Attr{Flags: everything, Mode: fastlane.TypeDir | 0o755}
	closed := remote.Attr{Flags: everything, Mode: fastlane.TypeDir | 0o711, UID: 1001}
	above := []remote.Above{{Path: "/", Attr: seen}, {Path: "/ho\x1bme", Err: remote.ErrPermission}, {Path: "/home/a", Err: errors.New("\x1b")}}
	const want = `whether the web server gets through to the web root is not known: of the directories above it "/ho\x1bme" and 1 more was not seen (permission denied)`
	if got := AboveNote(above); got != want {
		t.Errorf("got %q", got)
	}
	if got := AboveNote(above[:1]); got != "" {
		t.Errorf("got %q", got)
	}
	p, err := policy.New(policy.Options{WebServer: &policy.Identity{UID: 33}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		above []remote.Above
		want  string
	}{
		{above, ""},
		{[]remote.Above{{Path: "/", Attr: seen}, {Path: "/home", Attr: closed}}, ""},
		{[]remote.Above{{Path: "/", Attr: seen}, {Path: "/ho\x1bme", Attr: remote.Attr{Flags: everything, Mode: fastlane.TypeDir | 0o710}}}, `everything; ask the host: "/ho\x1bme"`},
	} {
		w := &tree{nodes: []node{dir(".", 0o755), file("a", 0o644)}}
		r, err := Run(t.Context(), w, "/home/a", p, Options{Above: tt.above})
		if err != nil || !r.Complete {
			t.Errorf("complete %v, %v", r.Complete, err)
		}
		switch {
		case tt.want == "" && len(r.Findings) == 0:
		case len(r.Findings) != 1 || r.Findings[0].Path != "." || r.Findings[0].Rule != "web-untraversable" || !strings.HasSuffix(r.Findings[0].Detail, tt.want):
			t.Errorf("%v: found %+v", tt.above, r.Findings)
		}
	}
}
