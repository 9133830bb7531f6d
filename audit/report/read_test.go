package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"hostperm/audit"
)

// What the JSON formats write, Read gives back: the same messages, and the same
// table.
func TestReadIsTheInverse(t *testing.T) {
	for _, name := range scanNames(t) {
		saved := scan(t, name)
		var want []audit.Message
		if err := Read(bytes.NewReader(saved), collect(&want)); err != nil && name != "cut" {
			t.Fatal(name, err)
		}
		for _, format := range []string{"json", "jsonl"} {
			again := render(t, saved, format, Options{})
			if name == "cut" {
				continue // the renderer adds the summary that it has not
			}
			var got []audit.Message
			if err := Read(iotest.OneByteReader(strings.NewReader(again)), collect(&got)); err != nil {
				t.Fatalf("%s as %s: %v", name, format, err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s as %s: other messages came back", name, format)
			}
		}
	}
}

// A scan that went through other tools still reads.
func TestReadForms(t *testing.T) {
	saved := string(scan(t, "two"))
	var want []audit.Message
	if err := Read(strings.NewReader(saved), collect(&want)); err != nil {
		t.Fatal(err)
	}
	doc := render(t, []byte(saved), "json", Options{})
	var compact, indented bytes.Buffer
	for _, d := range documents(t, doc) {
		if err := errors.Join(json.Compact(&compact, []byte(d)), json.Indent(&indented, []byte(d), "", "\t")); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"CRLF":            strings.ReplaceAll(saved, "\n", "\r\n"),
		"BOM":             "\ufeff" + saved,
		"blank lines":     "\n \n" + strings.ReplaceAll(saved, "\n", "\n\n"),
		"no last newline": strings.TrimSuffix(saved, "\n"),
		"progress":        strings.ReplaceAll(saved, "\n", "\n{\"type\":\"progress\",\"entries\":1}\n"),
		"compact":         compact.String(),
		"indented":        indented.String(),
		"BOM and blanks":  "\ufeff\r\n" + doc,
		"without types":   strings.ReplaceAll(doc, `"type":"finding",`, ""),
		"a member more":   strings.Replace(doc, `{"protocol"`, `{"later":{"a":[1]},"protocol"`, 1),
	} {
		var got []audit.Message
		if err := Read(strings.NewReader(text), collect(&got)); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: other messages came back", name)
		}
	}
}

func TestReadErrors(t *testing.T) {
	saved := string(scan(t, "two"))
	lines := strings.SplitAfter(saved, "\n")
	doc := render(t, scan(t, "site"), "json", Options{})
	tests := []struct{ name, text, want string }{
		{"empty", "", "there is no scan in the file"},
		{"blank", "\n\r\n  \n", "there is no scan in the file"},
		{"UTF-16", "\xff\xfe{\x00", "line 1: the file is UTF-16"},
		{"nothing known", "{\"type\":\"progress\"}\n", "there is no scan in the file"},
		{"text", "SEVERITY  MODE\n", "line 1: not a JSON document"},
		{"number", "12\n", "line 1: neither"},
		{"list", "\n[]\n", "line 2: neither"},
		{"no scan", "{}\n", "line 1: a document without a summary"},
		{"not JSON", lines[0] + "oops\n", "line 2: not a JSON object"},
		{"torn", saved[:len(saved)-5], "line 6: the file ends in the middle of the line: it is incomplete"},
		{"cut", lines[0], "line 1: the file ends before the summary of the scan: it is incomplete"},
		{"no start", lines[1], "line 1: a summary without a start"},
		{"two starts", lines[0] + lines[0], "line 2: a start before the summary"},
		{"finding last", saved + lines[3], "line 7: a finding without a start"},
		{"bad severity", lines[0] + strings.Replace(lines[3], "medium", "mild\x7f", 1), "line 2: finding"},
		{"other protocol", strings.Replace(lines[0], `"protocol":1`, `"protocol":9`, 1), "line 1: start: this is protocol 9"},
		{"torn document", doc[:len(doc)/2], "the file ends in the middle of the document: it is incomplete"},
		{"document without its end", strings.TrimSuffix(doc, "}\n"), "the file ends in the middle of the document"},
		{"broken document", strings.Replace(doc, `"findings":[`, `"findings":[}`, 1), "line 2: not a JSON document"},
		{"no list", strings.Replace(doc, `"gaps":[]`, `"gaps":{}`, 1), "gaps is not a list"},
		{"no head", `{"findings":[]}`, "line 1: the head of the document, which comes before its lists"},
		{"no summary", `{"findings":[]`, "line 1: the head of the document"},
		{"wrong list", strings.Replace(doc, `"findings":[`, `"gaps":[`, 1), `gap: the type is "finding"`},
		{"bad element", strings.Replace(doc, `"severity":"high"`, `"severity":"x"`, 1), "line 4: finding"},
		{"twice", strings.Replace(doc, `"gaps":[]`, `"gaps":[],"summary":`+lines[1][:len(lines[1])-1], 1), "a second summary"},
	}
	for _, tt := range tests {
		var got []audit.Message
		err := Read(strings.NewReader(tt.text), collect(&got))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
			continue
		}
		checkShown(t, tt.name, err.Error())
		if strings.Contains(tt.want, "the file ends") != errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: is io.ErrUnexpectedEOF wrongly: %v", tt.name, err)
		}
	}
}

