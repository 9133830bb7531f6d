package report

import (
	"encoding/base64"
	"encoding/csv"
	"strings"
	"testing"

	"hostperm/audit"
	"hostperm/policy"
)

// FuzzSheet writes hostile text into a sheet and reads it back: one row of as
// many fields as the header has, none of which but the base64 form a spreadsheet would compute, or a
// terminal act on, and the path is there to the byte.
func FuzzSheet(f *testing.F) {
	for _, s := range []string{"a", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\"=1", " =1", "a,b\nc", "\x1b[2J", "\xff", "＝1", "'=1", "\r=1"} {
		f.Add(s, "detail", "web@host")
		f.Add("path", s, s)
	}
	f.Fuzz(func(t *testing.T, path, detail, target string) {
		if len(path)+len(detail)+len(target) > 4096 {
			return // no path is longer, and more would only be slower
		}
		text := show(t, "csv", Options{}, audit.Start{Tool: "hostperm", Target: target, Root: "/" + path},
			audit.Finding{Path: path, Rule: "dir-mode", Kind: policy.KindDir, Severity: policy.Low, Change: policy.None, Detail: detail},
			audit.Gap{Path: path, Error: detail}, audit.Summary{})
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) != 5 {
			t.Fatalf("%d rows, %v:\n%s", len(rows), err, text)
		}
		for _, row := range rows {
			for i, field := range row {
				checkShown(t, "a field", field)
				if i == len(row)-1 {
					continue // path_base64 has no signs that call or refer to anything outside the sheet
				}
				if field != "" && strings.ContainsAny(field[:1], "=+-@") {
					t.Fatalf("a spreadsheet computes %q", field)
				}
			}
		}
		for _, row := range rows[2:4] {
			got := row[3]
			if coded := row[len(row)-1]; coded != "" {
				b, err := base64.StdEncoding.DecodeString(coded)
				if got = string(b); err != nil {
					t.Fatal(err)
				}
			}
			if got != path {
				t.Fatalf("the path %q came back as %q", path, got)
			}
		}
	})
}
