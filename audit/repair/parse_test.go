package repair

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"hostperm/policy"
	"hostperm/remote"
)

const (
	beginText  = `{"type":"begin","journal":1,"target":"deploy@shop.example.com","user":"deploy","host":"shop.example.com","port":22,"root":"/srv/www","root_uid":1000,"host_key":"SHA256:abc","version":"test","started":"2026-01-02T03:04:05Z"}` + "\n"
	intentText = `{"type":"intent","id":1,"path":"a","kind":"file","from":"4666","to":"0644","uid":1000,"gid":0,"size":9,"mtime":7}` + "\n"
	doneText   = `{"type":"done","id":1,"status":"applied","mode":"0644"}` + "\n"
	endText    = `{"type":"end"}` + "\n"
)

// TestJournalText pins the lines: journals outlive the version that wrote them.
func TestJournalText(t *testing.T) {
	n := aFile(0o4666)
	n.gid = 0
	r := newRun(t, tree{".": aDir(0o755), "a": n})
	if _, err := r.apply(t.Context(), steps(finding("a", n, 0o644))); err != nil {
		t.Fatal(err)
	}
	if err := r.j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.undo(t); err != nil {
		t.Fatal(err)
	}
	want := beginText + intentText + doneText + endText +
		`{"type":"undo","id":1,"to":"4666","mode":"0644"}` + "\n" + `{"type":"undone","id":1,"status":"applied","mode":"4666"}` + "\n"
	if got := string(r.f.content); got != want {
		t.Errorf("journal is\n%swant\n%s", got, want)
	}
}

func TestParseTorn(t *testing.T) {
	whole := beginText + intentText + doneText
	for n := range len(whole) + 1 {
		rec, err := parseJournal(strings.NewReader(whole[:n]))
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		lines := strings.Count(whole[:n], "\n")
		if rec.lines != lines || rec.begun != (lines > 0) || len(rec.intents) != min(max(lines-1, 0), 1) {
			t.Errorf("cut at %d: %+v", n, rec)
		}
		if end := strings.LastIndexByte(whole[:n], '\n') + 1; rec.valid != int64(end) || rec.torn != (n > end) {
			t.Errorf("cut at %d: valid to %d, torn %t", n, rec.valid, rec.torn)
		}
	}
	for _, tail := range []string{"\x00\x00\x00\n", "{\n", "\n", `{"type":1}` + "\n", strings.Repeat("x", maxLine+10) + "\n", strings.Repeat("x", 3*maxLine)} {
		rec, err := parseJournal(strings.NewReader(whole + tail))
		if err != nil || !rec.torn || rec.valid != int64(len(whole)) {
			t.Errorf("a last line of %d bytes: %v", len(tail), err)
		}
	}
}

