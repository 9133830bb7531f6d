package policy

import (
	"strings"
	"testing"
)

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
