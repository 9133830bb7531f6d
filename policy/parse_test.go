package policy

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// TestProblems pins what is said of mistakes, and where.
func TestProblems(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a key misspelt", "expects: []", `f:1:1: unknown key "expects" in the policy: did you mean expect?`},
		{"a key misspelt below", "expect:\n  - path: a\n    file: {want: \"0644\"}", `f:3:5: unknown key "file" in a line of expect: did you mean files?`},
		{"a key of modes", "expect:\n  - path: a\n    files: {wants: \"0644\"}", `f:3:13: unknown key "wants" in files: did you mean want?`},
		{"a key like none", "zzzzz: 1", `f:1:1: unknown key "zzzzz" in the policy: there are description, expect, extends, group-writes, ignore, layer, roles, severity, web`},
		{"decimal", "expect:\n  - path: a\n    files: {want: 644}", `f:3:19: write "0644": YAML reads 644 as the decimal number 644, which is 01204 in octal`},
		{"octal or not", "expect:\n  - path: a\n    files: {want: 0644}", `f:3:19: write "0644", with the quotes: YAML 1.1 reads 0644 as the octal number 420, YAML 1.2 as the decimal number 644`},
		{"octal", "expect:\n  - path: a\n    dirs: {want: \"0755\", allow: [0o750]}", `f:3:34: write "0750": without quotes YAML 1.2 reads 0o750 as the number 488, and YAML 1.1 as a text`},
		{"three digits", "expect:\n  - path: a\n    files: {want: '644'}", `f:3:19: write "0644": a mode has four octal digits`},
		{"no mode", "expect:\n  - path: a\n    files: {want: '0698'}", `f:3:19: "0698" is not a mode: four octal digits in quotes, such as "0644"`},
		{"no mode, a number", "expect:\n  - path: a\n    files: {want: 1.5}", `f:3:19: the number 1.5 is not a mode: four octal digits in quotes, such as "0644"`},
		{"setuid", "expect:\n  - path: a\n    files: {want: '4755'}", `f:3:19: 4755: no file is to have setuid or setgid, and setid-file takes them away`},
		{"allow alone", "expect:\n  - path: a\n    files: {allow: ['0644']}", `f:3:20: allow without want`},
		{"modes and bits", "expect:\n  - path: a\n    files: {want: '0644', forbid: o+w}", `f:3:12: either exact modes (want, allow) or bits (require, forbid), not both`},
		{"bits", "expect:\n  - path: a\n    files: {require: x+w}", `f:3:22: require: "x+w": before the sign stand u, g, o or a`},
		{"bits against bits", "expect:\n  - path: a\n    files: {require: u+w, forbid: u+w}", `f:3:35: forbid: the bits 0200 are required too`},
		{"forbid none", "expect:\n  - path: a\n    files: {forbid: o=}", `f:3:21: forbid: "o=": what is forbidden is written with +, as in o+w; to have no bit at all for others write require: o=`},
		{"no path", "expect:\n  - files: {want: '0644'}\n    why: x", `f:2:5: a line of expect without path: which entries does it speak of?`},
		{"nothing said", "expect:\n  - path: a\n    why: x", `f:2:5: a line of expect says nothing: give it files, dirs, owner, group or secret`},
		{"a pattern", "expect:\n  - path: [a, '[']\n    owner: 1", `f:2:15: "[": close every [ and { before the next slash; to match such a character itself, write \ in front of it`},
		{"no pattern", "expect:\n  - path: 1\n    owner: 1", `f:2:11: path is the number 1: it has to be a pattern, or a list of patterns`},
		{"an owner", "expect:\n  - path: a\n    owner: -1", `f:3:12: owner is the number -1: it has to be a name or a number of 0 to 4294967295, or, but for user, a list of them`},
		{"no reason", "ignore:\n  - path: a", `f:2:5: a line of ignore without reason`},
		{"a blank reason", "ignore:\n  - path: a\n    reason: ' '", `f:3:13: reason is empty: an ignore says why it is no defect`},
		{"no such day", "ignore:\n  - path: a\n    reason: x\n    until: 2026-02-30", `f:4:12: until is "2026-02-30": there is no such day`},
		{"no day", "ignore:\n  - path: a\n    reason: x\n    until: soon", `f:4:12: until is "soon": it has to be a day such as 2026-12-31`},
		{"a rule", "ignore:\n  - path: a\n    reason: x\n    rules: [dirmode]", `f:4:13: unknown rule "dirmode": did you mean dir-mode?`},
		{"a severity", "severity:\n  dir-mode: hihg", `f:2:13: dir-mode is "hihg": did you mean high?`},
		{"a layer", "layer: hots", `f:1:8: layer is "hots": did you mean host?`},
		{"groups alone", "web:\n  groups: 33", `f:2:11: groups without a user: they are those of the web server's user`},
		{"twice", "severity:\n  dir-mode: low\n  dir-mode: low", `f:3:3: not YAML: mapping key "dir-mode" already defined at [2:3]`},
		{"an alias", "expect:\n  - path: *x\n    owner: 1", `f:2:11: anchors, aliases and tags are not used in a policy; a text that begins with *, & or ! is quoted: "*.log"`},
		{"stars", "expect:\n  - path: **\n    owner: 1", `f:2:12: not YAML: unexpected scalar value type; a text that begins with * or another mark of YAML's is quoted: "**"`},
		{"not closed", "expect: [", `f:1:9: not YAML: sequence end token ']' not found`},
		{"empty", "# nothing\n", `f: the file is empty: a policy has at least one key, such as expect`},
		{"two", "layer: host\n---\nlayer: host\n", `f:3:1: a second document: a policy is one`},
		{"a list", "- a", `f:1:1: the policy is a list: it has to be a mapping of keys to values`},
		{"no mapping", strings.Repeat("é", 100), `f:1:1: the policy is "` + strings.Repeat("é", 30) + `...": it has to be a mapping of keys to values`},
		{"deep", strings.Repeat("[", 100), `f:1:1: nested too deeply`},
		{"bytes", "a: \xff", `f: the file is not UTF-8`},
		{"long", strings.Repeat("#", maxFileSize+1), `f: the file is larger than 256 KiB, which no policy is`},
	}
	for _, tt := range tests {
		_, err := ParseDocument("f", []byte(tt.text))
		var ps Problems
		if !errors.As(err, &ps) || len(ps) != 1 || ps[0].Error() != tt.want {
			t.Errorf("%s: got\n%v\nwant\n%s", tt.name, err, tt.want)
		}
	}
}

