package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"path/filepath"
	"strings"
)

// filesPerDir is the mean of a site.
const filesPerDir = 10

// siteSections are where a site's directories are, and how large a share of
// them is in each: roughly a WordPress with a theme under development.
func siteSections() []section {
	return []section{
		{"wp-content/uploads", 0.12, calendar},
		{"wp-content/plugins", 0.34, thicket},
		{"wp-content/themes", 0.24, thicket}, // with their node_modules
		{"wp-content/languages", 0.01, thicket},
		{"wp-includes", 0.09, thicket},
		{"wp-admin", 0.05, thicket},
		{"vendor", 0.15, thicket},
	}
}

// section is a part of a site. grow gives n directories below base, parents
// first, none deeper than depth below the site's root.
type section struct {
	base  string
	share float64
	grow  func(rng *rand.Rand, base string, n, depth int) []string
}

// site makes a tree like a content management system's: most directories with
// a few files, one in seventy with hundreds. The same numbers give the same
// tree.
func (f *forest) site(ctx context.Context, dirs, depth int) (*tree, error) {
	files := dirs * filesPerDir
	name := fmt.Sprintf("site-%d-%d", dirs, depth)
	return f.plant(ctx, name, tree{dirs: dirs, files: files, levels: depth}, func(ctx context.Context, root string) error {
		rng := rand.New(rand.NewPCG(uint64(dirs), uint64(depth)))
		paths := sitePaths(rng, dirs, depth)
		counts := spread(rng, len(paths), files)
		for i, p := range paths {
			if err := ctx.Err(); err != nil {
				return err
			}
			dir := filepath.Join(root, p)
			if err := makeDir(dir); err != nil {
				return err
			}
			for k := range counts[i] {
				if err := makeFile(filepath.Join(dir, fileName(rng, k))); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// sitePaths gives a site's directories, the root first, parents before
// children.
func sitePaths(rng *rand.Rand, dirs, depth int) []string {
	paths := []string{".", "wp-content"}
	for _, s := range siteSections() {
		paths = append(paths, s.base)
	}
	grown := dirs - len(paths)
	for i, s := range siteSections() {
		n := int(s.share * float64(grown))
		if i == len(siteSections())-1 {
			n = dirs - len(paths)
		}
		if n > 0 {
			paths = append(paths, s.grow(rng, s.base, n, depth)...)
		}
	}
	return paths[:dirs] // a tree of a handful has not even all the sections
}

// calendar grows a directory for each year and month, for site after site of a
// network of sites.
func calendar(_ *rand.Rand, base string, n, _ int) []string {
	const firstYear, years = 2006, 20
	var paths []string
	for site := 1; len(paths) < n; site++ {
		top := base
		switch {
		case site == 2:
			paths = append(paths, path.Join(base, "sites"))
			fallthrough
		case site > 2:
			top = path.Join(base, "sites", fmt.Sprint(site))
			paths = append(paths, top)
		}
		for year := firstYear; year < firstYear+years; year++ {
			paths = append(paths, path.Join(top, fmt.Sprint(year)))
			for month := 1; month <= 12; month++ {
				paths = append(paths, path.Join(top, fmt.Sprint(year), fmt.Sprintf("%02d", month)))
			}
		}
	}
	return paths[:n]
}

// thicket grows mostly where it grew last, so that it gets deep, and now and
// then anywhere.
func thicket(rng *rand.Rand, base string, n, depth int) []string {
	const recent, stay = 6, 0.6
	paths := []string{base}
	for len(paths) <= n {
		parent := paths[rng.IntN(len(paths))]
		if rng.Float64() < stay {
			parent = paths[len(paths)-1-rng.IntN(min(recent, len(paths)))]
		}
		if strings.Count(parent, "/")+1 >= depth {
			parent = base
		}
		name := fmt.Sprintf("%s-%s-%d", word(rng), word(rng), len(paths))
		paths = append(paths, path.Join(parent, name))
	}
	return paths[1:]
}

// spread deals files out to n directories.
func spread(rng *rand.Rand, n, files int) []int {
	const large = 0.014
	counts := make([]int, n)
	sum := 0
	for i := range counts {
		if counts[i] = rng.IntN(13); rng.Float64() < large {
			counts[i] = 100 + rng.IntN(301)
		}
		sum += counts[i]
	}
	for i := 0; sum != files; i = (i + 1) % n {
		switch {
		case sum < files:
			counts[i]++
			sum++
		case counts[i] > 0:
			counts[i]--
			sum--
		}
	}
	return counts
}

// fileName gives names of 8 to 30 bytes, each once for each i.
func fileName(rng *rand.Rand, i int) string {
	extensions := []string{"php", "php", "php", "js", "css", "jpg", "jpg", "png", "webp", "svg", "json", "html", "txt", "map"}
	extension := extensions[rng.IntN(len(extensions))]
	if rng.IntN(3) == 0 {
		return fmt.Sprintf("%s-%02d.%s", word(rng), i, extension)
	}
	return fmt.Sprintf("%s-%s-%02d.%s", word(rng), word(rng), i, extension)
}

func word(rng *rand.Rand) string {
	words := []string{"admin", "archive", "banner", "block", "button", "cache", "calendar", "class", "comment", "content",
		"editor", "form", "gallery", "header", "image", "index", "layout", "menu", "module", "navigation", "page", "plugin",
		"product", "query", "render", "screen", "search", "settings", "sidebar", "style", "template", "theme", "thumbnail", "widget"}
	return words[rng.IntN(len(words))]
}
