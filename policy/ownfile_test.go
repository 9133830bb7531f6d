package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestModesOfAFile(t *testing.T) {
	p := own(t, `
expect:
  - path: exact
    files: {want: "0640", allow: ["0600", "0400", "0644"]}
    dirs: {want: "2770", allow: ["0750"]}
  - path: bits
    files: {require: "u+r,o=", forbid: g+w}
    dirs: {require: g+s, forbid: o+w}
`)
	for _, c := range []struct {
		path       string
		kind       Kind
		mode, want Mode // equal: no finding
	}{
		{"exact", KindFile, 0o640, 0o640}, {"exact", KindFile, 0o600, 0o600}, {"exact", KindFile, 0o644, 0o644}, // all of them right
		{"exact", KindFile, 0o664, 0o640}, // the wanted one only removes
		{"exact", KindFile, 0o604, 0o600}, // the wanted one would add: the most that is left
		{"exact", KindFile, 0o700, 0o600},
		{"exact", KindFile, 0o200, 0o640}, // nothing that is right only removes
		{"exact", KindDir, 0o2770, 0o2770}, {"exact", KindDir, 0o750, 0o750}, {"exact", KindDir, 0o2750, 0o2750}, {"exact", KindDir, 0o1750, 0o1750},
		{"exact", KindDir, 0o770, 0o750}, {"exact", KindDir, 0o2777, 0o2770}, {"exact", KindDir, 0o700, 0o2770},
		{"bits", KindFile, 0o400, 0o400}, {"bits", KindFile, 0o740, 0o740}, {"bits", KindFile, 0o666, 0o640}, {"bits", KindFile, 0, 0o400},
		{"bits", KindDir, 0o2755, 0o2755}, {"bits", KindDir, 0o755, 0o2755}, {"bits", KindDir, 0o1757, 0o3755},
		{"other", KindFile, 0o751, 0o751}, // nothing is said of it
	} {
		got := p.Evaluate(nil, at(c.path, c.kind, c.mode))
		switch {
		case c.want == c.mode && len(got) > 0:
			t.Errorf("%s %v %v: %s: %s", c.path, c.kind, c.mode, got[0].Rule.ID, got[0].Detail)
		case c.want != c.mode && (len(got) == 0 || got[0].Want != c.want):
			t.Errorf("%s %v %v: %+v, want %v", c.path, c.kind, c.mode, got, c.want)
		case c.want != c.mode && !strings.Contains(got[0].Detail, "(own.yaml:"):
			t.Errorf("%s %v: the detail does not name the line: %s", c.path, c.mode, got[0].Detail)
		}
	}
}

// TestAspects holds that a line decides only what it speaks of.
func TestAspects(t *testing.T) {
	p := mustNew(t, Options{File: "f", Names: &Names{Users: map[string]uint32{"deploy": 1001}, Groups: map[string]uint32{"web": 33}},
		Open: files{"f": `
expect:
  - {path: "**", owner: [deploy, 0]}
  - {path: a, dirs: {want: "0700"}}
  - {path: a, files: {want: "0600"}, group: [web, 1002]}
  - {path: "**", files: {want: "0644"}, group: web}
`}.open})
	for _, c := range []struct {
		path     string
		kind     Kind
		mode     Mode
		uid, gid uint32
		want     string
	}{
		{"a", KindFile, 0o600, 1001, 33, ""}, {"a", KindFile, 0o600, 0, 1002, ""}, {"a", KindFile, 0o644, 5, 5, "file-mode wrong-group wrong-owner"},
		{"a", KindDir, 0o700, 1001, 33, ""}, {"b", KindFile, 0o644, 1001, 1002, "wrong-group"}, {"b", KindDir, 0o755, 1001, 33, ""},
		{"c", KindFIFO, 0o600, 7, 33, "special-file wrong-owner"}, {"c", KindSymlink, 0o777, 7, 7, ""},
	} {
		f := at(c.path, c.kind, c.mode)
		f.UID, f.GID = c.uid, c.gid
		if got := strings.Join(ids(p.Evaluate(nil, f)), " "); got != c.want {
			t.Errorf("%s %v %d:%d: found %q, want %q", c.path, c.kind, c.uid, c.gid, got, c.want)
		}
		f.OwnerKnown = false
		if got := ids(p.Evaluate(nil, f)); slices.Contains(got, "wrong-owner") || slices.Contains(got, "wrong-group") {
			t.Errorf("%s: an owner that was not sent is wrong", c.path)
		}
	}
	f := at("b", KindFile, 0o644)
	f.UID, f.GID = 9, 9
	got := p.Evaluate(nil, f)
	if got[0].Detail != "its group is 9, and web is expected (f:6); ask the host to change it" || got[1].Change != None {
		t.Errorf("%+v", got)
	}
}

