package report

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hostperm/audit"
	"hostperm/policy"
)

// randomFindings gives findings as an audit sends them: sorted by path, those
// of one entry together.
func randomFindings(rnd *rand.Rand, entries int) []audit.Finding {
	paths := map[string]bool{".": true}
	for len(paths) < entries {
		paths[strings.Repeat(fmt.Sprintf("d%d/", rnd.IntN(9)), rnd.IntN(3))+fmt.Sprintf("f%d", rnd.IntN(entries*2))] = true
	}
	var out []audit.Finding
	for path := range paths {
		mode := []policy.Mode{0o666, 0o777, 0o600}[rnd.IntN(3)]
		owner := uint32(rnd.IntN(2))
		for i := range 1 + rnd.IntN(2) {
			out = append(out, audit.Finding{Path: path, Kind: policy.KindFile, Rule: fmt.Sprintf("rule%d", i),
				Severity: policy.Severity(1 + rnd.IntN(4)), Mode: mode, ModeKnown: true, Want: 0o644, Change: policy.Mixed,
				UID: owner, OwnerKnown: true})
		}
	}
	slices.SortFunc(out, func(a, b audit.Finding) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Rule, b.Rule)) })
	return out
}

// expectRows says the same as rowSet with everything in memory: group, sort, cut.
func expectRows(found []audit.Finding, all bool) (shown []string, entries, findings int) {
	type entry struct {
		key      alike
		path     string
		findings int
	}
	var list []entry
	for i := 0; i < len(found); {
		j := i
		for j < len(found) && found[j].Path == found[i].Path {
			j++
		}
		one := slices.Clone(found[i:j])
		slices.SortStableFunc(one, func(a, b audit.Finding) int { return int(b.Severity) - int(a.Severity) })
		list = append(list, entry{keyOf(one), found[i].Path, j - i})
		i = j
	}
	members := map[alike][]entry{}
	for _, e := range list {
		members[e.key] = append(members[e.key], e)
	}
	var rows [][]entry
	for _, e := range list {
		group := members[e.key]
		switch {
		case all || len(group) < groupFrom:
			rows = append(rows, []entry{e})
		case group[0].path == e.path:
			rows = append(rows, group)
		}
	}
	slices.SortStableFunc(rows, func(a, b []entry) int { return int(b[0].key.severity) - int(a[0].key.severity) })
	for i, r := range rows {
		if !all && i >= rowLimit {
			entries += len(r)
			findings += len(r) * r[0].findings
			continue
		}
		shown = append(shown, fmt.Sprintf("%s %s %d", r[0].key.severity, r[0].path, len(r)))
	}
	return shown, entries, findings
}

func TestRowsAgainstModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	limited := 0
	for round := range 300 {
		found := randomFindings(rnd, 1+rnd.IntN(250))
		for _, all := range []bool{false, true} {
			s := newRowSet(all, rowLimit)
			for _, f := range found {
				s.add(f)
			}
			var got []string
			for _, r := range s.rows() {
				got = append(got, fmt.Sprintf("%s %s %d", r.severity, r.order, r.entries))
			}
			want, entries, findings := expectRows(found, all)
			if !slices.Equal(got, want) {
				t.Fatalf("round %d, all %v: rows\n%s\nwant\n%s", round, all, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if s.hiddenEntries != entries || s.hiddenFindings != findings || s.findings != len(found) {
				t.Fatalf("round %d, all %v: leaves out %d entries and %d findings of %d, want %d, %d of %d", round, all,
					s.hiddenEntries, s.hiddenFindings, s.findings, entries, findings, len(found))
			}
			if entries > 0 {
				limited++
			}
		}
	}
	if limited < 50 {
		t.Errorf("the limit was reached in %d rounds only", limited)
	}
}

// A hundred thousand findings that have nothing in common are neither kept nor
// shown, but counted; --all shows each.
func TestLargeScan(t *testing.T) {
	const n = 100_000
	feed := func(n int, o Options) string {
		var messages []audit.Message
		messages = append(messages, testStart())
		for i := range n {
			messages = append(messages, testFinding(fmt.Sprintf("dir%06d/file", i)))
		}
		for i := range n {
			messages = append(messages, audit.Gap{Path: fmt.Sprintf("gap%06d", i), Error: "permission denied"})
		}
		for _, status := range []audit.Status{audit.Applied, audit.Failed} {
			for i := range n {
				messages = append(messages, audit.Change{Path: fmt.Sprintf("dir%06d/file", i), From: 0o666, To: 0o644, Status: status})
			}
		}
		return show(t, "table", o, append(messages, audit.Summary{Findings: audit.Counts{Critical: n}})...)
	}
	out := feed(n, Options{Width: 80})
	if lines := strings.Count(out, "\n"); lines > troubleLimit+4*rowLimit {
		t.Errorf("%d lines", lines)
	}
	for _, want := range []string{"… and 99,950 more entries (99,950 findings): --all", "… and 99,950 more places", "… and 99,500 more entries"} {
		if !strings.Contains(out, want) {
			t.Errorf("does not say %q", want)
		}
	}
	out = feed(n/10, Options{Width: 80, All: true})
	if lines := strings.Count(out, "\n"); lines < 4*n/10 || strings.Contains(out, "… and") {
		t.Errorf("--all: %d lines, want each of %d", lines, 4*n/10)
	}
}

func TestRowSetIsBounded(t *testing.T) {
	s := newRowSet(false, rowLimit)
	for i := range 20_000 {
		f := testFinding(fmt.Sprintf("dir%06d/file", i))
		f.Severity = policy.Severity(1 + i%4)
		s.add(f)
	}
	kept := 0
	for _, rank := range s.ranked {
		kept += len(rank)
	}
	if kept > 4*rowLimit || len(s.byKey) > 4*rowLimit {
		t.Errorf("keeps %d groups, %d keys", kept, len(s.byKey))
	}
}

func TestShorten(t *testing.T) {
	tests := []struct {
		in   string
		w    int
		want string
	}{
		{"a/b/c", 5, "a/b/c"},
		{"wp-content/uploads/2025/image.jpg", 20, "wp-cont…25/image.jpg"},
		{"wp-content/plugins/x/very-long-name.php", 24, "wp-co…very-long-name.php"},
		{"wp-content/averyveryveryverylongname.php", 16, "wp-…longname.php"},
		{"wp-content/uploads/", 12, "wp-…uploads/"},
		{`"wp-content/\x1b\x1b\x1b"`, 16, `"wp-co…\x1b\x1b"`},
		{`"wp-content/dir\n"/*`, 14, `"wp-…/dir\n"/*`},
		{"東京東京東京東京東京", 11, "東…東京東京"},
	}
	for _, tt := range tests {
		got := shorten(tt.in, tt.w)
		if got != tt.want || width(got) > tt.w {
			t.Errorf("shorten(%s, %d) = %s (%d columns), want %s", tt.in, tt.w, got, width(got), tt.want)
		}
	}
}

// However short, a shortened name has its quotes and only whole escapes.
func TestShortenKeepsEscapes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 20_000 {
		quoted := audit.Quote(hostileName(rnd) + "/" + hostileName(rnd))
		w := pathLeast + rnd.IntN(30)
		got := shorten(quoted, w)
		if width(got) > w {
			t.Fatalf("shorten(%s, %d) = %s has %d columns", quoted, w, got, width(got))
		}
		if strings.HasPrefix(quoted, `"`) {
			if _, err := strconv.Unquote(got); err != nil {
				t.Fatalf("shorten(%s, %d) = %s: %v", quoted, w, got, err)
			}
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -999: "-999", -1000: "-1,000"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		in   string
		w    int
		want string
	}{
		{"one two three", 0, "one two three"},
		{"one two three", 7, "one two\n  three"},
		{"  one  two three", 10, "  one  two\n  three"},
		{"averylongword b", 5, "averylongword\n  b"},
		{"0666 → 0644  path", 12, "0666 → 0644\n  path"},
	} {
		if got := wrap(tt.in, tt.w, "  "); got != tt.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", tt.in, tt.w, got, tt.want)
		}
	}
}
