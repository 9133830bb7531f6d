package remote

import (
	"fmt"
	"slices"
	"strings"

	"hostperm/remote/fastlane"
)

// cleanStarts gives the directories to start at, parents first, without those
// that lie inside another.
func cleanStarts(from []string) ([]string, error) {
	if len(from) == 0 {
		return []string{"."}, nil
	}
	for _, rel := range from {
		if _, err := absolute("", rel); err != nil {
			return nil, fmt.Errorf("start directory: %w", err)
		}
	}
	wanted := make(map[string]bool, len(from))
	for _, rel := range from {
		wanted[rel] = true
	}
	var starts []string
	for rel := range wanted {
		if !slices.ContainsFunc(chain(rel), func(dir string) bool { return wanted[dir] }) {
			starts = append(starts, rel)
		}
	}
	slices.Sort(starts)
	return starts, nil
}

// starter looks at the start directories and at all above them, then visits
// them and has the walk begin there.
type starter struct {
	w      *walker
	starts map[string]bool
	paths  []string // relative, parents before children; the root is the first
	attrs  []Attr
	errs   []error
}

// begin sends the walk's first requests. mu is held.
func (w *walker) begin(all []*fastlane.Session, starts []string) {
	w.starts = starts
	for _, s := range all[:min(len(all), w.mostLanes)] {
		w.addLane(s)
	}
	st := &starter{w: w, starts: make(map[string]bool)}
	known := make(map[string]bool)
	for _, start := range starts {
		st.starts[start] = true
		for _, dir := range append(chain(start), start) {
			if !known[dir] {
				known[dir] = true
				st.paths = append(st.paths, dir)
			}
		}
	}
	st.attrs, st.errs = make([]Attr, len(st.paths)), make([]error, len(st.paths))
	full := make([]string, len(st.paths))
	for i, rel := range st.paths {
		full[i] = below(w.root, rel)
	}
	if w.rootAttr != nil && len(st.paths) == 1 {
		st.attrs[0] = *w.rootAttr
		w.takeRoot()
		st.visit()
		return
	}
	w.asker = w.lanes[0].s
	l := &looker{op: &w.operation, s: w.asker, paths: full, done: st.visit}
	l.each = func(i int, a Attr, err error) { st.attrs[i], st.errs[i] = a, err }
	l.begin()
	w.openMore(nil) // what is known is asked for beside
}

// visit shows what was looked at to the visitor, parents first.
func (st *starter) visit() {
	if err := st.notDir(0); err != nil {
		st.w.finish(fmt.Errorf("web root %q: %w", st.w.root, err))
		return
	}
	st.w.rooted = true
	dirs := make(map[string]*Dir)
	for i, rel := range st.paths {
		var up *Dir
		if rel != "." {
			if up = dirs[parent(rel)]; up == nil {
				continue // the gap is further up
			}
		}
		if err := st.notDir(i); err != nil {
			st.w.gap(rel, err)
			continue
		}
		d := &Dir{Parent: up, Path: rel, Attr: st.attrs[i]}
		dirs[rel] = d
		name := rel[strings.LastIndexByte(rel, '/')+1:]
		if st.w.show(&Entry{Name: []byte(name), Attr: d.Attr, Dir: d, Above: !st.starts[rel]}, up) && st.starts[rel] {
			st.w.push(d)
		}
	}
	st.w.pump(nil)
}

// notDir says why a path is no place to walk. A root of unknown type is let
// pass: that it can be listed will show what it is.
func (st *starter) notDir(i int) error {
	a := &st.attrs[i]
	switch {
	case st.errs[i] != nil:
		return st.errs[i]
	case !a.HasMode() && i > 0:
		return errTypeUnknown
	case a.HasMode() && a.Mode&typeMask != typeDir:
		return ErrNotDir
	}
	return nil
}
