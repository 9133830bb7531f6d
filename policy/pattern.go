package policy

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unsafe"

	"github.com/bmatcuk/doublestar/v4"
)

// compiledPattern is a glob, cut at its slashes. Its last segment is never **.
type compiledPattern struct {
	root     bool // the web root itself
	dirOnly  bool
	segments []segment
}

// maxSegments is how many components a pattern may have: a bit each.
const maxSegments = 60

// compilePattern reads a pattern as --exclude does: see ValidatePattern.
func compilePattern(glob string) (compiledPattern, error) {
	if glob == "." {
		return compiledPattern{root: true}, nil
	}
	text, inRoot := strings.CutPrefix(glob, "/")
	text, dirOnly := strings.CutSuffix(text, "/")
	parts := strings.Split(text, "/")
	switch {
	case strings.HasPrefix(glob, "!"):
		return compiledPattern{}, errors.New(`a pattern cannot be negated; for a name that begins with !, begin it with \! instead`)
	case slices.Contains(parts, ""):
		return compiledPattern{}, errors.New("a component of the pattern is empty")
	case slices.Contains(parts, ".") || slices.Contains(parts, ".."):
		return compiledPattern{}, errors.New("no component of a pattern is . or .. (a single . is the web root)")
	case len(parts) >= maxSegments:
		return compiledPattern{}, errors.New("the pattern has too many components")
	}
	if len(parts) == 1 && !inRoot && parts[0] != "**" {
		parts = []string{"**", parts[0]}
	}
	if parts[len(parts)-1] == "**" {
		parts = append(parts, "*") // what is in a directory, and not the directory itself
	}
	c := compiledPattern{dirOnly: dirOnly}
	for _, part := range parts {
		if !doublestar.ValidatePattern(part) {
			return compiledPattern{}, errors.New(`close every [ and { before the next slash; to match such a character itself, write \ in front of it`)
		}
		if part == "**" && len(c.segments) > 0 && c.segments[len(c.segments)-1].kind == segmentAny {
			continue // the same, once more
		}
		c.segments = append(c.segments, newSegment(part))
	}
	return c, nil
}

// ValidatePattern reports what is wrong with a pattern of a policy. Patterns are
// those of github.com/bmatcuk/doublestar/v4, read as --exclude reads them:
// without a slash a name at any depth, with one a path relative to the web root
// (a slash in front only says that), and "cache/**" is what is in the directory,
// not the directory itself. "." is the web root, which no other pattern matches.
// Braces and brackets hold no slash.
func ValidatePattern(glob string) error {
	_, err := compilePattern(glob)
	return err
}

type segmentKind uint8

const (
	segmentAny     segmentKind = iota // ** : any number of components
	segmentStar                       // any one component
	segmentLiteral                    // text
	segmentPrefix                     // text*
	segmentSuffix                     // *text
	segmentGlob                       // anything else
)

// segment is one component of a pattern.
type segment struct {
	kind segmentKind
	text string
}

func newSegment(part string) segment {
	const special = `*?[]{}\`
	plain := func(s string) bool { return !strings.ContainsAny(s, special) }
	switch {
	case part == "**":
		return segment{kind: segmentAny}
	case part == "*":
		return segment{kind: segmentStar}
	case plain(part):
		return segment{segmentLiteral, part}
	case plain(part[:len(part)-1]) && part[len(part)-1] == '*':
		return segment{segmentPrefix, part[:len(part)-1]}
	case part[0] == '*' && plain(part[1:]):
		return segment{segmentSuffix, part[1:]}
	}
	return segment{segmentGlob, part}
}

// match compares one component. It does not allocate.
func (s *segment) match(name []byte) bool {
	switch s.kind {
	case segmentAny, segmentStar:
		return true
	case segmentLiteral:
		return string(name) == s.text
	case segmentPrefix:
		return len(name) >= len(s.text) && string(name[:len(s.text)]) == s.text
	case segmentSuffix:
		return len(name) >= len(s.text) && string(name[len(name)-len(s.text):]) == s.text
	}
	if len(name) == 0 || bytes.IndexByte(name, '/') >= 0 {
		return false
	}
	// A view instead of a copy: doublestar keeps nothing of it.
	return doublestar.MatchUnvalidated(s.text, unsafe.String(unsafe.SliceData(name), len(name)))
}
