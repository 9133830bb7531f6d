package policy

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestTextDecidesAlike holds that the text of a policy, read as a policy, finds
// the same, but for where its lines are said to stand.
func TestTextDecidesAlike(t *testing.T) {
	open := files{"own.yaml": `
extends: [wordpress, mod-php]
web: {user: 33, groups: 1002}
severity: {file-mode: high}
expect:
  - {path: "logs/**", files: {forbid: o+w}, owner: 1, secret: true}
  - {role: writable, group: [5, 6]}
ignore:
  - {path: cache, reason: "x: y"}
`}
	for _, o := range []Options{{}, {Profile: "wordpress+cpanel"}, {Profile: "magento+shared-group"}, {Profile: "plesk+drupal"},
		{Recognised: []string{"wordpress", "mod-php"}}, {File: "own.yaml"}} {
		o.Open = open.open
		p := mustNew(t, o)
		again := mustNew(t, Options{File: "all.yaml", Open: files{"all.yaml": p.Text()}.open})
		for _, path := range []string{".", "x/y.php", "wp-config.php", "wp-content/uploads", "wp-content/uploads/a", "logs/a", "cache", "app/etc/env.php",
			"var/x", "sites/default/settings.php", ".env"} {
			for _, kind := range []Kind{KindFile, KindDir} {
				f := at(path, kind, 0)
				for f.Mode = range PermBits + 1 {
					a, b := p.Evaluate(nil, f), again.Evaluate(nil, f)
					if !slices.EqualFunc(a, b, func(x, y Finding) bool {
						return x.Rule.ID == y.Rule.ID && x.Want == y.Want && x.Severity == y.Severity && x.Change == y.Change
					}) {
						t.Fatalf("%s: %s %v %v: %v to %+v, and by its text %v\n%s", p.Name(), path, kind, f.Mode, ids(a), a, ids(b), p.Text())
					}
				}
			}
		}
	}
}

func TestExplain(t *testing.T) {
	p := own(t, `extends: [wordpress, mod-php]
expect:
  - {path: "*.log", files: {require: "o="}, why: "logs are private"}
  - {path: [x, "a/**"], owner: deploy, group: [1, web]}
ignore:
  - {path: a/old, rules: [file-mode], reason: "moving"}
`)
	for _, c := range []struct {
		path                      string
		kind                      Kind
		mode                      Mode
		modeLine, owner           string
		secret, findings, ignored string
		later                     int
	}{
		{"a/x.log", KindFile, 0o644, "own.yaml:3 *.log: o=", "own.yaml:4 a/**: deploy", "", "file-mode", "", 2},
		{"a/old", KindFile, 0o600, "wordpress:25 **: 0644 (or 0640)", "own.yaml:4 a/**: deploy", "", "", "file-mode", 1},
		{"wp-content/uploads/b", KindFile, 0o664, "mod-php:10 wp-content/uploads/** (writable): 0664 (or 0644, 0660, 0640, 0600)", "", "", "", "", 2},
		{"wp-config.php", KindFile, 0o666, "wordpress:19 wp-config.php: 0640 (or 0440, 0400, 0600)", "", "its name is that of a secret", "file-mode secret-exposed world-writable", "", 2},
		{".", KindDir, 0o700, "default:6 .: 0755", "", "", "dir-mode", "", 0},
		{"pipe", KindFIFO, 0o600, "", "", "", "special-file", "", 2},
		{"link.log", KindSymlink, 0o777, "", "", "", "", "", 3},
	} {
		x := p.Explain(at(c.path, c.kind, c.mode))
		var ignored []string
		for _, i := range x.Ignored {
			ignored = append(ignored, i.Rule)
		}
		if got := words(x.Mode); got != c.modeLine || words(x.Owner) != c.owner || x.Secret != c.secret ||
			strings.Join(ids(x.Findings), " ") != c.findings || strings.Join(ignored, " ") != c.ignored || len(x.Later) != c.later {
			t.Errorf("%s: mode by %q, owner by %q, secret %q, findings %v, ignored %v, later %v", c.path, got, words(x.Owner), x.Secret,
				ids(x.Findings), ignored, x.Later)
		}
		if !reflect.DeepEqual(x.Findings, p.Evaluate(nil, at(c.path, c.kind, c.mode))) {
			t.Errorf("%s: the audit finds something else", c.path)
		}
	}
}

func words(d *Decision) string {
	if d == nil {
		return ""
	}
	role := ""
	if d.Role != "" {
		role = " (" + d.Role + ")"
	}
	return d.Origin + " " + d.Glob + role + ": " + d.Want
}
