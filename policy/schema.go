package policy

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

//go:embed schema/policy.schema.json
var schemaText string

// Schema gives the JSON Schema (draft 2020-12) of a policy file.
func Schema() string { return schemaText }

// schema is compiled when a file is first read.
var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	const name = "mem:///policy"
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schemaText))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, doc); err != nil {
		return nil, err
	}
	return c.Compile(name)
})

// validate holds a tree to the schema, and says in this program's words what is
// wrong, and where.
func validate(t *tree) error {
	s, err := schema()
	if err != nil {
		return fmt.Errorf("the schema of policies: %w", err)
	}
	var invalid *jsonschema.ValidationError
	if err := s.Validate(t.value); err == nil {
		return nil
	} else if !errors.As(err, &invalid) {
		return Problems{t.pos.problem("%v", err)}
	}
	v := &violations{root: t}
	v.collect(invalid)
	return v.problems.sorted().err()
}

type violations struct {
	root     *tree
	problems Problems
}

func (v *violations) add(at Position, format string, args ...any) {
	v.problems = append(v.problems, at.problem(format, args...))
}

// collect goes down to the causes. Of alternatives those count that reach
// deeper into the file than the choice itself: a list was meant, and one of its
// items is wrong.
func (v *violations) collect(e *jsonschema.ValidationError) {
	if _, choice := e.ErrorKind.(*kind.AnyOf); choice {
		deeper := false
		for _, c := range leaves(e) {
			if len(c.InstanceLocation) > len(e.InstanceLocation) {
				v.leaf(c)
				deeper = true
			}
		}
		if !deeper {
			v.alternatives(e)
		}
		return
	}
	if len(e.Causes) == 0 {
		v.leaf(e)
	}
	for _, c := range e.Causes {
		v.collect(c)
	}
}

func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var out []*jsonschema.ValidationError
	for _, c := range e.Causes {
		out = append(out, leaves(c)...)
	}
	return out
}

// alternatives words a value that is neither one text nor a list of them.
func (v *violations) alternatives(e *jsonschema.ValidationError) {
	t, key := v.find(e.InstanceLocation)
	what := "a pattern, or a list of patterns"
	if slices.Contains([]string{"user", "groups", "owner", "group"}, key) {
		what = "a name or a number of 0 to 4294967295, or, but for user, a list of them"
	}
	v.add(t.pos, "%s is %s: it has to be %s", key, describe(t), what)
}

// find gives the value at a place, and the last key on the way to it.
func (v *violations) find(location []string) (*tree, string) {
	t, key := v.root, "the policy"
	for _, part := range location {
		if i, err := strconv.Atoi(part); err == nil && i < len(t.items) {
			t = t.items[i]
		} else if next := t.get(part); next != nil {
			t, key = next, part
		}
	}
	return t, key
}

func (v *violations) leaf(e *jsonschema.ValidationError) {
	t, key := v.find(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			v.unknownKey(t, key, name, e.SchemaURL)
		}
	case *kind.Required:
		v.add(t.pos, "%s without %s", lineOf(key), strings.Join(k.Missing, " and "))
	case *kind.DependentRequired:
		v.add(t.get(k.Prop).pos, "%s without %s", k.Prop, strings.Join(k.Missing, " and "))
	case *kind.Enum:
		v.enum(t, key, k)
	case *kind.Type:
		if key == "want" || key == "allow" && slices.Equal(k.Want, []string{"string"}) {
			v.add(t.pos, "%s", modeReason(t))
			return
		}
		v.add(t.pos, "%s is %s: it has to be %s", key, describe(t), typeNames(k.Want))
	case *kind.Pattern:
		if key == "until" {
			v.add(t.pos, "until is %s: it has to be a day such as 2026-12-31", describe(t))
			return
		}
		v.add(t.pos, "%s", modeReason(t))
	default:
		v.other(t, key, e.ErrorKind)
	}
}

func (v *violations) other(t *tree, key string, k jsonschema.ErrorKind) {
	switch k.(type) {
	case *kind.MinLength, *kind.MinItems:
		v.add(t.pos, "%s is empty", key)
	case *kind.MinProperties:
		v.add(t.pos, "%s says nothing", lineOf(key))
	case *kind.Minimum, *kind.Maximum:
		v.add(t.pos, "%s: a number of 0 to 4294967295 is expected", key)
	default:
		v.add(t.pos, "%s is not valid: %v", key, strings.Join(k.KeywordPath(), " "))
	}
}

