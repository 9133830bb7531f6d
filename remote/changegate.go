package remote

// advance lets the changes through up to the next Gate.
func (c *changer) advance() {
	from := c.gate
	c.gate, c.gateBehind = c.gateBehind, c.gateAfter(c.gateBehind)
	for i := from; i < c.gate; i++ {
		if !c.done[i] {
			c.before++
		}
		if j := c.jobs[i]; j != nil {
			j.need()
		}
	}
}

// gateAfter gives the first request behind i that has a Gate.
func (c *changer) gateAfter(i int) int {
	for i++; i < len(c.reqs); i++ {
		if c.reqs[i].Gate != nil {
			return i
		}
	}
	return len(c.reqs)
}

// passGates asks the Gates before which everything has been answered, and lets
// through what waits for them, or refuses it.
func (c *changer) passGates() {
	for c.before == 0 && c.gate < len(c.reqs) && c.rejected == nil {
		if c.rejected = c.reqs[c.gate].Gate(); c.rejected == nil {
			c.advance()
		}
		for _, ln := range c.lanes {
			parked, waiting := ln.parked, append(ln.gated, ln.later...)
			ln.parked, ln.gated, ln.later = nil, nil, nil
			for _, j := range parked {
				c.wasChecked(j)
			}
			for _, j := range waiting {
				c.wasLooked(j)
			}
		}
	}
}

// wasLooked takes a job whose entry was seen to be the audited one.
func (c *changer) wasLooked(j *changeJob) {
	switch {
	case j.i < c.gate:
		j.ln.ready = append(j.ln.ready, j)
	case c.rejected != nil:
		j.end(ChangeRefused, c.rejected)
	case j.i < c.gateBehind && !j.failedAhead:
		j.ln.gated = append(j.ln.gated, j)
	default:
		j.ln.later = append(j.ln.later, j)
	}
}

// wasChecked takes a job that holds a handle of the audited entry.
func (c *changer) wasChecked(j *changeJob) {
	switch {
	case j.i < c.gate:
		j.setByHandle()
	case c.rejected != nil:
		j.end(ChangeRefused, c.rejected)
	default:
		j.ln.parked = append(j.ln.parked, j)
	}
}

// giveUpAhead takes a job back that could not be opened, or not be looked at by
// its handle, before its Gate, and reports whether it did.
func (j *changeJob) giveUpAhead() bool {
	if j.i < j.c.gate {
		return false
	}
	if j.handle != "" {
		j.closeHandle()
	}
	j.release()
	j.failedAhead = true
	j.c.wasLooked(j)
	return true
}

// mayOpenAhead reports whether what waits for the Gate, and comes before the next
// one, may be opened: once nothing before the Gate will need a handle any more. It
// is parked when it was seen to be the audited entry, so that the change is all that
// is left. What cannot be opened so is opened again behind the Gate, as if it never
// had been.
func (c *changer) mayOpenAhead() bool { return c.next > c.gate && c.needing == 0 }

// hurry counts a job that is before the Gate.
func (j *changeJob) hurry() {
	if j.c.gate < len(j.c.reqs) && j.i < j.c.gate {
		j.hurried = true
		j.c.hurried++
		j.need()
	}
}

// need counts a job that will need a handle.
func (j *changeJob) need() {
	j.needs = true
	j.c.needing++
}

// calm has a job, which is opened or done with, keep nothing behind the Gate from
// being looked at.
func (j *changeJob) calm() {
	if j.hurried {
		j.hurried = false
		j.c.hurried--
	}
}

// served has a job, which needs no handle any more but the one it may have, keep
// nothing behind the Gate from being opened.
func (j *changeJob) served() {
	if j.needs {
		j.needs = false
		j.c.needing--
	}
}
