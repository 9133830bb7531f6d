package policy

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// tree is a value of a YAML file with its place: a mapping, a sequence, or a
// scalar.
type tree struct {
	pos    Position
	fields []field // of a mapping, in the order of the file
	items  []*tree // of a sequence
	value  any     // as encoding/json has it: map, slice, string, float64, bool or nil
	number string  // a number as it was written; "" for everything else
}

type field struct {
	name  string
	pos   Position
	value *tree
}

// get gives the value of a mapping's key, nil if it has none.
func (t *tree) get(name string) *tree {
	if t == nil {
		return nil
	}
	for _, f := range t.fields {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

// Bounds on what is read: the parser takes quadratic time for deep nesting.
const (
	maxFileSize = 256 << 10
	maxNesting  = 30
)

// readTree parses one YAML document. Anchors, aliases and tags are refused:
// what a line says is to be read where it stands.
func readTree(file string, src []byte) (*tree, error) {
	at := Position{File: file}
	if err := checkSource(at, src); err != nil {
		return nil, err
	}
	parsed, err := parser.ParseBytes(src, 0)
	if err != nil {
		return nil, Problems{syntaxProblem(at, err)}
	}
	var bodies []ast.Node
	for _, d := range parsed.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	switch {
	case len(bodies) == 0:
		return nil, Problems{at.problem("the file is empty: a policy has at least one key, such as expect")}
	case len(bodies) > 1:
		return nil, Problems{placeOf(at, bodies[1]).problem("a second document: a policy is one")}
	}
	b := &treeBuilder{file: at}
	t := b.node(bodies[0], at, 0)
	if len(b.problems) > 0 {
		return nil, b.problems.sorted()
	}
	return t, nil
}

// checkSource refuses what the parser need not see.
func checkSource(at Position, src []byte) error {
	switch {
	case len(src) > maxFileSize:
		return Problems{at.problem("the file is larger than %d KiB, which no policy is", maxFileSize>>10)}
	case !utf8.Valid(src):
		return Problems{at.problem("the file is not UTF-8")}
	case bytes.IndexByte(src, 0) >= 0:
		return Problems{at.problem("the file has a NUL byte, so it is no text")}
	}
	depth := 0
	for i, line := range bytes.Split(src, []byte("\n")) {
		at.Line, at.Column = i+1, 1
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
		}
		if depth > maxNesting || bytes.Count(line, []byte("- "))+bytes.Count(line, []byte("? ")) > maxNesting ||
			bytes.Count(line, []byte(":")) > 10*maxNesting {
			return Problems{at.problem("nested too deeply")}
		}
	}
	return nil
}

// syntaxProblem takes place and message out of the library's error, which
// otherwise prints the source besides.
func syntaxProblem(at Position, err error) *Problem {
	var located interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &located) {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return at.problem("not YAML: %s", first)
	}
	if t := located.GetToken(); t != nil && t.Position != nil {
		at.Line, at.Column = t.Position.Line, t.Position.Column
	}
	message, _, _ := strings.Cut(located.GetMessage(), "\n")
	if message == "unexpected scalar value type" {
		message += `; a text that begins with * or another mark of YAML's is quoted: "**"`
	}
	return at.problem("not YAML: %s", message)
}

// placeOf gives where a node begins.
func placeOf(file Position, n ast.Node) Position {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		n = m.Values[0].Key // the node's own token is the first colon
	}
	if v, ok := n.(*ast.MappingValueNode); ok {
		n = v.Key
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		file.Line, file.Column = t.Position.Line, t.Position.Column
	}
	return file
}

type treeBuilder struct {
	file     Position
	problems Problems
}

func (b *treeBuilder) refuse(at Position, format string, args ...any) *tree {
	b.problems = append(b.problems, at.problem(format, args...))
	return &tree{pos: at}
}

// node converts one node; parent is where it belongs, for one without a place.
func (b *treeBuilder) node(n ast.Node, parent Position, depth int) *tree {
	if n == nil {
		return &tree{pos: parent}
	}
	at := placeOf(b.file, n)
	if at.Line == 0 {
		at = parent
	}
	if depth > maxNesting {
		return b.refuse(at, "nested too deeply")
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return b.mapping(at, n.Values, depth)
	case *ast.MappingValueNode:
		return b.mapping(at, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		t := &tree{pos: at}
		list := make([]any, 0, len(n.Values))
		for _, v := range n.Values {
			item := b.node(v, at, depth+1)
			t.items, list = append(t.items, item), append(list, item.value)
		}
		t.value = list
		return t
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		return b.refuse(at, `anchors, aliases and tags are not used in a policy; a text that begins with *, & or ! is quoted: "*.log"`)
	}
	return b.scalar(at, n)
}

func (b *treeBuilder) mapping(at Position, values []*ast.MappingValueNode, depth int) *tree {
	t, all := &tree{pos: at}, map[string]any{}
	for _, v := range values {
		pos := placeOf(b.file, v)
		key, ok := v.Key.(*ast.StringNode)
		if !ok {
			b.refuse(pos, "a key is a word: quote it if it looks like something else")
			continue
		}
		value := b.node(v.Value, pos, depth+1)
		all[key.Value] = value.value
		t.fields = append(t.fields, field{key.Value, pos, value})
	}
	t.value = all
	return t
}

func (b *treeBuilder) scalar(at Position, n ast.Node) *tree {
	switch n := n.(type) {
	case *ast.StringNode:
		return &tree{pos: at, value: n.Value}
	case *ast.LiteralNode:
		return &tree{pos: at, value: n.Value.Value}
	case *ast.BoolNode:
		return &tree{pos: at, value: n.Value}
	case *ast.NullNode:
		return &tree{pos: at}
	case *ast.IntegerNode:
		return &tree{pos: at, value: numberOf(n.Value), number: n.Token.Value}
	case *ast.FloatNode:
		return &tree{pos: at, value: n.Value, number: n.Token.Value}
	}
	return b.refuse(at, "a %v has no place in a policy", n.Type())
}

// numberOf gives a number as encoding/json does.
func numberOf(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	}
	return fmt.Sprint(v)
}
