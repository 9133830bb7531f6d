package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"hostperm/audit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The golden files hold widths as most terminals have them, whatever language
// the machine is set to.
func TestMain(m *testing.M) {
	twwidth.SetEastAsian(false)
	os.Exit(m.Run())
}

const scans = "../../testdata/report"

// scanNames lists the saved scans without their endings.
func scanNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(scans + "/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no saved scans in %s: %v", scans, err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".jsonl"))
	}
	return names
}

func scan(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(scans, name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// render reads a saved scan into a renderer.
func render(t *testing.T, saved []byte, format string, o Options) string {
	t.Helper()
	out, err := tryRender(saved, format, o)
	if err != nil && !strings.Contains(err.Error(), "it is incomplete") {
		t.Fatal(err)
	}
	return out
}

func tryRender(saved []byte, format string, o Options) (string, error) {
	var out bytes.Buffer
	r, err := New(format, &out, o)
	if err != nil {
		return "", err
	}
	err = Read(bytes.NewReader(saved), r)
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return out.String(), err
}

func TestGolden(t *testing.T) {
	variants := []struct {
		name, format string
		o            Options
	}{
		{"80.txt", "table", Options{Width: 80}},
		{"200.txt", "table", Options{Width: 200}},
		{"pipe.txt", "table", Options{}},
		{"color.txt", "table", Options{Width: 120, Color: true}},
		{"40.txt", "table", Options{Width: 40}},
		{"all.txt", "table", Options{Width: 100, All: true, Fixing: true, Commands: testCommands}},
		{"csv", "csv", Options{}},
		{"json", "json", Options{}},
	}
	for _, name := range scanNames(t) {
		for _, v := range variants {
			t.Run(name+"/"+v.name, func(t *testing.T) {
				got := render(t, scan(t, name), v.format, v.o)
				golden := filepath.Join(scans, "golden", name+"."+v.name)
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("differs from %s (write it anew with -update, and read it): %s", golden, difference(got, string(want)))
				}
			})
		}
	}
}

// difference shows the first line that two texts do not share.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// widths are terminals from absurd to wide.
func widths() []int {
	var all []int
	for w := 1; w <= 220; w += 1 + w/30 {
		all = append(all, w)
	}
	return all
}

// What a table shows fits the terminal, and no control character gets out.
func TestTableFitsAndIsSafe(t *testing.T) {
	for _, name := range scanNames(t) {
		saved := scan(t, name)
		for _, w := range widths() {
			out := render(t, saved, "table", Options{Width: w})
			for line := range strings.Lines(out) {
				line = strings.TrimSuffix(line, "\n")
				checkShown(t, name, line)
				if strings.HasSuffix(line, " ") {
					t.Fatalf("%s at %d: blanks at the end of %q", name, w, line)
				}
				longWord := strings.HasPrefix(line, "To ") || strings.HasPrefix(line, "What to ")
				for word := range strings.FieldsSeq(line) {
					longWord = longWord || width(word) > w-32
				}
				if w >= 40 && width(line) > w && !longWord {
					t.Fatalf("%s at %d: %d columns: %q", name, w, width(line), line)
				}
			}
		}
	}
}

// At every width, a row of the table is one line that ends with its rule: the
// table library, which breaks what does not fit anywhere, never had to.
func TestRowsAreLines(t *testing.T) {
	for _, name := range []string{"site", "many", "hostile"} {
		saved := scan(t, name)
		rows := func(w int) (n int) {
			for line := range strings.Lines(render(t, saved, "table", Options{Width: w})) {
				first, _, _ := strings.Cut(line, " ")
				switch first {
				case "critical", "high", "medium", "low":
					n++
				case "":
					if strings.Contains(line, " × ") {
						return n
					}
					if n > 0 && strings.HasPrefix(line, strings.Repeat(" ", 10)) {
						t.Fatalf("%s at %d: a broken row: %q", name, w, line)
					}
				}
			}
			return n
		}
		want := rows(0)
		for _, w := range widths() {
			if got := rows(w); got != want {
				t.Fatalf("%s at %d: %d rows, want %d", name, w, got, want)
			}
		}
	}
}

// testCommands are what a command that knows its flags would suggest.
func testCommands(audit.Start) Commands {
	const target = "-p 2222 deploy@shop.example.com"
	return Commands{Fix: "hostperm audit --fix " + target, Loosen: "hostperm audit --fix --loosen " + target, Undo: "hostperm undo -p 2222 last"}
}
