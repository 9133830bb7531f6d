package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"hostperm/remote"
)

func compileSchema(t *testing.T, format string) *jsonschema.Schema {
	t.Helper()
	b, err := Schema(format)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:///"+format, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///" + format)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return s.Validate(v)
}

// documents splits several JSON documents.
func documents(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	for d := json.NewDecoder(strings.NewReader(text)); d.More(); {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		all = append(all, string(raw))
	}
	return all
}

func TestOutputFollowsItsSchema(t *testing.T) {
	line, doc := compileSchema(t, "jsonl"), compileSchema(t, "json")
	for _, name := range scanNames(t) {
		saved := scan(t, name)
		out := render(t, saved, "jsonl", Options{})
		for l := range strings.Lines(out) {
			if err := validate(t, line, l); err != nil {
				t.Errorf("%s: %v\n%s", name, err, l)
			}
			if !strings.HasPrefix(l, `{"type":"`) {
				t.Errorf("%s: the type does not come first: %s", name, l)
			}
		}
		docs := documents(t, render(t, saved, "json", Options{}))
		if want := strings.Count(out, `{"type":"start"`); len(docs) != want {
			t.Errorf("%s: %d documents, want %d", name, len(docs), want)
		}
		for _, d := range docs {
			if err := validate(t, doc, d); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Each member that a schema requires is missed when it is gone, and each value
// that makes no sense is refused; a member more is not.
func TestSchemaRefusesWhatIsBroken(t *testing.T) {
	line, doc := compileSchema(t, "jsonl"), compileSchema(t, "json")
	required := map[string][]string{
		"start":   {"type", "protocol", "tool", "version", "target", "root", "profile", "started"},
		"finding": {"type", "path", "kind", "rule", "severity", "mode", "want", "change", "detail"},
		"gap":     {"type", "path", "error"},
		"change":  {"type", "path", "from", "to", "status", "detail"},
		"summary": {"type", "dirs", "files", "symlinks", "other", "findings", "gaps", "changes", "complete", "seconds"},
	}
	wrong := map[string]any{"type": "x", "protocol": 2, "path": "", "kind": "pipe", "rule": "", "severity": "bad", "mode": "644",
		"want": "rw-", "change": "yes", "uid": -1, "from": "", "to": "0999", "status": "done", "dirs": -1, "findings": 3,
		"started": "yesterday", "complete": "yes", "seconds": -1, "changes": map[string]int{"done": 1}, "gaps": "0", "detail": 1}
	seen := map[string]bool{}
	for _, name := range []string{"fixed", "incomplete"} {
		for l := range strings.Lines(render(t, scan(t, name), "jsonl", Options{})) {
			var m map[string]any
			if err := json.Unmarshal([]byte(l), &m); err != nil {
				t.Fatal(err)
			}
			kind := m["type"].(string)
			if seen[kind] {
				continue
			}
			seen[kind] = true
			for _, key := range required[kind] {
				if broken := with(t, m, key, nil); validate(t, line, broken) == nil {
					t.Errorf("jsonl: accepted without %s: %s", key, broken)
				}
			}
			for key := range m {
				if bad, ok := wrong[key]; ok {
					if broken := with(t, m, key, bad); validate(t, line, broken) == nil {
						t.Errorf("jsonl: accepted with %s %v: %s", key, bad, broken)
					}
				}
			}
			if err := validate(t, line, with(t, m, "added_later", 1)); err != nil {
				t.Errorf("jsonl: %v", err)
			}
		}
	}
	if len(seen) != len(required) {
		t.Fatalf("saw only %v", seen)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(render(t, scan(t, "fixed"), "json", Options{})), &m); err != nil {
		t.Fatal(err)
	}
	for _, key := range append(required["start"][1:], "findings", "gaps", "changes", "summary") {
		if validate(t, doc, with(t, m, key, nil)) == nil {
			t.Errorf("json: accepted without %s", key)
		}
	}
	for key, bad := range map[string]any{"findings": []any{map[string]any{"type": "finding"}}, "summary": []int{}, "protocol": 2} {
		if validate(t, doc, with(t, m, key, bad)) == nil {
			t.Errorf("json: accepted with %s %v", key, bad)
		}
	}
	if err := validate(t, doc, with(t, m, "added_later", 1)); err != nil {
		t.Errorf("json: %v", err)
	}
}

// A message has one description, in a line and in a document.
func TestSchemasShareTheirParts(t *testing.T) {
	var parts [2]string
	for i, format := range []string{"jsonl", "json"} {
		b, err := Schema(format)
		if err != nil {
			t.Fatal(err)
		}
		var s struct {
			Defs json.RawMessage `json:"$defs"`
		}
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		parts[i] = string(s.Defs)
	}
	if parts[0] == "" || parts[0] != parts[1] {
		t.Error("the two schemas differ in $defs")
	}
}

// with gives the object with one member set, or taken out if v is nil.
func with(t *testing.T, m map[string]any, key string, v any) string {
	t.Helper()
	changed := map[string]any{}
	for k, old := range m {
		changed[k] = old
	}
	if v == nil {
		delete(changed, key)
	} else {
		changed[key] = v
	}
	b, err := json.Marshal(changed)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSchemaOfOthers(t *testing.T) {
	for _, format := range []string{"", "table", "csv", "../json"} {
		if _, err := Schema(format); !errors.Is(err, remote.ErrUsage) || remote.Hint(err) == "" {
			t.Errorf("Schema(%q): %v", format, err)
		}
	}
}
