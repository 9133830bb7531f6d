package audit

import (
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestQuote(t *testing.T) {
	tests := []struct{ name, want string }{
		{"index.php", "index.php"},
		{"wp-content/uploads/été 1.jpg", "wp-content/uploads/été 1.jpg"},
		{"写真/東京.png", "写真/東京.png"},
		{"O'Brien.txt", "O'Brien.txt"},
		{"\uFFFD", "\uFFFD"},
		{"", `""`},
		{" a", `" a"`},
		{"a ", `"a "`},
		{`a"b`, `"a\"b"`},
		{`a\b`, `"a\\b"`},
		{"a\nb\tc\rd", `"a\nb\tc\rd"`},
		{"\x00\x1b[31m\x7f", `"\x00\x1b[31m\x7f"`},
		{"\xff\x9b", `"\xff\x9b"`},
		{"\u0085\u009b", `"\u0085\u009b"`},
		{"a\u202egpj.exe", `"a\u202egpj.exe"`},
		{"a\u200bb\ufeff\u2066\u061c", `"a\u200bb\ufeff\u2066\u061c"`},
		{"a\u2028b\u2029c", `"a\u2028b\u2029c"`},
		{"a\u00a0b", `"a\u00a0b"`},
		{"a\u3164b\u2800c\ufe0fd", `"a\u3164b\u2800c\ufe0fd"`},
		{"\u0301a", `"\u0301a"`},
		{"e\u0301", "e\u0301"},
		{"a\U000e0041b", `"a\U000e0041b"`},
	}
	for _, tt := range tests {
		got := Quote(tt.name)
		if got != tt.want {
			t.Errorf("Quote(%q) = %s, want %s", tt.name, got, tt.want)
		}
		back, err := Unquote(got)
		if err != nil || back != tt.name {
			t.Errorf("Unquote(%s) = %q, %v; want %q", got, back, err, tt.name)
		}
	}
}

func TestUnquoteRefusesOthers(t *testing.T) {
	for _, s := range []string{"", `"`, `"a"`, `"\x61\n"`, "a\n", `a"b`, " a", `"\377"`, `"a`} {
		if name, err := Unquote(s); err == nil {
			t.Errorf("Unquote(%q) = %q, want an error", s, name)
		}
	}
}

// checkShown fails if s holds anything that a terminal does not simply show.
func checkShown(t *testing.T, what, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Fatalf("%s: %q is not UTF-8", what, s)
	}
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			t.Fatalf("%s: %q holds %U", what, s, r)
		}
	}
}

// hostileName draws from the characters that names are attacked with.
func hostileName(rnd *rand.Rand) string {
	pieces := []string{"a", "b", "/", " ", `"`, `\`, `\x1b`, `\n`, "x1b", "\x1b", "\n", "\t", "\r", "\x00", "\x7f",
		"\x80", "\xff", "\xc3", "\u0085", "\u009b", "\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\ufeff",
		"\u2028", "é", "e\u0301", "\u0301", "東", "\uFFFD", "\U0001f600", "\ufe0f", "\u3164", "'", "=", "*", "…"}
	var b strings.Builder
	for range rnd.IntN(7) {
		if rnd.IntN(6) == 0 {
			b.WriteByte(byte(rnd.Uint32()))
		} else {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
	}
	return b.String()
}

func TestQuoteIsInjectiveAndShown(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	seen := map[string]string{}
	for range 100_000 {
		name := hostileName(rnd)
		q := Quote(name)
		if other, ok := seen[q]; ok && other != name {
			t.Fatalf("%q and %q both quote as %s", name, other, q)
		}
		seen[q] = name
		checkShown(t, "Quote", q)
		checkShown(t, "SafeText", SafeText(name))
		checkShown(t, "ShellQuote", ShellQuote(name))
		if back, err := Unquote(q); err != nil || back != name {
			t.Fatalf("Unquote(Quote(%q)) = %q, %v", name, back, err)
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "\x1b[2J", "\u202eexe", `a"\`, "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		q := Quote(name)
		checkShown(t, "Quote", q)
		checkShown(t, "SafeText", SafeText(name))
		checkShown(t, "ShellQuote", ShellQuote(name))
		if back, err := Unquote(q); err != nil || back != name {
			t.Fatalf("Unquote(%s) = %q, %v; want %q", q, back, err, name)
		}
	})
}

func TestSafeText(t *testing.T) {
	tests := []struct{ in, want string }{
		{"permission denied", "permission denied"},
		{`open "a\x00b"`, `open "a\x00b"`},
		{"a\r\n\x1b]0;x\a", `a\r\n\x1b]0;x\x07`},
		{"\xff\u202e", `\xff\u202e`},
	}
	for _, tt := range tests {
		if got := SafeText(tt.in); got != tt.want {
			t.Errorf("SafeText(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestShellQuote(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "''"},
		{"deploy@shop.example.com:/srv/www", "deploy@shop.example.com:/srv/www"},
		{"~user", "'~user'"},
		{"=cat", "'=cat'"},
		{"a b", "'a b'"},
		{"it's", `'it'\''s'`},
		{"$(id);`id`", "'$(id);`id`'"},
		{"[::1]:/www", "'[::1]:/www'"},
		{"a\nb'c\\", `$'a\012b\'c\\'`},
		{"\x1b1\xff", `$'\0331\377'`},
		{"été", "'été'"},
	}
	for _, tt := range tests {
		if got := ShellQuote(tt.in); got != tt.want {
			t.Errorf("ShellQuote(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

// A real shell reads back what ShellQuote wrote.
func TestShellQuoteInBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here to read the quoting back")
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	var script strings.Builder
	var names []string
	for len(names) < 500 {
		name := hostileName(rnd)
		if strings.ContainsRune(name, 0) {
			continue // no argument can hold it
		}
		names = append(names, name)
		script.WriteString("printf '%s\\0' " + ShellQuote(name) + "\n")
	}
	cmd := exec.Command(bash, "--norc")
	cmd.Stdin = strings.NewReader(script.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(got) != len(names) {
		t.Fatalf("bash printed %d names, want %d", len(got), len(names))
	}
	for i, name := range names {
		if got[i] != name {
			t.Errorf("bash reads %s as %q, want %q", ShellQuote(name), got[i], name)
		}
	}
}
