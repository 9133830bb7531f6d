package remote

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// FuzzMatchPattern compares with a table of what each beginning of the pattern
// matches of each beginning of the name.
func FuzzMatchPattern(f *testing.F) {
	f.Add("*.example.com", "shop.example.com")
	f.Add("a?c*", "abc")
	f.Add("**a*", "")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 200 || len(name) > 1000 {
			return
		}
		row := make([]bool, len(name)+1)
		row[0] = true
		for _, c := range []byte(pattern) {
			next := make([]bool, len(name)+1)
			next[0] = c == '*' && row[0]
			for i := range len(name) {
				next[i+1] = c == '*' && (row[i+1] || next[i]) || (c == '?' || c != '*' && c == name[i]) && row[i]
			}
			row = next
		}
		if got := matchPattern(pattern, name); got != row[len(name)] {
			t.Fatalf("%q matches %q: %v", pattern, name, got)
		}
	})
}

// FuzzParseJump reads jump hosts: what is accepted is a host that can be
// dialled, what is not is said without showing a password.
func FuzzParseJump(f *testing.F) {
	for _, s := range []string{"jump", "me@jump:2222", "ssh://me@[::1]:22/", "a:b@c", "[::1", "@", "", "-oProxyCommand=x", "[@:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseJump(s)
		if err != nil {
			if !errors.Is(err, ErrUsage) || hasControl(err.Error()) || Hint(err) == "" {
				t.Fatalf("%q: %q", s, err)
			}
			return
		}
		if p.host == "" || p.host[0] == '-' || hasControl(p.host+p.user) || p.port < 0 || p.port > 65535 ||
			strings.HasPrefix(p.user, "-") {
			t.Fatalf("%q is accepted as %+v", s, p)
		}
	})
}

// FuzzSettingValue reads a value in every way that a keyword of the ssh
// configuration can want it read.
func FuzzSettingValue(f *testing.F) {
	for _, s := range []string{"%h.example.com", "%%%", "~/x", "${HOME}/y", "${", "1m30s", "9999999999w", "yes", "'a b' \"c", "%z", "~nobody-here/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		s := setting{key: "k", value: value, raw: value, where: "config:1"}
		tokens := map[byte]string{'h': "host", 'u': "me"}
		_, tokensErr := expandTokens(s, tokens)
		_, pathErr := expandPath(s, "/home/x", tokens)
		_, flagErr := s.parseFlag()
		d, timeErr := s.parseTime()
		for _, err := range []error{tokensErr, pathErr, flagErr, timeErr} {
			if err != nil && (!errors.Is(err, ErrUsage) || hasControl(err.Error())) {
				t.Fatalf("%q: %q", value, err)
			}
		}
		if timeErr == nil && (d < 0 || d > maxTime) {
			t.Fatalf("%q is %v", value, d)
		}
		words, err := splitWords(value)
		if joined := strings.Join(words, ""); err == nil && len(joined) > len(value) {
			t.Fatalf("%q has the words %q", value, words)
		}
	})
}

// FuzzKnownHosts puts any text into known_hosts: a key that does not stand in
// it is never accepted, whatever else does.
func FuzzKnownHosts(f *testing.F) {
	_, key := newKey(f, "ed25519")
	_, other := newKey(f, "ed25519")
	line := string(ssh.MarshalAuthorizedKey(other.PublicKey()))
	for _, s := range []string{"", "h " + line, "@revoked * " + line, "@cert-authority * " + line, "|1|x|y " + line, "[h]:22,* " + line, "#\n\n\x00", "* * *",
		"* " + dssKey + "\nh " + line, "@revoke * " + line} {
		f.Add(s)
	}
	encoded := string(ssh.MarshalAuthorizedKey(key.PublicKey()))
	f.Fuzz(func(t *testing.T, text string) {
		h := &hop{alias: "h", host: "h", port: 22, strict: strictYes,
			userKnownHosts: []string{writeFile(t, filepath.Join(t.TempDir(), "known_hosts"), text)}}
		k, err := newHostKeys(h, &asker{}, func(string) {})
		if err != nil {
			if !errors.Is(err, ErrUsage) || hasControl(err.Error()) {
				t.Fatalf("%q", err)
			}
			return
		}
		if len(k.algorithms()) == 0 {
			t.Fatal("no kind of host key is asked for")
		}
		err = k.check("h:22", nil, key.PublicKey())
		if err == nil && !strings.Contains(text, strings.Fields(encoded)[1]) {
			t.Fatalf("a key is accepted that does not stand in %q", text)
		}
		if err != nil && (hasControl(err.Error()) || hasControl(Hint(err))) {
			t.Fatalf("%q, hint %q", err, Hint(err))
		}
	})
}

// FuzzPrintable makes server's text, and file names in hints, safe to show.
func FuzzPrintable(f *testing.F) {
	f.Add("\x1b]0;x\a\u202e\xff'\"$(id)")
	f.Fuzz(func(t *testing.T, s string) {
		if p := printable(s); hasControl(p) || len(p) > 10*maxQuoted+3 {
			t.Fatalf("%q", p)
		}
		_ = shellQuote(s)
	})
}
