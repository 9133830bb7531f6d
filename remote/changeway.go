package remote

import (
	"cmp"
	"fmt"

	"hostperm/remote/fastlane"
)

// above is a directory that entries lie in.
type above struct {
	path string
	up   *above // nil: it is the root
	attr Attr
	err  error // it is none, or could not be looked at

	way  Way   // that leads through it
	none error // the first on that way that is none

	asked  int        // the last turn of looks that it was in
	inside int        // jobs not done that lie in it, at any depth
	job    *changeJob // not done, for itself
}

// outside is what leads to the root.
type outside struct {
	way Way
	err error
}

// lookAbove looks at the web root, at what it lies in, and at all directories
// above the entries that have no answer yet.
func (c *changer) lookAbove(all []*fastlane.Session) {
	c.looked, c.outside = false, outside{}
	c.turn++
	var paths []string
	for _, dir := range ancestors(c.root) {
		paths = append(paths, below("/", dir))
	}
	outside := len(paths)
	dirs := c.askOf(nil, c.top)
	for i := range c.reqs {
		if c.done[i] {
			continue
		}
		if _, err := absolute(c.root, c.reqs[i].Path); err != nil {
			c.report(i, ChangeResult{Outcome: ChangeRefused, Err: err})
			continue
		}
		dirs = c.askOf(dirs, c.dirOf(c.reqs[i].Path))
	}
	for _, d := range dirs {
		paths = append(paths, below(c.root, d.path))
	}
	c.lookAt(all, paths, func(i int, a Attr, err error) {
		if i >= outside {
			dirs[i-outside].saw(a, err)
			return
		}
		d := above{path: paths[i]}
		d.saw(a, err)
		c.outside.way = c.outside.way.Through(d.attr)
		c.outside.err = cmp.Or(c.outside.err, d.err)
	}, func() {
		for _, d := range dirs {
			d.sumUp(&c.outside)
		}
	})
}

// askOf adds a directory to those that are looked at, behind all that it lies in.
func (c *changer) askOf(dirs []*above, d *above) []*above {
	if d == nil || d.asked == c.turn {
		return dirs
	}
	d.asked = c.turn
	return append(c.askOf(dirs, d.up), d)
}

// lookAt looks at directories, in all sessions together, before anything is
// opened. then is called behind the last each.
func (c *changer) lookAt(all []*fastlane.Session, paths []string, each func(i int, a Attr, err error), then func()) {
	size := (len(paths) + len(all) - 1) / len(all)
	left := 0
	for from := 0; from < len(paths); from += size {
		s := all[left]
		left++
		l := &looker{op: &c.operation, s: s, paths: paths[from:min(from+size, len(paths))]}
		l.each = func(i int, a Attr, err error) { each(from+i, a, err) }
		l.done = func() {
			if left--; left == 0 {
				then()
				c.looked = true
				c.pump(nil)
			}
		}
		l.begin()
		s.Flush()
	}
}

// dirOf gives the directory that an entry lies in, nil if it is the root. Most
// come with others of their directory.
func (c *changer) dirOf(rel string) *above {
	if rel == "." {
		return nil
	}
	if up := parent(rel); c.last == nil || up != c.last.path {
		c.last = c.dir(up)
	}
	return c.last
}

// dir gives a directory that entries lie in.
func (c *changer) dir(rel string) *above {
	d := c.above[rel]
	if d == nil {
		d = &above{path: rel}
		if rel != "." {
			d.up = c.dir(parent(rel))
		}
		c.above[rel] = d
	}
	return d
}

// saw takes in what a directory looks like.
func (d *above) saw(a Attr, err error) {
	d.attr, d.err = a, nil
	switch {
	case err != nil:
		d.err = fmt.Errorf("the directory %q above it: %w", d.path, err)
	case a.Type() != typeDir:
		d.err = fmt.Errorf("%q above it is %w now", d.path, ErrNotDir)
	}
}

// sumUp says what the way through the directory is, once that of what it lies in
// is known.
func (d *above) sumUp(o *outside) {
	way, none := o.way, o.err
	if d.up != nil {
		way, none = d.up.way, d.up.none
	}
	d.way, d.none = way.Through(d.attr), cmp.Or(none, d.err)
}

// count counts jobs that lie in the directory, and so in all that it lies in.
func (d *above) count(jobs int) {
	for ; d != nil; d = d.up {
		d.inside += jobs
	}
}
