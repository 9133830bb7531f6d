package repair

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"hostperm/policy"
	"hostperm/remote"
)

// failure says in one line why the server did not give an entry the mode to, and
// whom to ask if it is not the account's to change.
func failure(h Header, rel string, to policy.Mode, uid uint32, r remote.ChangeResult) string {
	if !errors.Is(r.Err, remote.ErrPermission) {
		return errorText(r.Err)
	}
	ask := fmt.Sprintf("ask the host to run: chmod %s %s", to, shellQuote(path.Join(h.Root, rel)))
	if h.RootUID != nil && *h.RootUID != uid {
		return fmt.Sprintf("owned by uid %d, not by this account (the web root belongs to uid %d): %s", uid, *h.RootUID, ask)
	}
	return fmt.Sprintf("permission denied (it is owned by uid %d): %s", uid, ask)
}

// notTried says why a step was not come to.
func notTried(err error) string {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "not tried: interrupted"
	case errors.Is(err, ErrJournal):
		return "not tried: its line could not be written to the journal"
	case errors.Is(err, ErrServerIgnores):
		return "not tried: the server ignores changes of mode"
	}
	return "not tried: " + errorText(err)
}

// errorText is an error as a detail: with its hint, and of bounded length.
func errorText(err error) string {
	if err == nil {
		return "the server gave no reason"
	}
	s := err.Error()
	if hint := remote.Hint(err); hint != "" {
		s += " (" + hint + ")"
	}
	return clip(s)
}

// shellQuote gives s as one word for a POSIX shell, on one line and without
// anything that a terminal would not show as it is. Where single quotes can't do
// that it uses $'...', which POSIX has since 2024 and bash, zsh and ksh long had.
func shellQuote(s string) string {
	switch {
	case s != "" && strings.IndexFunc(s, func(r rune) bool { return !plainInShell(r) }) < 0:
		return s
	case utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03o`, c) // unlike \x, never swallows a digit that follows
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + "'"
}

func plainInShell(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("/._-+:@,%=", r))
}
