package policy

import (
	"fmt"
	"testing"
)

// cleanSite is n entries without findings, as a site has them: nested
// directories, and secrets that are tight.
func cleanSite(n int) []File {
	files := make([]File, n)
	dir := &Dir{Path: ".", Mode: 0o755, ModeKnown: true}
	for _, name := range []string{"wp-content", "plugins", "some-plugin", "includes", "admin"} {
		dir = &Dir{Parent: dir, Path: dir.Path + "/" + name, Mode: 0o755, ModeKnown: true}
	}
	for i := range files {
		f := File{Dir: dir, Name: fmt.Appendf(nil, "class-%d.php", i), Kind: KindFile, Mode: 0o644, ModeKnown: true, OwnerKnown: true}
		switch i % 50 {
		case 0, 1, 2, 3, 4:
			f.Kind, f.Mode = KindDir, 0o2755
		case 5:
			f.Name = []byte(".htaccess")
		case 6:
			f.Kind, f.Mode = KindSymlink, 0o777
		case 7:
			f.Name, f.Mode = []byte("wp-config.php"), 0o640
		}
		files[i] = f
	}
	return files
}

func TestCleanEntriesDoNotAllocate(t *testing.T) {
	p := mustNew(t, Options{WebServer: &Identity{UID: 33, GIDs: []uint32{33}}})
	files := cleanSite(100)
	var dst []Finding
	allocs := testing.AllocsPerRun(10, func() {
		for i := range files {
			dst = p.Evaluate(dst[:0], &files[i])
		}
	})
	if allocs != 0 || len(dst) != 0 || cap(dst) != 0 {
		t.Errorf("%v allocations and %d findings in %d clean entries", allocs, cap(dst), len(files))
	}
}

// BenchmarkEvaluate goes through a site of 1,000,000 clean entries.
func BenchmarkEvaluate(b *testing.B) {
	p := mustNew(b, Options{})
	files := cleanSite(1_000_000)
	var dst []Finding
	b.ReportAllocs()
	for b.Loop() {
		for i := range files {
			dst = p.Evaluate(dst[:0], &files[i])
		}
	}
	if cap(dst) != 0 {
		b.Fatal("the site is not clean")
	}
	entries := float64(b.N) * float64(len(files))
	b.ReportMetric(entries/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(b.Elapsed().Seconds()*1e9/entries, "ns/entry")
}
