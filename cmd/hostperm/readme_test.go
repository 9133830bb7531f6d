package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hostperm/policy"
)

var update = flag.Bool("update", false, "write the generated parts of the README anew")

// TestReadmeRules holds the README's table of rules to the rules.
func TestReadmeRules(t *testing.T) {
	name := filepath.Join("..", "..", "README.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- rules -->\n", "<!-- /rules -->"
	head, rest, ok := strings.Cut(string(text), begin)
	table, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("README.md has no %s...%s", begin, end)
	}
	if want := policy.Table(); table != want {
		if !*update {
			t.Fatalf("the rules in README.md are not those of the code: go test ./cmd/hostperm -run Readme -update\n%s", want)
		}
		if err := os.WriteFile(name, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadmeDependencies holds the README's list to what go.mod requires.
func TestReadmeDependencies(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(readme), "## Dependencies")
	list, _, _ = strings.Cut(list, "\n## ")
	direct := make(map[string]bool)
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(line, "\t") || strings.Contains(line, "// indirect") {
			continue
		}
		path, version, _ := strings.Cut(fields[0], "/v")
		if len(version) > 1 {
			path = fields[0]
		}
		direct[path] = true
		if !strings.Contains(list, "["+path+"]") {
			t.Errorf("%s has no sentence under Dependencies", path)
		}
	}
	if len(direct) == 0 {
		t.Fatal("no requirement found in go.mod")
	}
	for _, part := range strings.Split(list, "[")[1:] {
		if path, _, _ := strings.Cut(part, "]"); !direct[path] {
			t.Errorf("%s has a sentence, and go.mod does not require it", path)
		}
	}
}

// TestReadmePolicy holds that the policy in the README is one.
func TestReadmePolicy(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "```yaml\n")
	example, _, ok2 := strings.Cut(rest, "```\n")
	if !ok || !ok2 {
		t.Fatal("README.md has no ```yaml")
	}
	p, err := policy.New(policy.Options{File: "README.md", Open: func(string) ([]byte, error) { return []byte(example), nil }})
	if err != nil {
		t.Fatal(err)
	}
	if w := p.Warnings(); len(w) > 0 {
		t.Errorf("warns %q", w)
	}
	for _, name := range policy.Profiles() {
		if !strings.Contains(string(text), "`"+name+"`") && name != policy.DefaultProfile {
			t.Errorf("README.md does not name the profile %s", name)
		}
	}
}