// lineOf names a line of a list by the list.
func lineOf(key string) string {
	switch key {
	case "expect", "ignore":
		return "a line of " + key
	}
	return key
}

func (v *violations) unknownKey(t *tree, key, name, url string) {
	at := t.pos
	for _, f := range t.fields {
		if f.name == name {
			at = f.pos
		}
	}
	known := keysAt(url)
	if near := nearest(name, known); near != "" {
		v.add(at, "unknown key %q in %s: did you mean %s?", name, lineOf(key), near)
		return
	}
	v.add(at, "unknown key %q in %s: there are %s", name, lineOf(key), strings.Join(known, ", "))
}

// keysAt gives the keys that an object of the schema may have, sorted.
func keysAt(url string) []string {
	_, pointer, _ := strings.Cut(url, "#")
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(schemaText)))
	if err != nil {
		return nil
	}
	for part := range strings.SplitSeq(strings.Trim(pointer, "/"), "/") {
		if m, ok := doc.(map[string]any); ok && part != "" {
			doc = m[part]
		}
	}
	m, _ := doc.(map[string]any)
	properties, _ := m["properties"].(map[string]any)
	var keys []string
	for name := range properties {
		keys = append(keys, name)
	}
	slices.Sort(keys)
	return keys
}

func (v *violations) enum(t *tree, key string, k *kind.Enum) {
	var words []string
	for _, w := range k.Want {
		words = append(words, fmt.Sprint(w))
	}
	list := strings.Join(words, ", ")
	if word, ok := t.value.(string); ok {
		if near := nearest(word, words); near != "" {
			v.add(t.pos, "%s is %q: did you mean %s?", key, word, near)
			return
		}
	}
	v.add(t.pos, "%s is %s: there are %s", key, describe(t), list)
}

func typeNames(types []string) string {
	names := map[string]string{"string": "a text", "array": "a list", "object": "a mapping of keys to values",
		"boolean": "true or false", "integer": "a whole number"}
	var out []string
	for _, t := range types {
		out = append(out, names[t])
	}
	return strings.Join(out, " or ")
}

// maxShown is how many bytes of a text a message repeats.
const maxShown = 60

// describe says what stands in the file.
func describe(t *tree) string {
	switch v := t.value.(type) {
	case nil:
		return "empty"
	case string:
		if len(v) > maxShown {
			v = strings.ToValidUTF8(v[:maxShown], "") + "..."
		}
		return strconv.Quote(v)
	case bool:
		return strconv.FormatBool(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return "the number " + t.number
}

// modeReason says why a value is no mode. What looks like one, and is a number
// to YAML, means different things to different readers.
func modeReason(t *tree) string {
	digits := regexp.MustCompile(`^(0o)?0*([0-7]{1,4})$`).FindStringSubmatch(t.number)
	if digits == nil {
		if text, ok := t.value.(string); ok && regexp.MustCompile(`^[0-7]{1,3}$`).MatchString(text) {
			return fmt.Sprintf("write \"%04s\": a mode has four octal digits", text)
		}
		return describe(t) + ` is not a mode: four octal digits in quotes, such as "0644"`
	}
	write := fmt.Sprintf("write \"%04s\"", digits[2])
	octal, err := strconv.ParseUint(digits[2], 8, 16)
	if err != nil {
		return write
	}
	switch {
	case digits[1] != "":
		return fmt.Sprintf("%s: without quotes YAML 1.2 reads %s as the number %d, and YAML 1.1 as a text", write, t.number, octal)
	case strings.HasPrefix(t.number, "0"):
		return fmt.Sprintf("%s, with the quotes: YAML 1.1 reads %s as the octal number %d, YAML 1.2 as the decimal number %s",
			write, t.number, octal, strings.TrimLeft(t.number, "0"))
	}
	decimal, err := strconv.Atoi(t.number)
	if err != nil {
		return write
	}
	return fmt.Sprintf("%s: YAML reads %s as the decimal number %s, which is %#o in octal", write, t.number, t.number, decimal)
}
