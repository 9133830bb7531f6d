package remote

import (
	"errors"
	"fmt"
	"slices"

	"hostperm/remote/fastlane"
)

// searchBits are those that let a path lead through a directory.
const searchBits = 0o111

// changer is a running Change. Everything in it is guarded by operation.mu.
type changer struct {
	operation
	root string
	reqs []ChangeRequest
	each func(i int, r ChangeResult)

	above   map[string]*above // directories that entries lie in, and the root
	top     *above            // the root
	last    *above            // the directory of the last entry asked for
	turn    int               // of looks at the directories
	outside outside
	jobs    []*changeJob // by request; nil: not started
	done    []bool       // by request: each was called
	next    int          // first request not started
	redo    []*changeJob // started on a connection that has ended
	lanes   []*changeLane
	holding int  // jobs between OPEN and CLOSE, in all lanes
	window  int  // how many may be
	looked  bool // at the directories above
	ended   int  // jobs

	gate       int   // first request whose Gate has not been passed; len(reqs): none
	gateBehind int   // the next one that has a Gate; len(reqs): none
	before     int   // requests before gate that have had no answer
	hurried    int   // jobs before gate that have not been opened yet
	needing    int   // jobs before gate that do not have the handle yet that they need
	rejected   error // what a Gate said: nothing behind it is changed

	dirsOpened bool // OPEN was seen to work on a directory
	dirsFail   bool // OPEN was seen to fail on a directory for no lack of handles

	at map[string]*changeJob // jobs not done, by path
}

// changeLane is one session's part of a Change.
type changeLane struct {
	s       *fastlane.Session
	going   int          // jobs that have requests outstanding, or are ready
	ready   []*changeJob // looked at; OPEN comes next
	gated   []*changeJob // looked at; a Gate comes next, or OPEN before it
	later   []*changeJob // looked at; a Gate comes next
	parked  []*changeJob // open; a Gate comes next
	holding int          // jobs between OPEN and CLOSE
	unsent  bool         // a request was sent that nobody has flushed
}

func newChanger(root string, reqs []ChangeRequest, each func(int, ChangeResult)) *changer {
	c := &changer{
		root: root, reqs: reqs, each: each,
		above: make(map[string]*above),
		jobs:  make([]*changeJob, len(reqs)),
		done:  make([]bool, len(reqs)),
		at:    make(map[string]*changeJob),
	}
	c.top = c.dir(".")
	c.again = c.goOn
	c.gateBehind = c.gateAfter(0)
	if reqs[0].Gate == nil {
		c.advance()
	}
	return c
}

// begin looks at all directories above the entries, and starts the changes: no
// entry is opened before the directories have been seen.
func (c *changer) begin(all []*fastlane.Session) {
	for _, s := range all {
		c.addLane(s)
	}
	for c.client.openFurther(min(c.client.most, len(c.reqs)/changesPerSession), c.join) {
	}
	c.lookAbove(all)
	c.pump(nil)
}

// report gives a request its one answer.
func (c *changer) report(i int, r ChangeResult) {
	c.done[i] = true
	if i < c.gate {
		c.before--
	}
	c.steps++
	c.each(i, r)
}

func (c *changer) addLane(s *fastlane.Session) {
	c.lanes = append(c.lanes, &changeLane{s: s})
	c.window = changeWindow * len(c.lanes)
}

// join takes a session in that was opened while the changes are made.
func (c *changer) join(s *fastlane.Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.watch(s)
	c.addLane(s)
	c.pump(nil)
}

// pump starts what the windows allow, and ends the operation when all is done.
// here is the lane whose reply is being handled, nil if there is none: it is
// flushed when there is nothing more to handle, the others now.
func (c *changer) pump(here *changeLane) {
	for ended := -1; ended != c.ended; { // what ends at once may have kept others waiting
		ended = c.ended
		c.startAgain(here)
		c.passGates()
		if c.looked {
			for _, ln := range c.lanes {
				c.openReady(ln)
			}
		}
		c.startMore(here)
	}
	c.flush(here)
	if c.next == len(c.reqs) && !slices.ContainsFunc(c.lanes, func(ln *changeLane) bool { return ln.going > 0 }) {
		c.finish(nil)
	}
}

