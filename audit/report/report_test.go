package report

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
)

func testStart() audit.Start {
	return audit.Start{Protocol: audit.ProtocolVersion, Tool: "hostperm", Version: "0.1.0", Target: "deploy@shop.example.com",
		Root: "/srv/www", Profile: "default", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func testFinding(path string) audit.Finding {
	return audit.Finding{Path: path, Kind: policy.KindFile, Rule: "world-writable", Severity: policy.Critical, Mode: 0o666,
		ModeKnown: true, Want: 0o644, Change: policy.Tighten, UID: 1, GID: 2, OwnerKnown: true, Detail: "anyone can change it"}
}

// show feeds messages to a renderer of the named format.
func show(t *testing.T, format string, o Options, messages ...audit.Message) string {
	t.Helper()
	var out bytes.Buffer
	r, err := New(format, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if err := r.Handle(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestUnknownFormat(t *testing.T) {
	_, err := New("x\x1bml", io.Discard, Options{})
	if !errors.Is(err, remote.ErrUsage) || !strings.Contains(remote.Hint(err), "table, json, jsonl, csv") {
		t.Fatalf("%v, hint %q", err, remote.Hint(err))
	}
	checkShown(t, "error", err.Error())
}

// Nothing but a complete summary without anything in it is clean, whatever came
// before it.
func TestNeverCleanUnlessItIs(t *testing.T) {
	one := audit.Counts{Low: 1}
	clean := audit.Summary{Dirs: 1, Files: 2, Complete: true}
	tests := []struct {
		name     string
		messages []audit.Message
		clean    bool
	}{
		{"clean", []audit.Message{clean}, true},
		{"excluded", []audit.Message{audit.Summary{Excluded: 4, Complete: true}}, true},
		{"no summary", nil, false},
		{"not complete", []audit.Message{audit.Summary{}}, false},
		{"interrupted", []audit.Message{audit.Summary{Complete: true, Interrupted: true}}, false},
		{"gap counted", []audit.Message{audit.Summary{Complete: true, Gaps: 1}}, false},
		{"gap seen", []audit.Message{audit.Gap{Path: "a", Error: "no"}, clean}, false},
		{"finding counted", []audit.Message{audit.Summary{Complete: true, Findings: one}}, false},
		{"finding seen", []audit.Message{testFinding("a"), clean}, false},
		{"remaining", []audit.Message{audit.Summary{Complete: true, Remaining: one}}, false},
		{"changed", []audit.Message{audit.Change{Path: "a", Status: audit.Applied}, clean}, false},
		{"changes counted", []audit.Message{audit.Summary{Complete: true, Changes: map[audit.Status]int{audit.Failed: 1}}}, false},
		{"no changes counted", []audit.Message{audit.Summary{Complete: true, Changes: map[audit.Status]int{audit.Failed: 0}}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			messages := append([]audit.Message{testStart()}, tt.messages...)
			out := show(t, "table", Options{}, messages...)
			if got := strings.Contains(out, "clean"); got != tt.clean {
				t.Errorf("says clean: %v, want %v:\n%s", got, tt.clean, out)
			}
		})
	}
}

// What is not complete says so, in every format.
func TestIncompleteIsSaid(t *testing.T) {
	word := map[string]string{"table": "INCOMPLETE", "csv": "INCOMPLETE", "json": `"complete":false`, "jsonl": `"complete":false`}
	for format, want := range word {
		for name, messages := range map[string][]audit.Message{
			"no summary":  {testStart(), testFinding("a")},
			"interrupted": {testStart(), audit.Summary{Interrupted: true}},
			"cut by next": {testStart(), testStart(), audit.Summary{Complete: true}},
		} {
			if out := show(t, format, Options{}, messages...); !strings.Contains(out, want) {
				t.Errorf("%s, %s: no %s in\n%s", format, name, want, out)
			}
		}
	}
}

func TestOrderIsKept(t *testing.T) {
	start, finding, gap, change, summary := testStart(), testFinding("a"), audit.Gap{Path: "a"}, audit.Change{Path: "a"}, audit.Summary{}
	for _, messages := range [][]audit.Message{
		{finding}, {gap}, {change}, {summary}, {start, summary, finding}, {start, gap, finding}, {start, change, gap}, {nil},
	} {
		for _, format := range Formats() {
			r, err := New(format, io.Discard, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range messages {
				err = r.Handle(m)
				if last := i == len(messages)-1; (err != nil) != last {
					t.Errorf("%s: message %d of %T: %v", format, i, messages, err)
				}
			}
		}
	}
}

func TestClosed(t *testing.T) {
	r, err := New("table", io.Discard, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	if err := r.Handle(testStart()); err == nil {
		t.Error("a closed renderer takes messages")
	}
}

// fullWriter takes n bytes.
type fullWriter struct{ n int }

var errFull = errors.New("no space left")

func (w *fullWriter) Write(p []byte) (int, error) {
	if len(p) > w.n {
		n := w.n
		w.n = 0
		return n, errFull
	}
	w.n -= len(p)
	return len(p), nil
}

// However early the writer fails, the error is returned, and once.
func TestWriterThatFails(t *testing.T) {
	for _, format := range Formats() {
		var messages []audit.Message
		messages = append(messages, testStart())
		for i := range 3000 {
			messages = append(messages, testFinding(fmt.Sprintf("dir%04d/file", i)))
		}
		messages = append(messages, audit.Summary{Complete: true})
		whole := len(show(t, format, Options{All: true}, messages...))
		for _, room := range []int{0, 1, whole / 3, whole - 1} {
			r, err := New(format, &fullWriter{room}, Options{All: true})
			if err != nil {
				t.Fatal(err)
			}
			told := 0
			for _, m := range messages {
				if err := r.Handle(m); err != nil {
					told++
					if !errors.Is(err, errFull) {
						t.Errorf("%s: %v", format, err)
					}
					break
				}
			}
			if err := r.Close(); err != nil {
				told++
			}
			if told != 1 {
				t.Errorf("%s with room for %d of %d bytes: told %d times", format, room, whole, told)
			}
		}
	}
}

func TestCSVIsSafeAndComplete(t *testing.T) {
	saved := scan(t, "hostile")
	out := render(t, saved, "csv", Options{})
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var want []audit.Message
	if err := Read(bytes.NewReader(saved), collect(&want)); err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(want)+1 {
		t.Fatalf("%d rows, want a header and %d", len(rows), len(want))
	}
	for i, row := range rows {
		for _, field := range row {
			checkShown(t, "csv", field)
			if field != "" && strings.Contains("=+-@", strings.TrimLeft(field, "\"' ")[:1]) && field[0] != '\'' {
				t.Errorf("a spreadsheet takes %q for a formula", field)
			}
		}
		if i == 0 {
			continue
		}
		path := row[3]
		if coded := row[14]; coded != "" {
			b, err := base64.StdEncoding.DecodeString(coded)
			if err != nil {
				t.Fatal(err)
			}
			path = string(b)
		}
		if got := pathOf(want[i-1]); path != got {
			t.Errorf("row %d has the path %q, want %q", i, path, got)
		}
	}
}

func TestCSVText(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", `"=1"`: `'"=1"`, " =1": "' =1", "'=1": "''=1",
		"\t=1": `"\t=1"`, "\r=1": `"\r=1"`, "＝1": "'＝1", "a=1": "a=1", "=1\n": `'"=1\n"`,
	} {
		if got := csvText(in); got != want {
			t.Errorf("csvText(%q) = %q, want %q", in, got, want)
		}
	}
}

func pathOf(m audit.Message) string {
	switch m := m.(type) {
	case audit.Finding:
		return m.Path
	case audit.Gap:
		return m.Path
	case audit.Change:
		return m.Path
	}
	return ""
}

// collector is a handler that keeps what it gets.
type collector struct{ to *[]audit.Message }

func collect(to *[]audit.Message) collector { return collector{to} }

func (c collector) Handle(m audit.Message) error {
	*c.to = append(*c.to, m)
	return nil
}
