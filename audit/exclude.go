package audit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"hostperm/remote"
)

// exclude is one compiled pattern.
type exclude struct {
	glob    string
	byName  bool // matched against the last component, at any depth
	dirOnly bool
}

type excludes []exclude

// ValidateExclude reports what is wrong with a pattern for Options.Exclude.
//
// Patterns are those of github.com/bmatcuk/doublestar/v4: * and ? match within
// a component, ** any number of components, [a-z] a character, {a,b} either.
// They are read much as .gitignore and rsync read theirs:
//   - without a slash, a pattern matches a name at any depth: "cache", "*.log";
//   - with one, it matches the path relative to the web root: "wp-content/cache";
//     a slash in front only says that: "/cache" is the one in the root;
//   - a slash at the end keeps a pattern to directories: "cache/";
//   - "cache/**" is what is in the directory, and not the directory itself.
//
// A directory that matches is left out with everything in it. The web root
// itself is never left out. There is no negation with "!".
func ValidateExclude(pattern string) error {
	_, err := compileExclude(pattern)
	return err
}

func compileExcludes(patterns []string) (excludes, error) {
	var out excludes
	for _, pattern := range patterns {
		x, err := compileExclude(pattern)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

func compileExclude(pattern string) (exclude, error) {
	fail := func(why, hint string) (exclude, error) {
		err := fmt.Errorf("exclude %q: %w", pattern, errors.New(why))
		return exclude{}, remote.WithHint(err, hint)
	}
	glob, inRoot := strings.CutPrefix(pattern, "/")
	glob, dirOnly := strings.CutSuffix(glob, "/")
	parts := strings.Split(glob, "/")
	switch {
	case strings.HasPrefix(pattern, "!"):
		return fail("a pattern cannot be negated", `for a name that begins with !, write \!`)
	case slices.Contains(parts, ""):
		return fail("a component of the pattern is empty", "give a name, or a path relative to the web root, such as wp-content/cache")
	case slices.Contains(parts, ".") || slices.Contains(parts, ".."):
		return fail("a pattern has no . or .. in it", "give the path relative to the web root, such as wp-content/cache")
	case !doublestar.ValidatePattern(glob):
		return fail("not a valid pattern", `close every [ and {; to match such a character itself, write \ in front of it`)
	}
	if strings.HasSuffix(glob, "/**") {
		glob += "/*" // doublestar's own "a/**" matches a as well
	}
	return exclude{glob: glob, byName: len(parts) == 1 && !inRoot, dirOnly: dirOnly}, nil
}

// Into says of a directory in the root, by its name, whether an audit with these
// patterns looks into it: it is for remote.Options.Into. Patterns are as of
// Options.Exclude; nil is given for one that is not valid.
func Into(exclude []string) func(dir string) bool {
	excludes, err := compileExcludes(exclude)
	if err != nil {
		return nil
	}
	return func(dir string) bool { return !excludes.match(dir, true) }
}

// match reports whether an entry below the root is to be left out.
func (xs excludes) match(path string, dir bool) bool {
	for _, x := range xs {
		subject := path
		if x.byName {
			subject = path[strings.LastIndexByte(path, '/')+1:]
		}
		if (dir || !x.dirOnly) && doublestar.MatchUnvalidated(x.glob, subject) {
			return path != "."
		}
	}
	return false
}