// Wherever a saved scan is cut, it is an error, and no part is shown as clean.
func TestReadCutAnywhere(t *testing.T) {
	for _, format := range []string{"json", "jsonl"} {
		text := strings.TrimSpace(render(t, scan(t, "clean"), format, Options{}))
		for n := range len(text) {
			out, err := tryRender([]byte(text[:n]), "table", Options{})
			if err == nil || strings.Contains(out, "clean") {
				t.Fatalf("%s cut at %d: %v\n%s", format, n, err, out)
			}
			if out != "" && !strings.Contains(out, "INCOMPLETE") {
				t.Fatalf("%s cut at %d does not say so:\n%s", format, n, out)
			}
		}
		if out, err := tryRender([]byte(text), "table", Options{}); err != nil || !strings.Contains(out, "clean") {
			t.Fatalf("%s: %v\n%s", format, err, out)
		}
	}
}

// endless gives a start and then the same bytes for ever.
type endless struct {
	head string
	fill byte
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.head)
	e.head = e.head[n:]
	for i := n; i < len(p); i++ {
		p[i] = e.fill
	}
	e.read += len(p)
	return len(p), nil
}

// A line, or a value, that does not end is given up before it fills memory.
func TestReadIsBounded(t *testing.T) {
	start := strings.SplitAfter(string(scan(t, "clean")), "\n")[0]
	for name, e := range map[string]*endless{
		"line":          {head: start + `{"type":"`, fill: 'a'},
		"document":      {head: `{"protocol":1,"tool":"`, fill: 'a'},
		"head":          {head: `{"protocol":1,` + "\n" + `"x":`, fill: '['},
		"blanks inside": {head: `{"protocol":1,`, fill: '\n'},
	} {
		err := Read(e, collect(new([]audit.Message)))
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if e.read > 2*maxLine {
			t.Errorf("%s: read %d bytes before %v", name, e.read, err)
		}
	}
}

func TestReadPassesErrorsOn(t *testing.T) {
	saved := scan(t, "site")
	for _, format := range []string{"json", "jsonl"} {
		text := render(t, saved, format, Options{})
		err := Read(strings.NewReader(text), failing{})
		if !errors.Is(err, errFull) || strings.Contains(err.Error(), "line") {
			t.Errorf("%s: %v, want the handler's error as it is", format, err)
		}
		err = Read(io.MultiReader(strings.NewReader(text[:len(text)/2]), iotest.ErrReader(errFull)), collect(new([]audit.Message)))
		if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %v, want the reader's error with a line", format, err)
		}
	}
}

type failing struct{}

func (failing) Handle(audit.Message) error { return errFull }

// encoded writes messages down, in which a list left out and an empty one are
// the same.
func encoded(t *testing.T, messages []audit.Message) string {
	t.Helper()
	var b strings.Builder
	for _, m := range messages {
		line, err := audit.EncodeMessage(m)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// No input makes the reader panic, hang, or break the order; what it accepts,
// it gives again after being written, and a table of it is safe.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"clean", "incomplete", "fixed-all", "two", "hostile", "cut"} {
		var t testing.T
		saved := scan(&t, name)
		f.Add(saved)
		f.Add([]byte(render(&t, saved, "json", Options{})))
	}
	f.Add([]byte("{\n\"findings\":[[]]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got []audit.Message
		if err := Read(bytes.NewReader(data), collect(&got)); err != nil {
			checkShown(t, "error", audit.SafeText(err.Error()))
			return
		}
		for _, format := range []string{"json", "jsonl"} {
			var again []audit.Message
			text := show(t, format, Options{}, got...)
			if err := Read(strings.NewReader(text), collect(&again)); err != nil {
				t.Fatalf("%s of what was read: %v\n%s", format, err, text)
			}
			if encoded(t, got) != encoded(t, again) {
				t.Fatalf("%s of what was read says something else\n%s", format, text)
			}
		}
		for line := range strings.Lines(show(t, "table", Options{Width: 60}, got...)) {
			checkShown(t, "table", strings.TrimSuffix(line, "\n"))
		}
	})
}
