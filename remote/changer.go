package remote

import (
	"errors"
	"fmt"

	"hostperm/remote/fastlane"
)

// searchBits are those that let a path lead through a directory.
const searchBits = 0o111

// changer is a running Change. Everything in it is guarded by operation.mu.
type changer struct {
	operation
	s    *fastlane.Session
	root string
	reqs []ChangeRequest
	each func(i int, r ChangeResult)

	above map[string]error // directories that entries lie in: nil if it is one
	jobs  []*changeJob     // by request; nil: not started
	done  []bool           // by request: each was called
	next  int              // first request not started
	going int              // jobs that have requests outstanding
	again []*changeJob     // to be started over: OPEN failed, perhaps for want of handles

	window     int
	handles    int  // open on the server
	dirsOpened bool // OPEN was seen to work on a directory
	dirsFail   bool // OPEN was seen to fail on a directory for no lack of handles

	at     map[string]*changeJob // jobs not done, by path
	inside map[string]int        // jobs not done that lie in a directory, at any depth
}

func newChanger(root string, reqs []ChangeRequest, each func(int, ChangeResult)) *changer {
	return &changer{
		root: root, reqs: reqs, each: each,
		above:  make(map[string]error),
		jobs:   make([]*changeJob, len(reqs)),
		done:   make([]bool, len(reqs)),
		window: changeWindow,
		at:     make(map[string]*changeJob),
		inside: make(map[string]int),
	}
}

// begin looks at all directories above the entries, then starts the changes.
func (c *changer) begin() {
	var dirs, full []string
	for i := range c.reqs {
		if _, err := absolute(c.root, c.reqs[i].Path); err != nil {
			c.report(i, ChangeResult{Outcome: ChangeRefused, Err: err})
			continue
		}
		for _, dir := range chain(c.reqs[i].Path) {
			if _, known := c.above[dir]; !known {
				c.above[dir] = nil
				dirs = append(dirs, dir)
				full = append(full, below(c.root, dir))
			}
		}
	}
	l := &looker{op: &c.operation, s: c.s, paths: full, done: c.pump}
	l.each = func(i int, a Attr, err error) {
		switch {
		case err != nil:
			c.above[dirs[i]] = fmt.Errorf("the directory %q above it: %w", dirs[i], err)
		case a.Type() != typeDir:
			c.above[dirs[i]] = fmt.Errorf("%q above it is %w now", dirs[i], ErrNotDir)
		}
	}
	l.begin()
}

// report gives a request its one answer.
func (c *changer) report(i int, r ChangeResult) {
	c.done[i] = true
	c.each(i, r)
}

// pump starts what the window allows, and ends the operation when all is done.
func (c *changer) pump() {
	for c.going < c.window && len(c.again) > 0 {
		j := c.again[len(c.again)-1]
		c.again = c.again[:len(c.again)-1]
		j.start()
	}
	for c.going < c.window && c.next < len(c.reqs) {
		if !c.done[c.next] && !c.startNext() {
			break
		}
		c.next++
	}
	if c.going == 0 && len(c.again) == 0 && c.next == len(c.reqs) {
		c.finish(nil)
	}
}

// startNext starts the next request, unless it must wait for another.
func (c *changer) startNext() bool {
	req := &c.reqs[c.next]
	dirs := chain(req.Path)
	if c.mustWait(req, dirs) {
		return false
	}
	for _, dir := range dirs {
		if err := c.above[dir]; err != nil {
			c.report(c.next, ChangeResult{Outcome: ChangeRefused, Err: err})
			return true
		}
	}
	j := &changeJob{c: c, i: c.next, req: req, path: below(c.root, req.Path)}
	c.jobs[c.next] = j
	c.at[req.Path] = j
	for _, dir := range dirs {
		c.inside[dir]++
	}
	j.start()
	return true
}

// mustWait reports whether a change that is not done yet could stand in the
// way of this one, or this one in its way.
func (c *changer) mustWait(req *ChangeRequest, dirs []string) bool {
	if c.at[req.Path] != nil || c.inside[req.Path] > 0 && changesSearch(req) {
		return true
	}
	for _, dir := range dirs {
		if j := c.at[dir]; j != nil && changesSearch(j.req) {
			return true
		}
	}
	return false
}

func changesSearch(req *ChangeRequest) bool {
	return (req.Expect.Perm()^req.Mode)&searchBits != 0
}

// end gives a job its result and lets others take its place.
func (c *changer) end(j *changeJob, r ChangeResult) {
	c.going--
	delete(c.at, j.req.Path)
	for _, dir := range chain(j.req.Path) {
		if c.inside[dir]--; c.inside[dir] == 0 {
			delete(c.inside, dir)
		}
	}
	c.jobs[j.i] = nil
	c.report(j.i, r)
}

// openFailed deals with an OPEN that failed without a reason, and reports
// whether the job will start over. While other handles are open it may be a
// lack of them: the window is halved and the job started again, until it fails
// with none open. A server that cannot open directories at all is so found out
// once, not for each of them.
func (c *changer) openFailed(j *changeJob) bool {
	dir := j.req.Expect.Type() == typeDir
	if c.handles == 0 || dir && c.dirsFail {
		c.dirsFail = c.dirsFail || dir && !c.dirsOpened
		c.window = changeWindow
		return false
	}
	c.window = max(1, c.window/2)
	c.going--
	c.again = append(c.again, j)
	return true
}

// abandon answers the requests that the end of the connection left open.
func (c *changer) abandon(err error) {
	for i := range c.reqs {
		if c.done[i] {
			continue
		}
		r := ChangeResult{Outcome: ChangeRefused, Err: fmt.Errorf("not tried: %w", err)}
		if j := c.jobs[i]; j != nil {
			r.Now = j.now
			if j.sent {
				r.Outcome, r.Err = ChangeUnknown, fmt.Errorf("sent, and not seen to be done: %w", err)
			}
		}
		c.report(i, r)
	}
}

// errNoSafeWay says why an entry cannot be changed by path.
var errNoSafeWay = errors.New("the server offers no other way that does not follow symlinks (" + fastlane.LSetStatExtension + ")")
