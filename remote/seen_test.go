package remote

import (
	"context"
	"sync"
	"testing"
)

// seen is what a walk showed.
type seen struct {
	entries map[string]Attr
	order   []string
	gaps    map[string]string
	above   map[string]bool
	twice   []string
}

// walkAll walks f from /r, descending everywhere, and checks what must hold of
// every walk: parents before children, a Dir for directories only, and
// callbacks one at a time.
func walkAll(t testing.TB, c *Client, root string, o WalkOptions) (*seen, error) {
	t.Helper()
	return walkWith(t, o, func(v Visitor, o WalkOptions) error { return c.Walk(context.Background(), root, v, o) })
}

func walkWith(t testing.TB, o WalkOptions, walk func(Visitor, WalkOptions) error) (*seen, error) {
	t.Helper()
	s := &seen{entries: make(map[string]Attr), gaps: make(map[string]string), above: make(map[string]bool)}
	var one sync.Mutex
	err := walk(Visitor{
		Entry: func(up *Dir, e *Entry) bool {
			if !one.TryLock() {
				t.Error("callbacks overlap")
				return false
			}
			defer one.Unlock()
			path := string(e.Name)
			if up != nil {
				path = join(up.Path, path)
				if _, ok := s.entries[up.Path]; !ok {
					t.Errorf("%q came before its parent", path)
				}
				if up.Value != up.Path {
					t.Errorf("the parent of %q has lost its value", path)
				}
			}
			if _, ok := s.entries[path]; ok {
				s.twice = append(s.twice, path)
			}
			s.entries[path] = e.Attr
			s.order = append(s.order, path)
			if e.Above {
				s.above[path] = true
			}
			if e.Dir == nil {
				return true // means nothing for what is no directory
			}
			if e.Dir.Path != path || e.Dir.Parent != up {
				t.Errorf("the Dir of %q is %+v", path, e.Dir)
			}
			e.Dir.Value = path
			return true
		},
		Gap: func(path string, err error) {
			if !one.TryLock() {
				t.Error("callbacks overlap")
				return
			}
			defer one.Unlock()
			if s.gaps[path] != "" {
				s.gaps[path] += " | "
			}
			s.gaps[path] += err.Error()
		},
	}, o)
	return s, err
}
