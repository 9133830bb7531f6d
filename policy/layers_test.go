package policy

import (
	"slices"
	"strings"
	"testing"
)

// wantOf gives what would become of an entry's mode, "" for no finding.
func wantOf(p *Policy, path string, kind Kind, mode Mode) string {
	f := place{path: path, above: 0o755}.file(kind, mode)
	if path == "." {
		f.Dir = nil
	}
	for _, x := range p.Evaluate(nil, f) {
		if x.Rule.ID == "file-mode" || x.Rule.ID == "dir-mode" {
			return x.Want.String()
		}
	}
	return ""
}

// TestOrderOfLayers holds to the documented order: a file before what it
// extends, then hosts, applications and the base, whichever is named first.
func TestOrderOfLayers(t *testing.T) {
	for _, profile := range []string{"wordpress+mod-php", "mod-php+wordpress"} {
		p := mustNew(t, Options{Profile: profile})
		for _, c := range []struct {
			path string
			kind Kind
			mode Mode
			want string
		}{
			{"wp-content/uploads", KindDir, 0o775, ""},          // the host, on what the application calls writable
			{"wp-content/uploads", KindDir, 0o777, "0775"},      //
			{"wp-content/plugins", KindDir, 0o775, "0755"},      // the application
			{"wp-content/plugins", KindDir, 0o750, ""},          //
			{"wp-config.php", KindFile, 0o660, "0640"},          //
			{".", KindDir, 0o750, "0755"},                       // the base
			{"wp-content/uploads/x", KindFile, 0o664, ""},       // the host
			{"wp-content/languages/x", KindFile, 0o664, "0644"}, // the application
		} {
			if got := wantOf(p, c.path, c.kind, c.mode); got != c.want {
				t.Errorf("%s: %s %v becomes %q, want %q", profile, c.path, c.mode, got, c.want)
			}
		}
	}
}

// TestOwnFileComesFirst holds that a file's lines decide before those of what it
// extends, and of files those of the one named first.
func TestOwnFileComesFirst(t *testing.T) {
	open := files{
		"dir/own.yaml":    "extends: [base/a.yaml, ./b.yml, wordpress, cpanel]\nexpect: [{path: x, files: {want: '0600'}}]",
		"dir/base/a.yaml": "extends: [../c.yaml]\nexpect: [{path: [x, y], files: {want: '0611'}}]",
		"dir/b.yml":       "extends: [c.yaml]\nexpect: [{path: z, files: {want: '0620'}}]",
		"dir/c.yaml":      "expect: [{path: [x, y, z, w], files: {want: '0631'}}]",
	}.open
	p := mustNew(t, Options{File: "dir/own.yaml", Open: open})
	for path, want := range map[string]string{"x": "0600", "y": "0611", "z": "0620", "w": "0631", "v": "0644", "wp-config.php": "0640"} {
		if got := wantOf(p, path, KindFile, 0o777); got != want {
			t.Errorf("%s becomes %s, want %s", path, got, want)
		}
	}
	if p.Name() != "dir/own.yaml" {
		t.Errorf("named %q", p.Name())
	}
	// Together with a profile, the file still comes first.
	p = mustNew(t, Options{File: "dir/c.yaml", Open: open, Profile: "static"})
	if got := wantOf(p, "x", KindFile, 0o777); got != "0631" || wantOf(p, "q", KindFile, 0o777) != "0644" || p.Name() != "dir/c.yaml+static" {
		t.Errorf("%s: becomes %s", p.Name(), got)
	}
	// Without extends, nothing is expected but what the file says.
	p = mustNew(t, Options{File: "dir/c.yaml", Open: open})
	if got := wantOf(p, "q", KindFile, 0o755); got != "" {
		t.Errorf("becomes %s", got)
	}
}

func TestExtendErrors(t *testing.T) {
	deep := files{}
	for i := range 20 {
		deep[strings.Repeat("d", i+1)+".yaml"] = "extends: [" + strings.Repeat("d", i+2) + ".yaml]\nlayer: base"
	}
	tests := []struct {
		name string
		open files
		o    Options
		want string
	}{
		{"a profile misspelt", files{"f.yaml": "extends: [wordpres]"}, Options{File: "f.yaml"}, `f.yaml:1:11: extends: unknown profile "wordpres": did you mean wordpress?`},
		{"no such file", files{"a/f.yaml": "extends: [b.yaml]"}, Options{File: "a/f.yaml"}, "a/f.yaml:1:11: extends: open a/b.yaml: file does not exist"},
		{"itself", files{"f.yaml": "extends: [./f.yaml]"}, Options{File: "f.yaml"}, "f.yaml:1:11: extends: it extends itself: f.yaml → f.yaml"},
		{"a cycle", files{"f.yaml": "extends: [g.yaml]", "g.yaml": "extends: [f.yaml]"}, Options{File: "f.yaml"}, "g.yaml:1:11: extends: it extends itself: f.yaml → g.yaml → f.yaml"},
		{"too deep", deep, Options{File: "d.yaml"}, "dddddddddd.yaml:1:11: extends: ddddddddddd.yaml: more than 10 files deep, or more than 50 files"},
		{"a mistake in another", files{"f.yaml": "extends: [g.yaml]", "g.yaml": "x: 1"}, Options{File: "f.yaml"}, `g.yaml:1:1: unknown key "x" in the policy: there are description, expect, extends, group-writes, ignore, layer, roles, severity, web`},
		{"a layer below", files{"f.yaml": "layer: host\nextends: [g.yaml]", "g.yaml": "expect: []"}, Options{File: "f.yaml"}, "f.yaml:2:11: extends: a file of layer host extends g.yaml, of no layer, whose lines come before it"},
		{"an application extends a host", files{"f.yaml": "layer: application\nextends: [cpanel]"}, Options{File: "f.yaml"}, "f.yaml:2:11: extends: a file of layer application extends cpanel, of layer host, whose lines come before it"},
		{"no files here", nil, Options{Profile: "default", File: "f.yaml"}, "open f.yaml: file does not exist"},
		{"empty names", nil, Options{Profile: "wordpress+"}, `unknown profile "": there is default, drupal`},
		{"a path as a profile", nil, Options{Profile: "../profiles/default"}, `unknown profile "../profiles/default": did you mean`},
	}
	for _, tt := range tests {
		tt.o.Open = tt.open.open
		if _, err := New(tt.o); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: got\n%v\nwant\n%s", tt.name, err, tt.want)
		}
	}
}

