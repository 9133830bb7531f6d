package audit

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Quote shows a name from a server on a terminal. A name that is plain,
// printable UTF-8 is returned as it is. Any other is put in double quotes with
// the escapes of a Go string: one that is empty, begins or ends with a space,
// holds a double quote or a backslash, a control character (C0, DEL, C1), a
// character that changes the direction of text or shows nothing, or bytes that
// are not UTF-8. Two names never quote alike, and Unquote is the inverse.
func Quote(name string) string {
	if plain(name) {
		return name
	}
	b := make([]byte, 0, len(name)+8)
	b = append(b, '"')
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		if r == '"' || r == '\\' {
			b = append(b, '\\', byte(r))
		} else {
			b = appendVisible(b, name[i:i+n], r, i == 0)
		}
		i += n
	}
	return string(append(b, '"'))
}

// Unquote gives the name that Quote showed as s. It is an error if Quote gives
// s for no name.
func Unquote(s string) (string, error) {
	name := s
	if strings.HasPrefix(s, `"`) {
		var err error
		if name, err = strconv.Unquote(s); err != nil {
			return "", fmt.Errorf("unquote %q: %w", s, err)
		}
	}
	if Quote(name) != s {
		return "", fmt.Errorf("unquote %q: not a name as it is quoted here", s)
	}
	return name, nil
}

// SafeText makes free text from a server, or from a saved file, fit for one
// line of a terminal: what Quote would escape is escaped, and nothing is put
// around it. Unlike Quote it is not meant to be reversed.
func SafeText(s string) string {
	if safe(s) {
		return s
	}
	b := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		b = appendVisible(b, s[i:i+n], r, i == 0)
		i += n
	}
	return string(b)
}

// plain reports whether Quote leaves a name as it is.
func plain(name string) bool {
	return name != "" && name[0] != ' ' && name[len(name)-1] != ' ' &&
		!strings.ContainsAny(name, `"\`) && safe(name)
}

func safe(s string) bool {
	for i, r := range s {
		if !visible(r, i == 0) || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return false
		}
	}
	return true
}

// visible reports whether a character shows itself, and nothing but itself.
// First of all a mark would join what stands before the name.
func visible(r rune, first bool) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f
	}
	return unicode.IsPrint(r) && r != blankBraille && !(first && unicode.IsMark(r)) &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// blankBraille is the one symbol of Unicode that is printed as a blank.
const blankBraille = '\u2800'

// appendVisible appends a character, given as bytes and decoded, or its escape.
func appendVisible(b []byte, raw string, r rune, first bool) []byte {
	if r == utf8.RuneError && len(raw) == 1 {
		return fmt.Appendf(b, `\x%02x`, raw[0])
	}
	if visible(r, first) {
		return append(b, raw...)
	}
	switch {
	case r == '\n':
		return append(b, `\n`...)
	case r == '\r':
		return append(b, `\r`...)
	case r == '\t':
		return append(b, `\t`...)
	case r < utf8.RuneSelf:
		return fmt.Appendf(b, `\x%02x`, r)
	case r <= 0xffff:
		return fmt.Appendf(b, `\u%04x`, r)
	default:
		return fmt.Appendf(b, `\U%08x`, r)
	}
}
