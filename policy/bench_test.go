package policy

import (
	"fmt"
	"slices"
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
			f.Name, f.Mode, f.GID = []byte("wp-config.php"), 0o640, 33
		}
		files[i] = f
	}
	return files
}

// largest is the built-in profile with the most patterns: what an application
// has, and a host besides.
const largest = "wordpress+cpanel"

func TestCleanEntriesDoNotAllocate(t *testing.T) {
	for _, profile := range []string{"default", largest, "magento+mod-php", "wordpress+mod-php"} {
		p := mustNew(t, Options{Profile: profile, WebServer: &Identity{UID: 33, GIDs: []uint32{33}}})
		files := entered(p, cleanSite(100))
		var dst []Finding
		allocs := testing.AllocsPerRun(10, func() {
			for i := range files {
				dst = p.Evaluate(dst[:0], &files[i])
			}
		})
		if allocs != 0 || len(dst) != 0 || cap(dst) != 0 {
			t.Errorf("%s: %v allocations and %d findings in %d clean entries", profile, allocs, cap(dst), len(files))
		}
	}
}

// TestWritableDirectoriesDoNotAllocate holds the same for what an application
// writes, which more rules look at.
func TestWritableDirectoriesDoNotAllocate(t *testing.T) {
	for _, profile := range []string{"wordpress+mod-php", largest} {
		p := mustNew(t, Options{Profile: profile, WebServer: &Identity{UID: 33, GIDs: []uint32{33}}})
		f := owned(p, "wp-content/uploads/2026", KindDir, 1001, 33, 0o755, 0o755, 0o755, 0o775)
		if profile == largest {
			f.GID, f.Mode = 1002, 0o755
		}
		var dst []Finding
		if n := testing.AllocsPerRun(10, func() { dst = p.Evaluate(dst[:0], f) }); n != 0 || len(dst) != 0 || !p.lines.writable(f) {
			t.Errorf("%s: %v allocations, found %v", profile, n, ids(dst))
		}
	}
}

// entered prepares the directories of a site, as an audit does.
func entered(p *Policy, files []File) []File {
	for i := range files {
		var up []*Dir
		for d := files[i].Dir; d != nil; d = d.Parent {
			up = append(up, d)
		}
		for _, d := range slices.Backward(up) {
			p.Enter(d)
		}
	}
	return files
}

// TestDeepDirectoriesShareTheirState holds that a directory in which no pattern
// gets any further costs no memory.
func TestDeepDirectoriesShareTheirState(t *testing.T) {
	p := mustNew(t, Options{Profile: largest})
	f := chain(p, "wp-content/plugins/a/b/c/d", true)
	for d := f.Dir; d.Path != "wp-content/plugins"; d = d.Parent {
		if d.state != d.Parent.state {
			t.Errorf("%s has a state of its own", d.Path)
		}
	}
	deep := &Dir{Parent: f.Dir, Path: "wp-content/plugins/a/b/c/x"}
	if n := testing.AllocsPerRun(10, func() { deep.entered = nil; p.Enter(deep) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkEvaluate goes through a site of 1,000,000 clean entries.
func BenchmarkEvaluate(b *testing.B) {
	for _, profile := range []string{"default", largest} {
		b.Run(profile, func(b *testing.B) { benchmarkEvaluate(b, mustNew(b, Options{Profile: profile})) })
	}
	b.Run("wordpress+mod-php, web server known", func(b *testing.B) {
		benchmarkEvaluate(b, mustNew(b, Options{Profile: "wordpress+mod-php", WebServer: &Identity{UID: 33, GIDs: []uint32{33, 44, 55}}}))
	})
}

func benchmarkEvaluate(b *testing.B, p *Policy) {
	files := entered(p, cleanSite(1_000_000))
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

// BenchmarkEnter goes through 100,000 directories.
func BenchmarkEnter(b *testing.B) {
	p := mustNew(b, Options{Profile: largest})
	parents := chain(p, "wp-content/plugins/a/b", true).Dir
	dirs := make([]Dir, 100_000)
	for i := range dirs {
		dirs[i] = Dir{Parent: parents, Path: fmt.Sprintf("%s/%d", parents.Path, i)}
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range dirs {
			dirs[i].entered = nil
			p.Enter(&dirs[i])
		}
	}
}
