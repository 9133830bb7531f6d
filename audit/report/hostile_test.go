package report

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

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
