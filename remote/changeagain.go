package remote

import (
	"fmt"

	"hostperm/remote/fastlane"
)

// goOn goes on with new sessions, once all before have ended. Every change that
// was begun and has no answer is looked at first, and the directories above are
// looked at anew.
func (c *changer) goOn(all []*fastlane.Session) {
	c.lanes, c.holding, c.hurried, c.needing = nil, 0, 0, 0
	for _, s := range all {
		c.addLane(s)
	}
	c.redo = c.redo[:0]
	for _, j := range c.jobs {
		if j != nil {
			j.takeBack()
			j.hurry()
			c.redo = append(c.redo, j)
		}
	}
	c.lookAbove(all)
	c.pump(nil)
}

// startAgain starts what was begun on a connection that has ended, before
// anything else, and only so much of it at once that some gets done on a
// connection that does not last either. That none of it stands in the way of
// another was seen when it was first started.
func (c *changer) startAgain(here *changeLane) {
	for len(c.redo) > 0 {
		ln := c.choose(here)
		if ln == nil || ln.going >= changeWindow {
			return
		}
		j := c.redo[0]
		c.redo = c.redo[1:]
		j.ln = ln
		j.start()
	}
}

// takeBack makes a job as it was before its first request, but for what it may
// have changed.
func (j *changeJob) takeBack() {
	*j = changeJob{c: j.c, i: j.i, req: j.req, in: j.in, itself: j.itself, path: j.path, now: j.now, sent: j.sent, follows: j.follows}
}

// mayOpen judges the look that comes first, and reports whether OPEN is next.
func (j *changeJob) mayOpen() bool {
	if j.sent {
		return j.recalls()
	}
	return j.isAudited()
}

// recalls judges the first look at an entry whose change was sent on a
// connection that has ended: it was made if the entry is the audited one but for
// the mode, which is the wanted one, and was not if it is the audited one. The
// verdict waits until the directories above have been looked at.
func (j *changeJob) recalls() bool {
	err := j.look.err
	if err != nil {
		j.unreached(err)
		return false
	}
	j.now = j.look.attr
	j.made = sameEntry(j.expect(j.req.Mode), &j.now) == nil
	if j.made {
		return true
	}
	if err = sameEntry(&j.req.Expect, &j.now); err == nil {
		return true
	}
	if j.now.HasMode() {
		err = sameEntry(j.expect(j.now.Perm()), &j.now)
	}
	if err == nil {
		j.end(ChangeFailed, fmt.Errorf("sent before the connection was lost, and the mode is %04o since, not %04o", j.now.Perm(), j.req.Mode))
		return false
	}
	j.unreached(err)
	return false
}

// expect is the audited entry with another mode.
func (j *changeJob) expect(mode uint16) *Attr {
	a := j.req.Expect
	a.Mode = a.Mode&typeMask | uint32(mode)
	return &a
}

// unreached ends a job that finds its entry no more. If a change was sent
// before, nothing tells what came of it.
func (j *changeJob) unreached(err error) {
	if j.sent {
		j.end(ChangeUnknown, fmt.Errorf("sent before the connection was lost, and not seen to be done: %w", err))
		return
	}
	j.end(ChangeRefused, err)
}
