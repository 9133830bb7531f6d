package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hostperm/audit/report"
)

func openOutput(t *testing.T, name string) (*output, error) {
	t.Helper()
	return (&outputFlags{file: name}).open(&app{})
}

// only holds a directory to one entry.
func only(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("the directory holds %v, want %s alone", entries, name)
	}
}

// A file appears under its name once it is whole, and replaces the old one.
func TestOutputIsWholeOrNot(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "scan")
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	content := func(want string) {
		t.Helper()
		only(t, dir, "scan")
		if b, err := os.ReadFile(name); err != nil || string(b) != want {
			t.Errorf("the file holds %q, %v, want %q", b, err, want)
		}
	}
	out, err := openOutput(t, name)
	if err != nil {
		t.Fatal(err)
	}
	out.Write([]byte("half"))
	if b, _ := os.ReadFile(name); string(b) != "old" {
		t.Errorf("the file holds %q while the new one is written", b)
	}
	out.discard()
	content("old")

	if out, err = openOutput(t, name); err != nil {
		t.Fatal(err)
	}
	out.Write([]byte("new"))
	if err := out.close(); err != nil {
		t.Fatal(err)
	}
	out.discard() // as deferred: nothing is left to discard
	content("new")
}

// A file that cannot be put in its place is an error, and leaves nothing.
func TestOutputCannotBePlaced(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "scan")
	out, err := openOutput(t, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(name, "in"), 0o755); err != nil { // a directory took the name meanwhile
		t.Fatal(err)
	}
	if err := out.close(); codeOf(err) != exitIncomplete || !strings.HasPrefix(err.Error(), "writing the result: ") {
		t.Errorf("close: %v with status %d", err, codeOf(err))
	}
	out.discard()
	only(t, dir, "scan")
}

// The file has the mode that any other would get: a report may have to be read
// by a web server, or not.
func TestOutputMode(t *testing.T) {
	dir := t.TempDir()
	plain, err := os.Create(filepath.Join(dir, "plain"))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	out, err := openOutput(t, filepath.Join(dir, "scan"))
	if err != nil {
		t.Fatal(err)
	}
	if err := out.close(); err != nil {
		t.Fatal(err)
	}
	want, err1 := plain.Stat()
	got, err2 := os.Stat(filepath.Join(dir, "scan"))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if got.Mode() != want.Mode() {
		t.Errorf("the file has mode %v, any other %v", got.Mode(), want.Mode())
	}
}

// What cannot be opened is wrong usage, said without the temporary name.
func TestOutputCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{filepath.Join(dir, "missing", "scan"), dir} {
		_, err := openOutput(t, name)
		if codeOf(err) != exitUsage {
			t.Errorf("%s: %v with status %d, want %d", name, err, codeOf(err), exitUsage)
			continue
		}
		if strings.Contains(err.Error(), ".tmp") || !strings.HasPrefix(err.Error(), "--output ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := openOutput(t, filepath.Join(dir, "missing", "scan")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want one that is fs.ErrNotExist", err)
	}
}

// A device is written to, not replaced.
func TestOutputToDevice(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("skipped: no /dev/null here")
	}
	out, err := openOutput(t, os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := out.close(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode()&fs.ModeDevice == 0 {
		t.Errorf("%s is no device any more: %v, %v", os.DevNull, info, err)
	}
}

// A table for stdout has the terminal's width and colours; one for a file or a
// pipe has neither unless asked for.
func TestRendererLooks(t *testing.T) {
	stdout := &bytes.Buffer{}
	a := &app{stdout: stdout}
	for _, c := range []struct {
		color choice
		want  bool
	}{{"auto", false}, {"never", false}, {"always", true}} {
		stdout.Reset()
		h, err := (&outputFlags{format: "table", color: c.color}).renderer(a, &output{Writer: stdout}, report.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Read(strings.NewReader(oneFinding), h); err != nil {
			t.Fatal(err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(stdout.String(), "\x1b["); got != c.want {
			t.Errorf("--color %s: colours %v, want %v\n%s", c.color, got, c.want, stdout)
		}
	}
}

// oneFinding is a saved scan.
const oneFinding = `{"type":"start","protocol":1,"tool":"hostperm","version":"1","target":"h","root":"/r","profile":"default","started":"2026-01-02T03:04:05Z"}
{"type":"finding","path":"a","kind":"file","rule":"world-writable","severity":"critical","mode":"0666","want":"0644","change":"tighten","uid":1,"gid":1,"detail":"x"}
{"type":"summary","dirs":1,"files":1,"symlinks":0,"other":0,"findings":{"critical":1,"high":0,"medium":0,"low":0},"gaps":0,"changes":{},"complete":true,"seconds":0.1}
`
