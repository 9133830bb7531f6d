package remote

// advance lets the changes through up to the next Gate.
func (c *changer) advance() {
	for {
		if !c.done[c.gate] {
			c.before++
		}
		c.gate++
		if c.gate == len(c.reqs) || c.reqs[c.gate].Gate != nil {
			return
		}
	}
}

// passGates asks the Gates before which everything has been answered, and lets
// through what waits for them, or refuses it.
func (c *changer) passGates() {
	for c.before == 0 && c.gate < len(c.reqs) && c.rejected == nil {
		if c.rejected = c.reqs[c.gate].Gate(); c.rejected == nil {
			c.advance()
		}
		for _, ln := range c.lanes {
			gated := ln.gated
			ln.gated = nil
			for _, j := range gated {
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
	default:
		j.ln.gated = append(j.ln.gated, j)
	}
}

// calm has a job, which is opened or done with, hold up nothing behind the Gate.
func (j *changeJob) calm() {
	if j.hurried {
		j.hurried = false
		j.c.hurried--
	}
}
