package main

import (
	"context"
	"fmt"
	"math"
	"time"
)

// benchCase is something to measure, with trees of its own.
type benchCase struct {
	name string
	plan func(ctx context.Context, b *bench) (plan, error)
}

func cases() []benchCase {
	return []benchCase{
		{"site", planSite},
		{"big", planBig},
		{"growth", planGrowth},
		{"wide", planWide},
		{"deep", planDeep},
		{"fix", planFix},
	}
}

func caseNames() []string {
	var names []string
	for _, c := range cases() {
		names = append(names, c.name)
	}
	return names
}

// The sizes at scale 1, and the depth of a site.
const (
	siteDirs  = 10_000
	bigDirs   = 100_000
	wideFiles = 200_000
	deepDirs  = 500
	fixDirs   = 2_000
	siteDepth = 12
	fixDepth  = 6
)

func (b *bench) scaled(n int) int { return max(1, int(math.Round(b.settings.scale*float64(n)))) }

func planSite(ctx context.Context, b *bench) (plan, error) {
	t, err := b.forest.site(ctx, b.scaled(siteDirs), siteDepth)
	if err != nil {
		return plan{}, err
	}
	return plan{title: describe(t), contenders: func(l lane) []contender {
		all := append([]contender{b.sshFindList(t)}, b.hostperms(t)...)
		return append(append(all, b.bareWalk(t)), b.listers(l, t)...)
	}}, nil
}

func planBig(ctx context.Context, b *bench) (plan, error) {
	t, err := b.forest.site(ctx, b.scaled(bigDirs), siteDepth)
	if err != nil {
		return plan{}, err
	}
	return b.listPlan(t), nil
}

func planWide(ctx context.Context, b *bench) (plan, error) {
	t, err := b.forest.wide(ctx, b.scaled(wideFiles))
	if err != nil {
		return plan{}, err
	}
	return b.listPlan(t), nil
}

// listPlan lists a tree where the peers' numbers would say nothing new.
func (b *bench) listPlan(t *tree) plan {
	return plan{title: describe(t), contenders: func(lane) []contender {
		return []contender{b.sshFindList(t), {name: hostperm, tree: t, run: b.audit(noChanges)}, b.bareWalk(t)}
	}}
}

// planDeep has a tree of one level besides, which takes what the deep one does
// but for the levels.
func planDeep(ctx context.Context, b *bench) (plan, error) {
	t, err := b.forest.deep(ctx, b.scaled(deepDirs))
	if err != nil {
		return plan{}, err
	}
	shallow, err := b.forest.deep(ctx, 1)
	if err != nil {
		return plan{}, err
	}
	return plan{title: describe(t), derive: tripLines, contenders: func(l lane) []contender {
		all := append([]contender{b.sshFindList(t)}, b.hostperms(t)...)
		if l.rtt == 0 {
			return all
		}
		for _, c := range b.hostperms(shallow) {
			c.name += oneLevel
			all = append(all, c)
		}
		return all
	}}, nil
}

func planFix(ctx context.Context, b *bench) (plan, error) {
	t, err := b.forest.site(ctx, b.scaled(fixDirs), fixDepth)
	if err != nil {
		return plan{}, err
	}
	before := func() error { return t.setFileModes(0o666) }
	after := func() error { return t.wantFileModes(0o644) }
	all := []contender{
		{name: sshFindChmod, tree: t, run: b.sshFindChmod, before: before, after: after},
		{name: hostpermFix, tree: t, before: before, after: after,
			run: b.audit(func(t *tree) int { return t.files }, "--fix", "--yes")},
	}
	title := fmt.Sprintf("%s files to change among %s", grouped(t.files), describe(t))
	return plan{title: title, contenders: func(lane) []contender { return all }}, nil
}

// planGrowth audits trees of the same kind and of very different sizes, and
// one of a single directory, which takes what connecting does.
func planGrowth(ctx context.Context, b *bench) (plan, error) {
	single, err := b.forest.site(ctx, 1, siteDepth)
	if err != nil {
		return plan{}, err
	}
	sizes := []*tree{single}
	for _, dirs := range []int{siteDirs / 10, siteDirs, bigDirs} {
		t, err := b.forest.site(ctx, b.scaled(dirs), siteDepth)
		if err != nil {
			return plan{}, err
		}
		sizes = append(sizes, t)
	}
	var all []contender
	for _, t := range sizes {
		all = append(all, contender{name: fmt.Sprintf("hostperm, %s entries", grouped(t.entries())), tree: t, run: b.audit(noChanges)})
	}
	return plan{title: "trees of one kind", nearOnly: true, derive: growthLines,
		contenders: func(lane) []contender { return all }}, nil
}

func describe(t *tree) string {
	if t.dirs == 1 {
		return fmt.Sprintf("%s entries in one directory", grouped(t.entries()))
	}
	return fmt.Sprintf("%s entries in %s directories, depth up to %d", grouped(t.entries()), grouped(t.dirs), t.levels)
}

// grouped writes a number with its thousands apart.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// perEntry gives a time in µs for each entry.
func perEntry(d time.Duration, entries int) float64 {
	return float64(d.Nanoseconds()) / 1000 / float64(entries)
}
