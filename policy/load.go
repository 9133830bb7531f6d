package policy

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Open reads a policy file; name is one that a caller or another file gave, the
// latter joined to the directory of the file that names it, with slashes.
type Open func(name string) ([]byte, error)

// Bounds on what a policy may extend.
const (
	maxDepth     = 10
	maxDocuments = 50
)

// source is a document with what it extends.
type source struct {
	doc        *Document
	extends    []*source
	recognised bool // only its lines for paths that it knows count
}

// loader reads documents, each once.
type loader struct {
	open   Open
	loaded map[string]*source // nil while it is being read
	chain  []string           // of what is being read
}

func newLoader(open Open) *loader { return &loader{open: open, loaded: map[string]*source{}} }

// IsFile tells the name of a file, which has a slash or ends in .yaml or .yml,
// from that of a profile, or of several with + between them.
func IsFile(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// profile reads a built-in profile.
func (l *loader) profile(name string) (*source, error) {
	src, err := ProfileText(name)
	if err != nil {
		return nil, err
	}
	return l.source(name, src)
}

// file reads a file and what it extends.
func (l *loader) file(name string) (*source, error) {
	if s, ok := l.loaded[name]; ok {
		return s, l.cycle(s, name)
	}
	if l.open == nil {
		return nil, fmt.Errorf("%s: files cannot be read here", name)
	}
	src, err := l.open(name)
	if err != nil {
		return nil, err
	}
	return l.source(name, src)
}

// cycle is an error for a document that is being read.
func (l *loader) cycle(s *source, name string) error {
	if s != nil {
		return nil
	}
	return fmt.Errorf("it extends itself: %s", strings.Join(append(slices.Clone(l.chain), name), " → "))
}

func (l *loader) source(name string, src []byte) (*source, error) {
	if s, ok := l.loaded[name]; ok {
		return s, l.cycle(s, name)
	}
	if len(l.chain) >= maxDepth || len(l.loaded) >= maxDocuments {
		return nil, fmt.Errorf("%s: more than %d files deep, or more than %d files", name, maxDepth, maxDocuments)
	}
	l.loaded[name] = nil
	l.chain = append(l.chain, name)
	defer func() { l.chain = l.chain[:len(l.chain)-1] }()
	doc, err := ParseDocument(name, src)
	if err != nil {
		return nil, err
	}
	s := &source{doc: doc}
	if s.extends, err = l.extended(doc); err != nil {
		return nil, err
	}
	l.loaded[name] = s
	return s, nil
}

// extended reads what a document extends, and says of each failure which line
// asks for it.
func (l *loader) extended(doc *Document) ([]*source, error) {
	var out []*source
	var problems Problems
	for _, ref := range doc.Extends {
		s, err := l.ref(doc, ref)
		var inner Problems
		switch {
		case errors.As(err, &inner):
			problems = append(problems, inner...)
			continue
		case err != nil:
			problems = append(problems, ref.Pos.problem("extends: %v", err))
			continue
		case s.doc.Layer < doc.Layer:
			problems = append(problems, ref.Pos.problem("extends: a file of layer %s extends %s, whose lines come before it", doc.Layer, layerOf(s.doc)))
			continue
		}
		out = append(out, s)
	}
	return out, problems.err()
}

func layerOf(doc *Document) string {
	if doc.Layer == LayerFile {
		return doc.Name + ", of no layer"
	}
	return doc.Name + ", of layer " + doc.Layer.String()
}

func (l *loader) ref(doc *Document, ref Ref) (*source, error) {
	if !IsFile(ref.Name) {
		return l.profile(ref.Name)
	}
	name := ref.Name
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(doc.Name), name)
	}
	return l.file(name)
}

// load reads all that the options name, in the order in which the lines count:
// a document comes before what it extends, files before hosts, hosts before
// applications, and those before the base; of equals, the one named first.
func load(o Options) (string, []*source, error) {
	l := newLoader(o.Open)
	var roots []*source
	var names []string
	if o.File != "" {
		s, err := l.file(o.File)
		if err != nil {
			return "", nil, err
		}
		roots, names = append(roots, s), append(names, o.File)
	}
	profiles := strings.Split(o.Profile, "+")
	if o.Profile == "" {
		profiles = nil
	}
	if len(roots)+len(profiles) == 0 {
		profiles = []string{DefaultProfile}
	}
	asked := len(roots) + len(profiles)
	for _, name := range append(profiles, o.Recognised...) {
		s, err := l.profile(name)
		if err != nil {
			return "", nil, err
		}
		roots, names = append(roots, s), append(names, name)
	}
	ordered := inOrder(roots)
	for _, s := range ordered {
		s.recognised = !slices.ContainsFunc(roots[:asked], func(r *source) bool { return r.reaches(s) })
	}
	return strings.Join(names, "+"), ordered, conflicts(ordered)
}

// inOrder sorts so that each document comes before those it extends.
func inOrder(roots []*source) []*source {
	var out []*source
	seen := map[*source]bool{}
	var visit func(list []*source)
	visit = func(list []*source) {
		for _, s := range slices.Backward(list) {
			if !seen[s] {
				seen[s] = true
				visit(s.extends)
				out = append(out, s)
			}
		}
	}
	visit(roots)
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b *source) int { return int(a.doc.Layer) - int(b.doc.Layer) })
	return out
}

// reaches reports whether s is, or extends, other.
func (s *source) reaches(other *source) bool {
	return s == other || slices.ContainsFunc(s.extends, func(e *source) bool { return e.reaches(other) })
}
