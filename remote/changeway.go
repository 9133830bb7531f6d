package remote

import (
	"cmp"

	"hostperm/remote/fastlane"
)

// lookAbove looks at the web root, at what it lies in, and at all directories
// above the entries that have no answer yet.
func (c *changer) lookAbove(all []*fastlane.Session) {
	clear(c.above)
	c.looked, c.outside.way, c.outside.err = false, Way{}, nil
	var paths []string
	for _, dir := range ancestors(c.root) {
		paths = append(paths, below("/", dir))
	}
	outside := len(paths)
	dirs := []string{"."}
	c.above["."] = new(above)
	for i := range c.reqs {
		if c.done[i] {
			continue
		}
		if _, err := absolute(c.root, c.reqs[i].Path); err != nil {
			c.report(i, ChangeResult{Outcome: ChangeRefused, Err: err})
			continue
		}
		for _, dir := range c.chain(c.reqs[i].Path) {
			if c.above[dir] == nil {
				c.above[dir] = new(above)
				dirs = append(dirs, dir)
			}
		}
	}
	for _, dir := range dirs {
		paths = append(paths, below(c.root, dir))
	}
	c.lookAt(all, paths, func(i int, a Attr, err error) {
		if i >= outside {
			*c.above[dirs[i-outside]] = isAbove(dirs[i-outside], a, err)
			return
		}
		d := isAbove(paths[i], a, err)
		c.outside.way = c.outside.way.Through(d.attr)
		c.outside.err = cmp.Or(c.outside.err, d.err)
	})
}

// lookAt looks at directories, in all sessions together, before anything is
// opened.
func (c *changer) lookAt(all []*fastlane.Session, paths []string, each func(i int, a Attr, err error)) {
	size := (len(paths) + len(all) - 1) / len(all)
	left := 0
	for from := 0; from < len(paths); from += size {
		s := all[left]
		left++
		l := &looker{op: &c.operation, s: s, paths: paths[from:min(from+size, len(paths))]}
		l.each = func(i int, a Attr, err error) { each(from+i, a, err) }
		l.done = func() {
			if left--; left == 0 {
				c.looked = true
				c.pump(nil)
			}
		}
		l.begin()
		s.Flush()
	}
}

// chain gives the directories that rel lies in. Most come with others of their
// directory, with which they share the answer.
func (c *changer) chain(rel string) []string {
	if rel == "." {
		return nil
	}
	if up := parent(rel); up != c.chainOf {
		c.chainOf, c.chained = up, chain(rel)
	}
	return c.chained
}