// TestAllProblems holds that one reading finds what the schema says, or all that
// it does not.
func TestAllProblems(t *testing.T) {
	_, err := ParseDocument("f.yaml", []byte("expect:\n  - path: '['\n    files: {require: q}\nignore:\n  - path: '!x'\n    reason: ' '\n"))
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != 4 {
		t.Fatalf("got %v", err)
	}
	if !strings.HasSuffix(err.Error(), "(and 3 more)") || ps.Hint() != "hostperm policy check f.yaml lists them all" {
		t.Errorf("%v, hint %q", err, ps.Hint())
	}
	for i := range ps[1:] {
		if ps[i].Line > ps[i+1].Line {
			t.Errorf("%v comes before %v", ps[i], ps[i+1])
		}
	}
}

// withoutPositions is a copy of a document to compare with another.
func withoutPositions(v any) any {
	out := reflect.New(reflect.TypeOf(v)).Elem()
	out.Set(reflect.ValueOf(v))
	blank(out)
	return out.Interface()
}

func blank(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			blank(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			blank(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Position]() {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			blank(v.Field(i))
		}
	}
}

// checkPrint holds that a document's text reads back as the same document.
func checkPrint(t *testing.T, doc *Document) {
	t.Helper()
	text := doc.Text()
	again, err := ParseDocument(doc.Name, []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if second := again.Text(); second != text {
		t.Fatalf("prints as\n%s\nand then as\n%s", text, second)
	}
	if a, b := withoutPositions(doc), withoutPositions(again); !reflect.DeepEqual(a, b) {
		t.Fatalf("%+v\nreads back as\n%+v\nfrom\n%s", a, b, text)
	}
}

const everyKey = `description: "a: b # c"
layer: application
extends: [default, ./other.yaml, "5"]
web: {user: www-data, groups: [33, "44", staff], php: web}
group-writes: true
roles: {writable: [a, "b/**"]}
expect:
  - path: "*.php"
    files: {want: "0644", allow: ["0640", "0600"]}
    dirs: {require: "u+rwx,o=", forbid: g+w}
    owner: 1000
    group: [www-data, 5]
    secret: true
    why: "yes"
  - role: writable
    dirs: {want: "2775"}
severity: {dir-mode: high, setid-file: critical}
ignore:
  - {path: [cache, "x\u00e9\n"], rules: [dir-mode], reason: "it's so", until: 2026-12-31}
  - {path: y, reason: "null"}
`

func TestPrintIsReadBack(t *testing.T) {
	doc, err := ParseDocument("f", []byte(everyKey))
	if err != nil {
		t.Fatal(err)
	}
	checkPrint(t, doc)
	for _, name := range Profiles() {
		text, err := ProfileText(name)
		if err != nil {
			t.Fatal(err)
		}
		if doc, err = ParseDocument(name, text); err != nil {
			t.Fatal(err)
		}
		checkPrint(t, doc)
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add([]byte(everyKey))
	for _, name := range Profiles() {
		text, err := ProfileText(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := ParseDocument("f", src)
		if err != nil {
			var ps Problems
			if !errors.As(err, &ps) || len(ps) == 0 {
				t.Fatalf("%T %v", err, err)
			}
			for _, p := range ps {
				if p.Message == "" || strings.Contains(p.Message, "\n") || (p.Line == 0) != (p.Column == 0) {
					t.Fatalf("%+v", p)
				}
			}
			return
		}
		checkPrint(t, doc)
		entry := place{path: "a/b.php", above: 0o755}.file(KindFile, 0o777)
		if p, err := New(Options{File: "f", Open: files{"f": string(src)}.open, Only: []string{"file-mode"}}); err == nil {
			p.Evaluate(nil, entry)
		}
	})
}

func TestParseBits(t *testing.T) {
	for text, want := range map[string]Bits{
		"u+x": {0o100, 0}, "o-w": {0, 0o002}, "o=": {0, 0o007}, "g=rx": {0o050, 0o020}, "a+r": {0o444, 0}, "ug+s": {0o6000, 0},
		"o+t": {0o1000, 0}, "u=rw,go=r": {0o644, 0o133}, " u+r , o-x": {0o400, 0o001}, "go-rwx": {0, 0o077}, "a=": {0, 0o777},
	} {
		if got, err := ParseBits(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "u", "+x", "u+", "x+u", "u+q", "u+x,", "u+x,u-x", "0644", "o+s", "u+t", "u~x"} {
		if got, err := ParseBits(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// TestWordsAreQuoted holds that a text is plain only where readers of YAML 1.1
// take it for a text too.
func TestWordsAreQuoted(t *testing.T) {
	for text, want := range map[string]string{
		"wordpress": "wordpress", "a b": "a b", "a/b.c_d-e9": "a/b.c_d-e9", "yes": `"yes"`, "No": `"No"`, "~": `"~"`, "": `""`, "5": `"5"`, "1e3": `"1e3"`,
		"a: b": `"a: b"`, "a #b": `"a #b"`, "-a": `"-a"`, "a-": `"a-"`, "a ": `"a "`, "**": `"**"`, "ä": `"\u00e4"`, "a\nb": `"a\nb"`, ".inf": `".inf"`,
	} {
		if got := yamlText(text); got != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
}
