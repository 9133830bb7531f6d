package policy

import (
	"slices"
	"strings"
	"testing"
)

// ownedBy makes the directories above an entry, each with its owner: the first is
// the web root's.
func ownedBy(path string, uids ...uint32) *File {
	f := place{path: path, above: 0o755}.file(KindFile, 0o644)
	f.UID = uids[len(uids)-1]
	for d, i := f.Dir, len(uids)-2; d != nil; d, i = d.Parent, i-1 {
		d.UID = uids[i]
	}
	return f
}

func TestForeignOwner(t *testing.T) {
	web := &Identity{UID: 33, GIDs: []uint32{33}}
	own := files{"own.yaml": "extends: [default]\nexpect: [{path: \"a/**\", owner: 7}]"}
	tests := []struct {
		name string
		o    Options
		path string
		uids []uint32
		want string // severity and a part of the detail; "": none
	}{
		{"the account's own", Options{}, "a/x", []uint32{1001, 1001, 1001}, ""},
		{"another's", Options{}, "a/x", []uint32{1001, 1001, 7}, "medium: it belongs to uid 7, and the web root to 1001"},
		{"root's", Options{}, "a/x", []uint32{1001, 1001, 0}, "low: it belongs to uid 0"},
		{"in another's directory", Options{}, "a/x", []uint32{1001, 7, 7}, ""},
		{"in another one's directory", Options{}, "a/x", []uint32{1001, 8, 7}, "medium: it belongs to uid 7"},
		{"the account's in another's", Options{}, "a/x", []uint32{1001, 8, 1001}, ""},
		{"in a root's web root", Options{}, "x", []uint32{0, 1001}, ""},
		{"in the web root", Options{}, "x", []uint32{1001, 7}, "medium"},
		{"the policy has an owner", Options{File: "own.yaml", Open: own.open}, "a/x", []uint32{1001, 1001, 7}, ""},
		{"the policy has another owner", Options{File: "own.yaml", Open: own.open, Only: []string{"foreign-owner"}}, "a/x", []uint32{1001, 1001, 8}, ""},
		{"an upload", Options{Profile: "wordpress", WebServer: web}, "wp-content/uploads/x.png", []uint32{1001, 1001, 33, 33}, ""},
		{"an upload in the account's directory", Options{Profile: "wordpress", WebServer: web}, "wp-content/uploads/x.png", []uint32{1001, 1001, 1001, 33}, ""},
		{"an upload of another's", Options{Profile: "wordpress", WebServer: web}, "wp-content/uploads/x.png", []uint32{1001, 1001, 33, 7}, "medium"},
		{"code of the web server's", Options{Profile: "wordpress", WebServer: web}, "wp-content/plugins/x.php", []uint32{1001, 1001, 1001, 33}, "medium"},
		{"an upload, PHP is the web server", Options{Profile: "wordpress+mod-php"}, "wp-content/uploads/x.png", []uint32{1001, 1001, 33, 33}, ""},
		{"an upload, PHP is the account", Options{Profile: "wordpress+cpanel", WebServer: web}, "wp-content/uploads/x.png", []uint32{1001, 1001, 1001, 33}, "medium"},
	}
	for _, test := range tests {
		f := ownedBy(test.path, test.uids...)
		got := slices.DeleteFunc(mustNew(t, test.o).Evaluate(nil, f), func(x Finding) bool { return x.Rule.ID != "foreign-owner" })
		text := ""
		for _, x := range got {
			text += x.Severity.String() + ": " + x.Detail
			if x.Change != None {
				t.Errorf("%s: a change is proposed", test.name)
			}
		}
		if (test.want == "") != (text == "") || !strings.HasPrefix(text, test.want) {
			t.Errorf("%s: %q, want %q", test.name, text, test.want)
		}
	}
	f := ownedBy("x", 1001, 7)
	f.OwnerKnown = false
	if got := mustNew(t, Options{}).Evaluate(nil, f); len(got) > 0 {
		t.Errorf("an owner that is not known: %v", ids(got))
	}
	f.OwnerKnown, f.Dir.OwnerKnown = true, false
	if got := mustNew(t, Options{}).Evaluate(nil, f); len(got) > 0 {
		t.Errorf("a web root whose owner is not known: %v", ids(got))
	}
}

