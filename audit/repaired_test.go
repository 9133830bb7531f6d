package audit

import (
	"testing"

	"hostperm/policy"
)

func TestRepaired(t *testing.T) {
	found := func(path, rule string, mode policy.Mode) Finding {
		return Finding{Path: path, Rule: rule, Mode: mode, Severity: policy.Low}
	}
	before := &Result{Findings: []Finding{found("a", "dir-mode", 0o777), found("a", "world-writable", 0o777),
		found("d/x", "file-mode", 0o600), found("dd", "file-mode", 0o600)}}
	type line struct {
		path, rule string
		mode       policy.Mode
		fixed      bool
	}
	untouched := []line{{"a", "dir-mode", 0o777, false}, {"a", "world-writable", 0o777, false}, {"d/x", "file-mode", 0o600, false}, {"dd", "file-mode", 0o600, false}}
	tests := []struct {
		name  string
		later Result
		want  []line
	}{
		{"all gone", Result{},
			[]line{{"a", "dir-mode", 0o777, true}, {"a", "world-writable", 0o777, true}, {"d/x", "file-mode", 0o600, true}, {"dd", "file-mode", 0o600, true}}},
		{"one remains with another mode, one is new", Result{Findings: []Finding{found("a", "dir-mode", 0o775), found("b", "file-mode", 0o640)}},
			[]line{{"a", "dir-mode", 0o775, false}, {"a", "world-writable", 0o777, true}, {"b", "file-mode", 0o640, false},
				{"d/x", "file-mode", 0o600, true}, {"dd", "file-mode", 0o600, true}}},
		{"behind a gap", Result{Gaps: []Gap{{Path: "d"}}},
			[]line{{"a", "dir-mode", 0o777, true}, {"a", "world-writable", 0o777, true}, {"d/x", "file-mode", 0o600, false}, {"dd", "file-mode", 0o600, true}}},
		{"the root is a gap", Result{Gaps: []Gap{{Path: "."}}}, untouched},
		{"not walked to the end", Result{failed: true}, untouched},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := before.Repaired(&tt.later)
			left := 0
			for i, f := range got.Findings {
				if i >= len(tt.want) || (line{f.Path, f.Rule, f.Mode, f.Fixed}) != tt.want[i] {
					t.Errorf("finding %d: %s %s %s, fixed %v; want %v", i, f.Path, f.Rule, f.Mode, f.Fixed, tt.want)
				}
				if !f.Fixed {
					left++
				}
			}
			if all, remaining := got.Counts(); all.Low != len(tt.want) || remaining.Low != left {
				t.Errorf("counted %d and %d of %d findings, %d of them not fixed", all.Low, remaining.Low, len(tt.want), left)
			}
		})
	}
}