// TestConflicts holds that two of one layer that disagree about the same paths
// are an error, unless something before them decides, or one extends the other.
func TestConflicts(t *testing.T) {
	open := files{
		"both.yaml":    "extends: [joomla, drupal]",
		"a.yaml":       "expect: [{path: x, files: {want: '0600'}}]",
		"b.yaml":       "expect: [{path: x, files: {want: '0640'}}]",
		"same.yaml":    "expect: [{path: x, files: {want: '0600'}}]",
		"ab.yaml":      "extends: [a.yaml, b.yaml]",
		"as.yaml":      "extends: [a.yaml, same.yaml]",
		"decides.yaml": "extends: [a.yaml, b.yaml]\nexpect: [{path: x, files: {want: '0660'}}]",
		"c.yaml":       "extends: [a.yaml]\nexpect: [{path: x, files: {want: '0660'}}]",
		"ca.yaml":      "extends: [c.yaml, a.yaml]",
		"s1.yaml":      "severity: {dir-mode: low}",
		"s2.yaml":      "severity: {dir-mode: high}",
		"s.yaml":       "extends: [s1.yaml, s2.yaml]",
	}.open
	for name, want := range map[string]string{
		"ab.yaml": "b.yaml:1:27: files of x: a.yaml:1 says 0600, and b.yaml:1 0640; a policy file that extends both can decide",
		"s.yaml":  "s2.yaml:1:12: severity of dir-mode: s1.yaml:1 says low, and s2.yaml:1 high; a policy file that extends both can decide",
		"as.yaml": "", "decides.yaml": "", "ca.yaml": "",
	} {
		_, err := New(Options{File: name, Open: open})
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if _, err := New(Options{Profile: "cpanel+mod-php"}); err == nil || !strings.Contains(err.Error(), "who PHP runs as: cpanel") && !strings.Contains(err.Error(), "role writable") {
		t.Errorf("two hosts: %v", err)
	}
}

// TestRecognisedOnlyAdds holds that a recognised profile says nothing of what it
// does not know: there the default decides as ever.
func TestRecognisedOnlyAdds(t *testing.T) {
	plain := mustNew(t, Options{})
	p := mustNew(t, Options{Recognised: []string{"wordpress", "cpanel"}})
	if p.Name() != "default+wordpress+cpanel" {
		t.Errorf("named %q", p.Name())
	}
	for _, path := range []string{"x.php", "blog/wp-content/a", "shop", "cgi-bin.old/x"} {
		for _, kind := range []Kind{KindFile, KindDir} {
			f := place{path: path, above: 0o755}.file(kind, 0)
			for f.Mode = range AllBits + 1 {
				a, b := plain.Evaluate(nil, f), p.Evaluate(nil, f)
				if !slices.EqualFunc(a, b, func(x, y Finding) bool { return x.Rule.ID == y.Rule.ID && x.Want == y.Want && x.Detail == y.Detail }) {
					t.Fatalf("%s %v %v: %v, and without recognition %v", path, kind, f.Mode, b, a)
				}
			}
		}
	}
	for path, want := range map[string]string{"wp-content/a": "", "x/a": "0644", "wp-login.php": ""} {
		if got := wantOf(p, path, KindFile, 0o640); got != want {
			t.Errorf("%s 0640 becomes %q, want %q", path, got, want)
		}
	}
	// Who PHP runs as is not for a guess to say: nobody loses what he may need.
	if got := wantOf(p, "wp-config.php", KindFile, 0o644); got != "" {
		t.Errorf("wp-config.php 0644 becomes %s", got)
	}
	if got := wantOf(mustNew(t, Options{Profile: "wordpress+cpanel"}), "wp-config.php", KindFile, 0o644); got != "0640" {
		t.Errorf("on cPanel, wp-config.php 0644 becomes %s", got)
	}
}