// TestServed: what is in a web root and not for visitors is found as long as the
// web server can get at it, and its mode is not loosened.
func TestServed(t *testing.T) {
	account, other := &Identity{UID: 1001}, &Identity{UID: 33}
	tests := []struct {
		path string
		kind Kind
		mode Mode
		web  *Identity
		want string // of secret-exposed: severity and a part of the detail
	}{
		{".git", KindDir, 0o755, nil, "high: visitors may be able to fetch the whole history"},
		{"a/.svn", KindDir, 0o711, nil, "high"},
		{".git", KindDir, 0o700, nil, ""},
		{".git", KindDir, 0o700, other, ""},
		{".git", KindDir, 0o700, account, "high"},
		{".git", KindFile, 0o644, nil, ""},
		{".git/config", KindFile, 0o644, nil, ""},
		{".git/objects", KindDir, 0o755, nil, ""},
		{"db.sql", KindFile, 0o644, nil, "high: it looks like a backup"},
		{"wp-config.php.bak", KindFile, 0o604, nil, "high"},
		{"site.zip", KindFile, 0o644, nil, "medium: it may be a backup"},
		{"db.sql", KindFile, 0o600, nil, ""},
		{"db.sql", KindFile, 0o600, account, "high"},
		{"db.sql", KindFile, 0o600, other, ""},
		{"a/db.sql", KindFile, 0o644, nil, ""},
		{"db.sql", KindDir, 0o755, nil, ""},
		{"db.sqlite", KindFile, 0o644, nil, ""},
		{".env", KindFile, 0o600, account, "medium: visitors may be able to fetch it; no mode hides what the account itself serves"},
		{".env", KindFile, 0o600, other, ""},
		{".env", KindFile, 0o600, nil, ""},
		{"wp-config.php", KindFile, 0o600, account, ""},
		{".env", KindFile, 0o200, account, ""},
	}
	for _, test := range tests {
		p := mustNew(t, Options{WebServer: test.web})
		text := ""
		for _, x := range p.Evaluate(nil, at(test.path, test.kind, test.mode)) {
			if x.Change == Loosen || x.Change == Mixed {
				t.Errorf("%s %v: %s loosens it to %v", test.path, test.mode, x.Rule.ID, x.Want)
			}
			if x.Rule.ID == "secret-exposed" {
				text += x.Severity.String() + ": " + x.Detail
			}
		}
		if (test.want == "") != (text == "") || !strings.HasPrefix(text, test.want) {
			t.Errorf("%s %v %v: %q, want %q", test.path, test.kind, test.mode, text, test.want)
		}
	}
	shut := place{path: "a/.git", above: 0o700}.file(KindDir, 0o755)
	for _, x := range mustNew(t, Options{}).Evaluate(nil, shut) {
		if x.Rule.ID == "secret-exposed" {
			t.Errorf("what nobody can reach is found: %s", x.Detail)
		}
	}
}

func TestSymlinkRules(t *testing.T) {
	ignoring := files{"own.yaml": "extends: [default]\nignore: [{path: storage, rules: [symlink-escape], reason: it is meant}]"}
	for _, test := range []struct {
		link *Link
		want string
	}{
		{nil, ""},
		{&Link{}, ""},
		{&Link{Foreign: true}, ""},
		{&Link{Outside: true}, "medium symlink-escape"},
		{&Link{Outside: true, Foreign: true}, "high symlink-escape"},
		{&Link{Outside: true, Hosts: true}, ""},
		{&Link{Dangling: true}, "low symlink-dangling"},
		{&Link{Dangling: true, Outside: true}, "low symlink-dangling"},
	} {
		f := at("storage", KindSymlink, 0o777)
		f.Link = test.link
		var got []string
		for _, x := range mustNew(t, Options{}).Evaluate(nil, f) {
			got = append(got, x.Severity.String()+" "+x.Rule.ID)
			if x.Change != None {
				t.Errorf("%+v: a change is proposed", test.link)
			}
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%+v: %q, want %q", test.link, got, test.want)
		}
		found, ignored := mustNew(t, Options{File: "own.yaml", Open: ignoring.open}).Judge(nil, f)
		if escapes := strings.Contains(test.want, "escape"); escapes != (ignored == 1) || escapes && len(found) > 0 {
			t.Errorf("%+v: %v found, %d ignored", test.link, ids(found), ignored)
		}
	}
}
