package repair

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"hostperm/remote"
)

func TestShellQuote(t *testing.T) {
	cases := map[string]string{
		"/srv/www/a-b_c.php": "/srv/www/a-b_c.php",
		"":                   "''",
		"a b":                "'a b'",
		"it's":               `'it'\''s'`,
		"$(reboot)`x`\"":     "'$(reboot)`x`\"'",
		"ümlaut":             "'ümlaut'",
		"a\nb":               `$'a\012b'`,
		"\x1b[2J'\\":         `$'\033[2J\'\\'`,
		"\xff1":              `$'\3771'`,
		"\u202e":             `$'\342\200\256'`,
	}
	sh, err := exec.LookPath("bash")
	if err != nil {
		t.Log("bash is not installed: the words are compared, not run")
	}
	for in, want := range cases {
		got := shellQuote(in)
		if got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", in, got, want)
		}
		if sh == "" {
			continue
		}
		if out, err := exec.Command(sh, "-c", "printf %s "+got).Output(); err != nil || string(out) != in {
			t.Errorf("bash takes %s as %q, %v", got, out, err)
		}
	}
}

func TestErrorText(t *testing.T) {
	long := errors.New(strings.Repeat("ä", 10000))
	if got := errorText(long); len(got) > 410 || !strings.HasSuffix(got, "ä...") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	if got := errorText(remote.WithHint(errors.New("no"), "try")); got != "no (try)" {
		t.Errorf("%q", got)
	}
	if got := errorText(nil); got == "" {
		t.Error("no reason at all")
	}
}
