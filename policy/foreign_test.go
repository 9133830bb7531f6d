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
