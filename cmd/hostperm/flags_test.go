package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hostperm/audit"
	"hostperm/policy"
)

func TestParseWebUser(t *testing.T) {
	for _, c := range []struct {
		text string
		uid  uint32
		gids []uint32
	}{
		{"33", 33, nil}, {"0:0", 0, []uint32{0}}, {"33:33,1001", 33, []uint32{33, 1001}}, {"4294967295:1", 4294967295, []uint32{1}},
	} {
		id, err := parseWebUser(c.text)
		if err != nil || id == nil || id.UID != c.uid || !slices.Equal(id.GIDs, c.gids) {
			t.Errorf("%s: %+v, %v", c.text, id, err)
		}
	}
	if id, err := parseWebUser(""); id != nil || err != nil {
		t.Errorf("nothing given: %+v, %v", id, err)
	}
	for _, text := range []string{"www-data", "33:", ":33", "33:www", "33:1,", "-1", "4294967296", "0x21", " 33", "33:1:2", ","} {
		if id, err := parseWebUser(text); codeOf(err) != exitUsage || id != nil {
			t.Errorf("%q: %+v, %v", text, id, err)
		}
	}
}

func TestChoice(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "f")) // no terminal
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for text, on := range map[string]bool{"auto": false, "always": true, "never": false} {
		var c choice
		if err := c.Set(text); err != nil || c.String() != text {
			t.Errorf("%s: %v, reads back as %s", text, err, c)
		}
		if c.on(file) != on || c.on(new(strings.Builder)) != on {
			t.Errorf("%s is on: %v, want %v", text, !on, on)
		}
	}
	c := choice("auto")
	for _, text := range []string{"", "yes", "Always", "auto "} {
		if err := c.Set(text); err == nil || c != "auto" {
			t.Errorf("%q was taken, and gave %s", text, c)
		}
	}
}

// What was chosen outranks NO_COLOR, as that convention wants it.
func TestColorOn(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	if !colorOn("always", nil) || colorOn("auto", nil) || colorOn("never", nil) {
		t.Error("with NO_COLOR")
	}
}

// The commands that a report suggests carry the flags that were typed, quoted.
func TestAgain(t *testing.T) {
	parse := func(args ...string) *pflag.FlagSet {
		cmd := newAuditCommand(&app{})
		if err := cmd.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		return cmd.Flags()
	}
	names := auditAgain()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{"-p", "2222"}, "--port 2222 "},
		{[]string{"-i", "my key", "-i", "b"}, "--identity 'my key' --identity b "},
		{[]string{"--accept-new-host-key"}, "--accept-new-host-key "},
		{[]string{"--accept-new-host-key=false"}, "--accept-new-host-key=false "},
		{[]string{"--exclude", "*.log", "--rule=setid-file"}, "--exclude '*.log' --rule setid-file "},
		{[]string{"--fix", "--yes", "-q", "--all", "--format", "csv", "-o", "x", "--timeout", "5s", "--fail-on", "high"}, ""},
		{[]string{"--host-key", "SHA256:a+b/c"}, "--host-key SHA256:a+b/c "},
		{[]string{"--state-dir", "it's"}, `--state-dir 'it'\''s' `},
	} {
		if got := again(parse(c.args...), names); got != c.want {
			t.Errorf("%q: %q, want %q", c.args, got, c.want)
		}
	}
	if got := again(nil, names); got != "" {
		t.Errorf("nothing typed: %q", got)
	}
}

// Every flag that is carried over exists, also in the command that gets it.
func TestAgainNamesFlags(t *testing.T) {
	for _, c := range []struct {
		cmd   *cobra.Command
		names []string
	}{
		{newAuditCommand(&app{}), auditAgain()},
		{newUndoCommand(&app{}), connectionFlags()},
	} {
		for _, name := range c.names {
			if c.cmd.Flags().Lookup(name) == nil {
				t.Errorf("%s has no --%s", c.cmd.Name(), name)
			}
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 10, ""}, {"one", 10, "one"}, {"one two", 7, "one two"}, {"one two", 6, "one\ntwo"},
		{"a longword b", 4, "a\nlongword\nb"}, {"  two   blanks\nand lines ", 80, "two blanks and lines"},
	} {
		if got := wrap(c.text, c.width); got != c.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
	for _, r := range policy.Rules() {
		for line := range strings.Lines(wrap(r.Doc, docWidth)) {
			if len(strings.TrimRight(line, "\n")) > docWidth {
				t.Errorf("%s: a line of %d bytes", r.ID, len(line))
			}
		}
	}
}

// An undo lists so many of each kind and counts the rest, but lists everything
// that did not work.
func TestUndoLines(t *testing.T) {
	run := func(u *undoRun) string {
		var out strings.Builder
		u.app = &app{stdout: &out}
		for range undoLines + 7 {
			u.show(audit.Change{Path: "a", From: 0o644, To: 0o666, Status: audit.Applied})
			u.show(audit.Change{Path: "b", From: 0o644, To: 0o666, Status: audit.Failed, Detail: "no\x1b"})
		}
		u.show(audit.Change{Path: "c", From: 0o644, To: 0o666, Status: audit.Unchanged})
		u.rest()
		if u.app.status != exitRefused {
			t.Errorf("status %d, want %d", u.app.status, exitRefused)
		}
		return out.String()
	}
	for _, c := range []struct {
		name                   string
		u                      undoRun
		restored, failed, left int
		rest                   bool
	}{
		{"as it is", undoRun{}, undoLines + 1, undoLines + 7, 1, true},
		{"all", undoRun{all: true}, undoLines + 7, undoLines + 7, 1, false},
		{"quiet", undoRun{quiet: true}, 0, undoLines + 7, 0, false},
	} {
		out := run(&c.u)
		lacks(t, out, "\x1b")
		for prefix, want := range map[string]int{"restored  ": c.restored, "failed     0644 → 0666  b": c.failed, "left  ": c.left} {
			if got := strings.Count(out, prefix); got != want {
				t.Errorf("%s: %d lines %q, want %d", c.name, got, prefix, want)
			}
		}
		if got := strings.Contains(out, "… 7 more (--all lists every one)"); got != c.rest {
			t.Errorf("%s: says that there are more: %v", c.name, got)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// A line that cannot be written does not end an undo, and is not forgotten.
func TestUndoCannotPrint(t *testing.T) {
	u := &undoRun{app: &app{stdout: brokenWriter{}}}
	u.show(audit.Change{Path: "a", Status: audit.Applied})
	u.show(audit.Change{Path: "b", Status: audit.Applied})
	if u.writeErr == nil {
		t.Error("the error is forgotten")
	}
}
