package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
)

// matchesByLibrary says what a pattern should match, by the library that
// --exclude uses, on the whole path.
func matchesByLibrary(glob, path string) bool {
	if glob == "." || path == "." {
		return glob == path
	}
	text, inRoot := strings.CutPrefix(glob, "/")
	text = strings.TrimSuffix(text, "/")
	if !strings.Contains(text, "/") && !inRoot && text != "**" {
		path = path[strings.LastIndexByte(path, '/')+1:]
	}
	if text == "**" || strings.HasSuffix(text, "/**") {
		text += "/*"
	}
	return doublestar.MatchUnvalidated(text, path)
}

// chain makes the directories above a path, entered or not.
func chain(p *Policy, path string, enter bool) *File {
	if path == "." {
		return &File{Name: []byte("."), Kind: KindDir}
	}
	dir := &Dir{Path: "."}
	if enter {
		p.Enter(dir)
	}
	parts := strings.Split(path, "/")
	for i := range parts[:len(parts)-1] {
		dir = &Dir{Parent: dir, Path: strings.Join(parts[:i+1], "/")}
		if enter {
			p.Enter(dir)
		}
	}
	return &File{Dir: dir, Name: []byte(parts[len(parts)-1]), Kind: KindFile}
}

// policyOf makes a policy with one line for each pattern, whose modes tell the
// lines apart; invalid patterns are left out.
func policyOf(globs []string) (*Policy, []string) {
	doc := &Document{Name: "patterns"}
	var kept []string
	for i, g := range globs {
		if ValidatePattern(g) == nil {
			kept = append(kept, g)
			doc.Expect = append(doc.Expect, &Expectation{Patterns: []Pattern{{Glob: g}}, Files: &Modes{Want: fmt.Sprintf("%04o", i)}})
		}
	}
	p := newPolicy("patterns", nil, nil)
	p.lines = newLineSet([]*source{{doc: doc}}, Options{})
	return p, kept
}

// compareMatches holds the matcher to the library for every pattern and path.
func compareMatches(t *testing.T, globs, paths []string) {
	t.Helper()
	p, kept := policyOf(globs)
	for _, path := range paths {
		var want []int
		for i, g := range kept {
			if matchesByLibrary(g, path) && !strings.HasSuffix(g, "/") {
				want = append(want, i)
			}
		}
		for _, enter := range []bool{true, false} {
			f := chain(p, path, enter)
			var got []int
			p.lines.each(f, func(i int) { got = append(got, i) })
			if !slices.Equal(got, want) {
				t.Fatalf("%q, entered %v: lines %v of %q match, want %v", path, enter, got, kept, want)
			}
			first := p.lines.find(f, aspectFiles)
			if (first == nil) != (len(want) == 0) || first != nil && first != &p.lines.expect[want[0]] {
				t.Fatalf("%q, entered %v: the wrong line is found first", path, enter)
			}
		}
	}
}

func TestMatchesAsExcludeDoes(t *testing.T) {
	globs := []string{".", "**", "*", "/*", "*.php", "/*.php", "wp-*", "a", "/a", "a/**", "a/b", "a/*/c", "**/c", "a/**/c", "**/b/**",
		"a/**/b/**/c", "{a,b}/c", "[ab]/?", `\*`, "a*c", "**/**", "a/**/**", "**/a/**/b", ".*", "a/{b,c}*", "*/*", "x/y/z/**", "a**"}
	var paths []string
	names := []string{"a", "b", "c", "index.php", "wp-x", ".hidden", "*", "abc"}
	for _, x := range names {
		paths = append(paths, x)
		for _, y := range names {
			paths = append(paths, x+"/"+y)
			for _, z := range names {
				paths = append(paths, x+"/"+y+"/"+z, "a/"+x+"/"+y+"/"+z)
			}
		}
	}
	compareMatches(t, globs, append(paths, "."))
}

func FuzzMatch(f *testing.F) {
	f.Add("a/**", "a/b/c")
	f.Add("**/wp-*.php", "x/wp-a.php")
	f.Add("{a,b}/[!x]*", "a/yz")
	f.Fuzz(func(t *testing.T, glob, path string) {
		for part := range strings.SplitSeq(path, "/") {
			if part == "" || part == ".." || part == "." && path != "." {
				t.Skip()
			}
		}
		// A pattern is UTF-8, as its file is. Of a name that is not, the library takes
		// each odd byte for U+FFFD, where text is compared byte by byte here.
		if !utf8.ValidString(glob) || !utf8.ValidString(path) || strings.ContainsRune(glob+path, utf8.RuneError) {
			t.Skip()
		}
		if len(glob) > 200 || strings.Count(path, "/") > 30 {
			t.Skip()
		}
		compareMatches(t, []string{glob, "**", glob}, []string{path})
	})
}

func TestPatternErrors(t *testing.T) {
	for glob, want := range map[string]string{
		"!a": "negated", "a//b": "empty", "": "empty", "/": "empty", "../a": "is . or ..", "a/./b": "is . or ..", "[": "close every", "{a,b/c}": "close every",
		strings.Repeat("a/", 70) + "b": "too many",
	} {
		if err := ValidatePattern(glob); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", glob, err)
		}
	}
}