func TestParseCorrupt(t *testing.T) {
	cases := map[string]struct {
		text string
		line int
		says string
	}{
		"no json in the middle":     {beginText + "garbage\n" + endText, 2, "invalid character"},
		"zeros in the middle":       {beginText + "\x00\x00\n" + endText, 2, "invalid character"},
		"long line in the middle":   {beginText + strings.Repeat("x", maxLine+1) + "\n" + endText, 2, "too long"},
		"no begin":                  {intentText, 1, "must begin"},
		"two begins":                {beginText + beginText, 2, "must begin"},
		"newer":                     {strings.Replace(beginText, `"journal":1`, `"journal":2`, 1), 1, "version 2"},
		"relative root":             {strings.Replace(beginText, `/srv`, `srv`, 1), 1, "absolute"},
		"no start time":             {strings.Replace(beginText, `2026-`, `x`, 1), 1, "x01-02"},
		"bad base64":                {strings.Replace(beginText, `"root"`, `"root_base64":"!","root"`, 1), 1, "base64"},
		"unknown type":              {beginText + `{"type":"chown"}` + "\n", 2, `"chown"`},
		"gap in ids":                {beginText + strings.Replace(intentText, `"id":1`, `"id":2`, 1), 2, "id 2"},
		"id twice":                  {beginText + intentText + intentText, 3, "id 1"},
		"path up":                   {beginText + strings.Replace(intentText, `"a"`, `"../a"`, 1), 2, "path"},
		"absolute path":             {beginText + strings.Replace(intentText, `"a"`, `"/a"`, 1), 2, "path"},
		"no path":                   {beginText + strings.Replace(intentText, `"a"`, `""`, 1), 2, "path"},
		"ssh":                       {beginText + strings.Replace(intentText, `"a"`, `".ssh/id"`, 1), 2, "path"},
		"ssh in base64":             {beginText + strings.Replace(intentText, `"path":"a"`, `"path":"a","path_base64":"LnNzaA=="`, 1), 2, "path"},
		"symlink":                   {beginText + strings.Replace(intentText, `"file"`, `"symlink"`, 1), 2, "kind"},
		"unknown kind":              {beginText + strings.Replace(intentText, `"file"`, `"door"`, 1), 2, "door"},
		"mode of three digits":      {beginText + strings.Replace(intentText, `"4666"`, `"666"`, 1), 2, "666"},
		"mode beyond twelve bits":   {beginText + strings.Replace(intentText, `"4666"`, `"9666"`, 1), 2, "9666"},
		"no owner":                  {beginText + strings.Replace(intentText, `"uid":1000,`, ``, 1), 2, "owner"},
		"done without intent":       {beginText + doneText, 2, "no intent"},
		"done twice":                {beginText + intentText + doneText + doneText, 4, "second done"},
		"done with an odd status":   {beginText + intentText + `{"type":"done","id":1,"status":"left"}` + "\n", 3, `"left"`},
		"done with an odd mode":     {beginText + intentText + `{"type":"done","id":1,"status":"failed","mode":"x"}` + "\n", 3, `"x"`},
		"undo without intent":       {beginText + `{"type":"undo","id":1}` + "\n", 2, "no intent"},
		"undone without intent":     {beginText + `{"type":"undone","id":-1,"status":"left"}` + "\n", 2, "no intent"},
		"undone with an odd status": {beginText + intentText + `{"type":"undone","id":1,"status":"x"}` + "\n", 3, `"x"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parseJournal(strings.NewReader(c.text))
			if !errors.Is(err, ErrJournalCorrupt) || !strings.Contains(err.Error(), fmt.Sprintf("line %d: ", c.line)) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one about line %d and %s", err, c.line, c.says)
			}
			if remote.Hint(err) == "" || strings.ContainsAny(fmt.Sprint(err), "\n\x00") {
				t.Errorf("error %q is not one line with a hint", err)
			}
		})
	}
}

func TestPending(t *testing.T) {
	done := func(s string) string { return `{"type":"done","id":1,"status":` + s + "}\n" }
	undone := func(s string) string { return `{"type":"undone","id":1,"status":` + s + "}\n" }
	cases := []struct {
		tail string
		want bool
	}{
		{"", true},
		{done(`"applied","mode":"0644"`), true},
		{done(`"refused"`), false},
		{done(`"unchanged"`), false},
		{done(`"unknown"`), true},
		{done(`"failed"`), true},
		{done(`"failed","mode":"4666"`), false},
		{done(`"failed","mode":"0666"`), true},
		{undone(`"applied"`), false},
		{undone(`"unchanged"`), false},
		{undone(`"left"`), false},
		{undone(`"failed"`), true},
		{undone(`"refused"`), true},
		{undone(`"unknown"`), true},
		{undone(`"failed"`) + undone(`"applied"`), false},
		{`{"type":"undo","id":1}` + "\n", true},
	}
	for _, c := range cases {
		rec, err := parseJournal(strings.NewReader(beginText + intentText + c.tail))
		if err != nil {
			t.Fatalf("%s: %v", c.tail, err)
		}
		if got := len(rec.toUndo()) == 1; got != c.want {
			t.Errorf("after %q pending is %t", c.tail, got)
		}
	}
}

// TestLineIsHarmless: a journal that is looked at on a terminal shows nothing
// that the terminal would obey, and every byte of a path comes back.
func TestLineIsHarmless(t *testing.T) {
	for _, p := range []string{"a\x1b[2Jb", "\u009b31m", "\u202egpj.exe", "a\nb", "\x7f", "\xff\xfe", "ümlaut", "\U000e0001", "\"\\<script>", "a\u2028b"} {
		s := PlannedStep{Step: Step{Path: p, Kind: policy.KindFile, From: 0o666}, Target: 0o644}
		ln := intentLine(1, &s)
		text := strings.TrimSuffix(string(ln.appendTo(nil)), "\n")
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q becomes %q", p, text)
		}
		rec, err := parseJournal(strings.NewReader(beginText + text + "\n"))
		if err != nil || rec.intents[0].path != p {
			t.Errorf("%q comes back as %+v, %v", p, rec, err)
		}
	}
}

// TestLineHasEveryField: what is written by hand is what encoding/json reads,
// and would write, whichever fields are set.
func TestLineHasEveryField(t *testing.T) {
	n32, n64 := uint32(7), uint64(0)
	for i := range reflect.TypeFor[line]().NumField() {
		for _, also := range []string{"", typeDone} {
			l := line{Type: also}
			switch v := reflect.ValueOf(&l).Elem().Field(i); v.Interface().(type) {
			case string, outcome:
				v.SetString("a<\u202e\"é")
			case int:
				v.SetInt(-12)
			case *uint32:
				v.Set(reflect.ValueOf(&n32))
			case *uint64:
				v.Set(reflect.ValueOf(&n64))
			default:
				t.Fatalf("a field of type %v", v.Type())
			}
			var back, twice line
			got := l.appendTo(nil)
			if err := json.Unmarshal(got, &back); err != nil || !reflect.DeepEqual(back, l) || got[len(got)-1] != '\n' {
				t.Errorf("%+v is written as %s: %v", l, got, err)
			}
			want, err := json.Marshal(l)
			if err != nil || json.Unmarshal(want, &twice) != nil || strings.Count(string(want), `":`) != strings.Count(string(got), `":`) {
				t.Errorf("%s, and encoding/json writes %s", got, want)
			}
		}
	}
}

func TestHeaderRoundTrip(t *testing.T) {
	h := testHeader()
	h.Root, h.Target = "/srv/\xff\x1b", "me@h:/srv/\xff\x1b"
	h.RootUID, h.Port = nil, 0
	ln := h.line()
	rec, err := parseJournal(bytes.NewReader(ln.appendTo(nil)))
	if err != nil || !reflect.DeepEqual(rec.header, h) {
		t.Errorf("%+v comes back as %+v, %v", h, rec, err)
	}
}

// print writes a record as a journal that says the same.
func (r *record) print(t *testing.T) []byte {
	var buf []byte
	put := func(l line) { buf = l.appendTo(buf) }
	if r.begun {
		put(r.header.line())
	}
	for i, in := range r.intents {
		s := PlannedStep{Step: Step{Path: in.path, Kind: in.kind, From: in.from, UID: in.uid, GID: in.gid}, Target: in.to}
		put(intentLine(i+1, &s))
		seen := in.seen
		if in.status == outFailed || in.status == outUnknown {
			l := line{Type: typeDone, ID: i + 1, Status: in.status}
			if len(seen) > 0 {
				l.Mode, seen = seen[0].String(), seen[1:]
			}
			put(l)
		} else if in.status != "" {
			put(line{Type: typeDone, ID: i + 1, Status: in.status})
		}
		for _, m := range seen {
			put(line{Type: typeUndone, ID: i + 1, Status: outFailed, Mode: m.String()})
		}
		if in.undone != "" {
			put(line{Type: typeUndone, ID: i + 1, Status: in.undone})
		}
		if in.undoing {
			put(line{Type: typeUndo, ID: i + 1})
		}
	}
	if r.ended {
		put(line{Type: typeEnd})
	}
	return buf
}

func FuzzParseJournal(f *testing.F) {
	for _, s := range []string{
		"", beginText, beginText + intentText + doneText + endText,
		beginText + intentText + `{"type":"done","id":1,"status":"failed","mode":"0666"}` + "\n" + `{"type":"undone","id":1,"status":"failed","mode":"0600"}` + "\n",
		beginText + strings.Replace(intentText, `"path":"a"`, `"path":"a","path_base64":"/w=="`, 1),
		beginText + intentText[:40], beginText + "\x00\x00\n", "{}\n" + endText,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := parseJournal(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, ErrJournalCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if rec.valid > int64(len(data)) || rec.torn != (rec.valid < int64(len(data))) {
			t.Fatalf("valid to %d of %d, torn %t", rec.valid, len(data), rec.torn)
		}
		if len(rec.intents) > 0 && !rec.begun {
			t.Fatal("intents without a begin line")
		}
		for _, in := range rec.intents {
			if !validPath(in.path) || inSSH(in.path) || in.from > policy.AllBits || in.to > policy.AllBits ||
				in.kind != policy.KindFile && in.kind != policy.KindDir {
				t.Fatalf("%+v would be put back", in)
			}
		}
		again, err := parseJournal(bytes.NewReader(rec.print(t)))
		if err != nil {
			t.Fatalf("what was understood can't be written and read: %v", err)
		}
		again.valid, again.torn, again.lines = rec.valid, rec.torn, rec.lines
		if !reflect.DeepEqual(again, rec) {
			t.Fatalf("%+v\nbecomes\n%+v", rec, again)
		}
	})
}
