package audit

import (
	"strings"
	"testing"
	"unicode/utf8"

	"hostperm/remote"
)

// FuzzExclude has any pattern meet any path: what is refused is said with a
// hint, what is not refused works, and the web root is never left out.
func FuzzExclude(f *testing.F) {
	for _, s := range []string{"cache", "/cache/", "*.log", "a/**", "{a,b/c}/d", `\!x`, "[[]x", "**/tmp/*.php", "[", "!a", "a//b", "..", ""} {
		f.Add(s, "wp-content/cache/a.log", true)
	}
	f.Add("*a*a*a*a*a*a*b", strings.Repeat("a", 200), false)
	f.Add("**/*a*/**/*b*/**/c", strings.Repeat("a/b/", 40), false)
	f.Fuzz(func(t *testing.T, pattern, path string, dir bool) {
		if len(pattern) > 100 || len(path) > 1000 {
			return // a person types the one, and the server's limits bound the other
		}
		for part := range strings.SplitSeq(path, "/") {
			if path != "." && (part == "" || part == "." || part == "..") {
				return // no listing can have it
			}
		}
		x, err := compileExcludes([]string{pattern})
		if (err == nil) != (ValidateExclude(pattern) == nil) {
			t.Fatalf("%q is valid and is not", pattern)
		}
		if err != nil {
			checkShown(t, "error", SafeText(err.Error()))
			if remote.Hint(err) == "" {
				t.Fatalf("%q: %v has no hint", pattern, err)
			}
			return
		}
		if x.match(".", true) {
			t.Fatalf("%q leaves the web root out", pattern)
		}
		if x.match(path, false) && !x.match(path, true) {
			t.Fatalf("%q leaves out %q as a file only", pattern, path)
		}
		if x[0].byName && x.match(path, dir) != x.match(path[strings.LastIndexByte(path, '/')+1:], dir) {
			t.Fatalf("%q looks at more than the name of %q", pattern, path)
		}
	})
}

// FuzzShellQuote reads the word back as POSIX says a shell does: nothing in it
// is anything but text.
func FuzzShellQuote(f *testing.F) {
	for _, s := range []string{"", "a b", "it's", "$(id)", "\x1b]0;x\a", "a\\'b\n", "=cat", "é\u202e", "\xff", "'\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := ShellQuote(s)
		checkShown(t, "ShellQuote", q)
		if back, ok := shellWord(q); !ok || back != s {
			t.Fatalf("a shell reads %s as %q, %v; want %q", q, back, ok, s)
		}
	})
}

// shellWord is what a shell makes of one word, false if it is more or less than
// one, or something in it has a meaning of its own.
func shellWord(q string) (string, bool) {
	var b strings.Builder
	if q == "" || strings.HasPrefix(q, "~") || strings.HasPrefix(q, "#") {
		return "", false
	}
	for q != "" {
		switch {
		case strings.HasPrefix(q, "$'"):
			rest, ok := dollarWord(q[2:], &b)
			if !ok {
				return "", false
			}
			q = rest
		case q[0] == '\'':
			text, rest, closed := strings.Cut(q[1:], "'")
			if !closed {
				return "", false
			}
			b.WriteString(text)
			q = rest
		case q[0] == '\\' && len(q) > 1:
			b.WriteByte(q[1])
			q = q[2:]
		case strings.IndexByte("|&;<>()$`\\\" \t\n*?[]{}!", q[0]) >= 0:
			return "", false
		default:
			_, n := utf8.DecodeRuneInString(q)
			b.WriteString(q[:n])
			q = q[n:]
		}
	}
	return b.String(), true
}

// dollarWord reads what stands behind $', and gives what stands behind its end.
func dollarWord(q string, b *strings.Builder) (rest string, ok bool) {
	for i := 0; i < len(q); i++ {
		switch {
		case q[i] == '\'':
			return q[i+1:], true
		case q[i] != '\\':
			b.WriteByte(q[i])
		case i+3 < len(q) && q[i+1] >= '0' && q[i+1] <= '3':
			b.WriteByte(q[i+1]&7<<6 | q[i+2]&7<<3 | q[i+3]&7)
			i += 3
		case i+1 < len(q) && (q[i+1] == '\\' || q[i+1] == '\''):
			b.WriteByte(q[i+1])
			i++
		default:
			return "", false
		}
	}
	return "", false
}