// startMore starts what the windows allow, or refuses it all behind a Gate that
// was not passed.
func (c *changer) startMore(here *changeLane) {
	for ; len(c.redo) == 0 && c.next < len(c.reqs); c.next++ {
		if c.next == c.gate {
			if c.flush(here); !c.looked || c.hurried > 0 {
				return // what the Gate waits for shall not wait for what waits there
			}
		}
		if c.done[c.next] {
			continue
		}
		if c.rejected != nil {
			c.report(c.next, ChangeResult{Outcome: ChangeRefused, Err: c.rejected})
			continue
		}
		if ln := c.choose(here); ln == nil || !c.startNext(ln) {
			return
		}
	}
}

// flush has what was sent written, in the lane at hand by whoever handles its
// replies.
func (c *changer) flush(here *changeLane) {
	for _, ln := range c.lanes {
		if ln.unsent && ln != here {
			ln.s.Flush()
		}
		ln.unsent = false
	}
}

// openReady opens what was looked at, as far as there are handles for it.
func (c *changer) openReady(ln *changeLane) {
	for c.holding < c.window && ln.holding < changeWindow {
		from := &ln.ready
		if len(*from) == 0 && c.mayOpenAhead() {
			from = &ln.gated
		}
		if len(*from) == 0 {
			return
		}
		j := (*from)[0]
		*from = (*from)[1:]
		j.open()
	}
}

// choose gives the lane for the next change, nil if all are full: the one at
// hand, as long as no other has much less to do.
func (c *changer) choose(here *changeLane) *changeLane {
	var best *changeLane
	for _, ln := range c.lanes {
		if ln.going < changesAhead && (best == nil || ln.going < best.going) {
			best = ln
		}
	}
	if best != nil && here != nil && here.going < changesAhead && here.going <= best.going+changeWindow/8 {
		return here
	}
	return best
}

// startNext starts the next request in a lane, unless it must wait for another.
func (c *changer) startNext(ln *changeLane) bool {
	req := &c.reqs[c.next]
	in, itself := c.dirOf(req.Path), c.above[req.Path]
	if c.mustWait(req, in, itself) {
		return false
	}
	j := &changeJob{c: c, ln: ln, i: c.next, req: req, in: in, itself: itself, path: below(c.root, req.Path)}
	c.jobs[c.next] = j
	c.at[req.Path] = j
	if itself != nil {
		itself.job = j
	}
	in.count(1)
	j.hurry()
	j.start()
	return true
}

// mustWait reports whether a change that is not done yet could stand in the
// way of this one, or this one in its way. in is the directory that the entry
// lies in; itself, if not nil, is one that others lie in.
func (c *changer) mustWait(req *ChangeRequest, in, itself *above) bool {
	if c.at[req.Path] != nil || itself != nil && itself.inside > 0 && changesSearch(req) {
		return true
	}
	for d := in; d != nil; d = d.up {
		if d.job != nil && changesSearch(d.job.req) {
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
	j.ln.going--
	j.calm()
	j.served()
	c.ended++
	delete(c.at, j.req.Path)
	if j.itself != nil {
		j.itself.job = nil
	}
	j.in.count(-1)
	c.jobs[j.i] = nil
	c.report(j.i, r)
}

// openFailed deals with an OPEN that failed without a reason, and reports
// whether it will be tried again. While others hold handles, in whichever
// session, it may be a lack of them: half as many may from now on, until it
// fails alone. A server that cannot open directories at all is so found out
// once, not for each of them.
func (c *changer) openFailed(j *changeJob) bool {
	dir := j.req.Expect.Type() == typeDir
	if c.holding == 1 || dir && c.dirsFail {
		c.dirsFail = c.dirsFail || dir && !c.dirsOpened
		c.window = changeWindow * len(c.lanes)
		return false
	}
	c.window = max(1, c.holding/2)
	j.release()
	j.lookFirst()
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
