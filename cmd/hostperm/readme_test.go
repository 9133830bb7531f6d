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
