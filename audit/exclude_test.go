package audit

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hostperm/remote"
)

func TestExcludeMatch(t *testing.T) {
	tests := []struct {
		pattern string
		match   string // paths, with spaces; a slash at the end is a directory
		other   string
	}{
		{"cache", "cache/ cache wp-content/cache/ a/b/cache", "cache2 a/cache.php cache/x"},
		{"cache/", "cache/ wp-content/cache/", "cache a/cache"},
		{"/cache", "cache/ cache", "wp-content/cache/"},
		{"/cache/", "cache/", "cache wp-content/cache/"},
		{"*.log", "a.log x/y/.log .log", "a.log.1"},
		{"wp-content/cache", "wp-content/cache/", "cache x/wp-content/cache/"},
		{"wp-content/cache/**", "wp-content/cache/a/ wp-content/cache/a/b", "wp-content/cache/ wp-content/x"},
		{"**/tmp/*.php", "tmp/a.php x/y/tmp/a.php", "tmp/a/b.php tmp"},
		{"{cache,tmp}", "cache/ a/tmp", "cach"},
		{"{a,b/c}/d", "a/d b/c/d", "d"},
		{`\!x`, "!x", "x"},
		{`[[]x`, "[x", "x"},
		{"?", "a é", "ab"},
		{"**", "a a/b", "."},
		{"*", "a a/b", "."},
		{"/**", "a a/b", "."},
		{".", "", ""}, // not valid
	}
	for _, tt := range tests {
		xs, err := compileExcludes([]string{"nothing-is-named-so", tt.pattern})
		if (err != nil) != (tt.match == "") {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		for _, p := range strings.Fields(tt.match) {
			if path, dir := strings.CutSuffix(p, "/"); !xs.match(path, dir) {
				t.Errorf("%q does not match %q", tt.pattern, p)
			}
		}
		for _, p := range strings.Fields(tt.other) {
			if path, dir := strings.CutSuffix(p, "/"); xs.match(path, dir) {
				t.Errorf("%q matches %q", tt.pattern, p)
			}
		}
	}
}

func TestValidateExclude(t *testing.T) {
	for pattern, want := range map[string]string{
		"":        `exclude "": a component of the pattern is empty`,
		"/":       `exclude "/": a component of the pattern is empty`,
		"a//b":    `exclude "a//b": a component of the pattern is empty`,
		"./a":     `exclude "./a": a pattern has no . or .. in it`,
		"a/../b":  `exclude "a/../b": a pattern has no . or .. in it`,
		"!a":      `exclude "!a": a pattern cannot be negated`,
		"a[":      `exclude "a[": not a valid pattern`,
		"{a\x1b":  `exclude "{a\x1b": not a valid pattern`,
		"a/[z-":   `exclude "a/[z-": not a valid pattern`,
		"ok/*/**": "",
	} {
		err := ValidateExclude(pattern)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", pattern, err)
		case want != "" && (err == nil || err.Error() != want || remote.Hint(err) == ""):
			t.Errorf("%q: %v, want %s and a hint", pattern, err, want)
		}
	}
}

// TestRunExcludes holds that what is left out is counted once, not descended
// into, and no gap.
func TestRunExcludes(t *testing.T) {
	w := &tree{nodes: []node{
		dir(".", 0o777), dir("cache", 0o777), file("cache/x", 0o666), dir("a", 0o755), file("a/y.log", 0o666),
		dir("a/cache", 0o755).denied("permission denied"), file("a/z", 0o600),
	}}
	r := run(t, w, Options{Exclude: []string{"cache/", "*.log", "/*"}})
	equal(t, "visited", w.seen, []string{".", "a", "cache"})
	if r.Excluded != 2 || r.Dirs != 1 || !r.Complete {
		t.Errorf("%+v", r)
	}
	w.seen = nil
	r = run(t, w, Options{Exclude: []string{"cache/", "*.log"}})
	equal(t, "visited", w.seen, []string{".", "a", "a/z", "a/cache", "a/y.log", "cache"})
	equal(t, "findings", brief(r), []string{
		". dir dir-mode medium 0777>0755 tighten",
		". dir world-writable critical 0777>0755 tighten",
		"a/z file file-mode low 0600>0644 loosen",
	})
	if r.Excluded != 3 || r.Dirs != 2 || r.Files != 1 || !r.Complete {
		t.Errorf("%+v", r)
	}
}

// TestInto: what an audit leaves out in the root is what nothing is asked of early.
func TestInto(t *testing.T) {
	into := Into([]string{"cache/", "/logs", "a/b", "*.d"})
	for dir, want := range map[string]bool{"cache": false, "logs": false, "x.d": false, "a": true, "b": true, "wp-content": true} {
		if into(dir) != want {
			t.Errorf("%q: %v", dir, !want)
		}
	}
	if Into([]string{"a["}) != nil || Into(nil) == nil {
		t.Error("a pattern that is not valid, or none")
	}
}

// TestExcludedGap: an entry whose type is not known is a gap of its own, but
// not if it was excluded.
func TestExcludedGap(t *testing.T) {
	c := &collector{limits: defaultLimits, result: &Result{}, starts: map[string]bool{"kept.log": true}}
	c.excludes, _ = compileExcludes([]string{"*.log", "d/"})
	for _, path := range []string{"a.log", "x", "d", "kept.log", "."} {
		c.gap(path, errors.New("not seen"))
	}
	var got []string
	for _, g := range c.result.Gaps {
		got = append(got, g.Path)
	}
	if want := []string{"x", "d", "kept.log", "."}; !slices.Equal(got, want) {
		t.Errorf("gaps are %q, want %q", got, want)
	}
}
