package main

import (
	"bufio"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is the map of the project: which of its packages each may import.
// A package that is not here has no place in it. One way means downwards, also
// past a layer: remote.Attr is fastlane.Attr, and who handles it may name its
// bits.
func mayImport() map[string][]string {
	return map[string][]string{
		"cmd/hostperm": {"audit", "audit/report", "audit/repair", "audit/sitecheck", "policy", "remote", "remote/fastlane",
			"remote/remotetest"},
		"audit":                        {"policy", "remote", "remote/fastlane"},
		"audit/report":                 {"audit", "policy", "remote", "remote/fastlane"},
		"audit/repair":                 {"audit", "policy", "remote", "remote/fastlane"},
		"audit/sitecheck":              {},
		"policy":                       {},
		"remote":                       {"remote/fastlane"},
		"remote/fastlane":              {},
		"remote/remotetest":            {},
		"remote/remotetest/realserver": {"remote/remotetest"},
	}
}

// testsMayImport is what tests may import besides.
func testsMayImport() []string {
	return []string{"remote/remotetest", "remote/remotetest/realserver"}
}

// edge is one import of a package of this module by another.
type edge struct {
	from, to string // relative to the module
	file     string
	test     bool
}

// forbidden gives what speaks against an edge, or "".
func (e edge) forbidden() string {
	allowed, known := mayImport()[e.from]
	switch {
	case !known:
		return "the package has no place in the map"
	case slices.Contains(allowed, e.to), e.from == e.to, e.test && slices.Contains(testsMayImport(), e.to):
		return ""
	}
	return fmt.Sprintf("it may import only %q", allowed)
}

// All files count, also those for other systems.
func TestImportsPointOneWay(t *testing.T) {
	root, module := moduleRoot(t)
	packages := map[string]bool{}
	for _, e := range edges(t, root, module) {
		packages[e.from] = true
		if e.to == "" {
			continue
		}
		if why := e.forbidden(); why != "" {
			t.Errorf("%s imports %s: %s", e.file, e.to, why)
		}
	}
	for name := range packages {
		if _, known := mayImport()[name]; !known {
			t.Errorf("package %s has no place in the map", name)
		}
	}
	if len(packages) != len(mayImport()) {
		t.Errorf("%d packages found, the map has %d", len(packages), len(mayImport()))
	}
}

// The check itself sees what it should.
func TestForbiddenEdges(t *testing.T) {
	for _, test := range []struct {
		e  edge
		ok bool
	}{
		{edge{from: "policy", to: "remote"}, false},
		{edge{from: "remote", to: "policy"}, false},
		{edge{from: "remote", to: "audit", test: true}, false},
		{edge{from: "audit/report", to: "audit/repair"}, false},
		{edge{from: "remote/fastlane", to: "remote"}, false},
		{edge{from: "policy", to: "remote/fastlane"}, false},
		{edge{from: "audit", to: "remote/remotetest"}, false},
		{edge{from: "cmd/hostperm", to: "remote/remotetest/realserver"}, false},
		{edge{from: "utils", to: "policy"}, false},
		{edge{from: "audit", to: "remote/remotetest", test: true}, true},
		{edge{from: "audit", to: "audit", test: true}, true},
		{edge{from: "cmd/hostperm", to: "remote/remotetest"}, true},
	} {
		if why := test.e.forbidden(); (why == "") != test.ok {
			t.Errorf("%+v: %q", test.e, why)
		}
	}
}

// edges gives the imports within the module, and for each file one edge
// without a target.
func edges(t *testing.T, root, module string) []edge {
	t.Helper()
	var all []edge
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		e := edge{from: filepath.ToSlash(from), file: name, test: strings.HasSuffix(name, "_test.go")}
		all = append(all, e)
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if to, ok := strings.CutPrefix(imported, module+"/"); ok {
				e.to = to
				all = append(all, e)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// moduleRoot finds go.mod and the module's path in it.
func moduleRoot(t *testing.T) (dir, module string) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			line, _, _ := strings.Cut(string(data), "\n")
			return dir, strings.TrimSpace(strings.TrimPrefix(line, "module "))
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test's directory")
		}
		dir = filepath.Dir(dir)
	}
}

// Nothing stands at the top but what the design has there, dotfiles, and what
// git ignores.
func TestTopLevel(t *testing.T) {
	root, _ := moduleRoot(t)
	list, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if !belongsAtTop(e.Name(), ignored(t, root)) {
			t.Errorf("%s has no place at the top level", e.Name())
		}
	}
	for name, want := range map[string]bool{
		"cmd": true, ".github": true, "x.test": true, "utils": false, "Makefile": false, "remote.go": false,
	} {
		if got := belongsAtTop(name, ignored(t, root)); got != want {
			t.Errorf("%s at the top level: %v, want %v", name, got, want)
		}
	}
}

func belongsAtTop(name string, ignored []string) bool {
	atTop := []string{"cmd", "audit", "policy", "remote", "testdata", "go.mod", "go.sum", "README.md", "LICENSE"}
	return slices.Contains(atTop, name) || strings.HasPrefix(name, ".") ||
		slices.ContainsFunc(ignored, func(pattern string) bool {
			match, err := path.Match(pattern, name)
			return err == nil && match
		})
}

// ignored gives the patterns of .gitignore, as far as they are about one name.
func ignored(t *testing.T, root string) []string {
	t.Helper()
	file, err := os.Open(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var patterns []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if pattern := strings.Trim(lines.Text(), "/"); pattern != "" {
			patterns = append(patterns, pattern)
		}
	}
	return patterns
}