// TestUnknownNames holds that what cannot be looked up is warned of, and never
// found wrong.
func TestUnknownNames(t *testing.T) {
	p := own(t, `
web: {user: www-data, groups: [33, staff]}
expect:
  - {path: "**", owner: [1, deploy], group: web}
`)
	want := []string{
		`own.yaml:4: the owner is not checked, because the number of "deploy" on the server is not known`,
		`own.yaml:4: the group is not checked, because the number of "web" on the server is not known`,
		`own.yaml:2: the web server counts as one of the others, because the number of "www-data" on the server is not known`,
	}
	if got := p.Warnings(); !slices.Equal(got, want) {
		t.Errorf("warns\n%s", strings.Join(got, "\n"))
	}
	if got := p.Evaluate(nil, at("a", KindFile, 0o644)); len(got) > 0 {
		t.Errorf("found %v", ids(got))
	}
}

// TestWebOfAFile holds that the file says who serves, unless the caller does.
func TestWebOfAFile(t *testing.T) {
	const text = "web: {user: www-data, groups: [1002]}\nextends: [default]"
	names := &Names{Users: map[string]uint32{"www-data": 33}}
	o := Options{File: "f", Open: files{"f": text}.open, Names: names, Only: []string{"htaccess-unreadable"}}
	f := place{path: ".htaccess"}.file(KindFile, 0o640)
	if got := mustNew(t, o).Evaluate(nil, f); len(got) != 0 {
		t.Error("the web server's group is not known")
	}
	o.WebServer = &Identity{UID: 33}
	if got := mustNew(t, o).Evaluate(nil, f); len(got) != 1 {
		t.Error("the caller's identity does not count")
	}
}

func TestSeverityOfAFile(t *testing.T) {
	p := own(t, "extends: [default]\nseverity: {file-mode: critical, world-writable: low}")
	for _, x := range p.Evaluate(nil, at("a", KindFile, 0o666)) {
		if want := map[string]Severity{"file-mode": Critical, "world-writable": Low}[x.Rule.ID]; x.Severity != want {
			t.Errorf("%s is %v", x.Rule.ID, x.Severity)
		}
	}
}

// TestIgnore holds that what is ignored is counted, and does not take part in
// what is proposed; and that an ignore ends after its last day.
func TestIgnore(t *testing.T) {
	p := own(t, `
extends: [default]
ignore:
  - {path: cache/**, rules: [world-writable, file-mode], reason: "a cache", until: 2026-03-01}
  - {path: [".", old], reason: "being moved"}
  - {path: logs/**, reason: "over", until: 2026-02-28}
  - {path: tmp/, rules: [dir-mode, world-writable], reason: "a directory"}
`)
	for _, c := range []struct {
		path    string
		kind    Kind
		mode    Mode
		found   string
		ignored int
		want    Mode
	}{
		{"cache/a", KindFile, 0o666, "", 2, 0},
		{"cache/a", KindFile, 0o4666, "setid-file", 2, 0o666},
		{"cache/a", KindFile, 0o644, "", 0, 0},
		{"cache", KindDir, 0o777, "dir-mode world-writable", 0, 0o755},
		{".", KindDir, 0o777, "", 2, 0},
		{"x/old", KindFile, 0o600, "", 1, 0},
		{"logs/a", KindFile, 0o600, "file-mode", 0, 0o644},
		{"tmp", KindDir, 0o777, "", 2, 0},
		{"tmp", KindFile, 0o666, "file-mode world-writable", 0, 0o644},
	} {
		got, ignored := p.Judge(nil, at(c.path, c.kind, c.mode))
		if strings.Join(ids(got), " ") != c.found || ignored != c.ignored || len(got) > 0 && got[0].Want != c.want {
			t.Errorf("%s %v: %d ignored, found %+v", c.path, c.mode, ignored, got)
		}
	}
	if want := []string{"own.yaml:6: this ignore ended on 2026-02-28, so what it matches is reported again"}; !slices.Equal(p.Warnings(), want) {
		t.Errorf("warns %q", p.Warnings())
	}
}

// TestReadersStay holds that a secret keeps the read bits that whoever runs the
// site may need.
func TestReadersStay(t *testing.T) {
	const line = "expect: [{path: s, files: {want: '0600'}, secret: true}]\n"
	web := &Identity{UID: 33, GIDs: []uint32{1002}}
	for _, c := range []struct {
		text       string
		web        *Identity
		mode, want Mode
	}{
		{line, nil, 0o664, 0o644},
		{line, web, 0o664, 0o640},
		{line, &Identity{UID: 1001}, 0o664, 0o600},
		{line, &Identity{UID: 0}, 0o664, 0o600},
		{line, &Identity{UID: 33}, 0o664, 0o604},
		{line + "web: {php: account}", nil, 0o664, 0o600},
		{line + "web: {php: account}", web, 0o644, 0o600},
		{line + "web: {php: web}", nil, 0o644, 0o644},
	} {
		p := mustNew(t, Options{File: "f", Open: files{"f": c.text}.open, WebServer: c.web})
		got := p.Evaluate(nil, at("s", KindFile, c.mode))
		if !slices.Contains(ids(got), "secret-exposed") || got[0].Want != c.want && got[0].Change != None || (got[0].Change == None) != (c.want == c.mode) {
			t.Errorf("%q, %v: %v becomes %v (%s)", c.text, c.web, c.mode, got[0].Want, got[0].Change)
		}
	}
}
