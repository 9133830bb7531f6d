package policy

import (
	"strings"
	"testing"
)

// TestSymlinkRules says of each symlink one thing, and proposes nothing.
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
