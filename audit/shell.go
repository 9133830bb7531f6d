package audit

import (
	"fmt"
	"strings"
)

// ShellQuote writes s as one word of a POSIX shell, for the commands that are
// printed to be copied. What Quote would show as it is goes in single quotes
// where the shell needs them; the rest is written as $'...' with octal escapes
// (POSIX.1-2024, 2.2.4; bash, zsh, ksh and busybox have it), so that a terminal
// gets no control character either.
func ShellQuote(s string) string {
	if s == "" {
		return "''"
	}
	if !safe(s) {
		return dollarQuote(s)
	}
	if strings.Trim(s, shellPlain) == "" && s[0] != '=' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// shellPlain are the characters that no shell gives a meaning inside a word.
const shellPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-"

func dollarQuote(s string) string {
	b := []byte("$'")
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ' && c < 0x7f:
			b = append(b, c)
		default:
			b = fmt.Appendf(b, `\%03o`, c)
		}
	}
	return string(append(b, '\''))
}
