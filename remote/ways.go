package remote

import (
	"fmt"

	"hostperm/remote/fastlane"
)

// ways are the directories that entries lie in, from the root down. Each must
// be one, by LSTAT: what a symlink on the way leads to is not below the root.
type ways struct {
	root string
	dirs []string         // parents before children
	errs map[string]error // by directory: why it is no way; nil if it is one, as far as is known
}

func newWays(root string) *ways { return &ways{root: root, errs: make(map[string]error)} }

// add notes the directories on the way to path, which is a good one.
func (w *ways) add(path string) {
	if path == "." {
		return
	}
	if _, known := w.errs[parent(path)]; known {
		return
	}
	for _, dir := range chain(path) {
		if _, known := w.errs[dir]; !known {
			w.errs[dir] = nil
			w.dirs = append(w.dirs, dir)
		}
	}
}

// look looks at them all, and calls done. op's mu is held, here as in done.
func (w *ways) look(op *operation, s *fastlane.Session, done func()) {
	full := make([]string, len(w.dirs))
	for i, dir := range w.dirs {
		full[i] = below(w.root, dir)
	}
	l := &looker{op: op, s: s, paths: full}
	l.each = func(i int, a Attr, err error) {
		switch dir := w.dirs[i]; {
		case err != nil:
			w.errs[dir] = fmt.Errorf("the directory %q above it: %w", dir, err)
		case a.Type() != typeDir:
			w.errs[dir] = fmt.Errorf("%q above it is %w now", dir, ErrNotDir)
		}
	}
	l.done = func() {
		for _, dir := range w.dirs {
			if dir != "." && w.errs[dir] == nil {
				w.errs[dir] = w.errs[parent(dir)]
			}
		}
		done()
	}
	l.begin()
}

// to says why there is no way to path, nil if there is one.
func (w *ways) to(path string) error {
	if path == "." {
		return nil
	}
	return w.errs[parent(path)]
}
