package main

// kill kills a repair, then an undo of it, each at a byte chosen at random, and
// lets a third run put everything back.
func (r *soakRun) kill() (string, error) {
	if err := r.plant(thick); err != nil {
		return "", err
	}
	if err := r.measureFix(); err != nil {
		return "", err
	}
	deadly := func(kind string) []fault {
		f := r.place(kind)
		f.kind = strike
		return []fault{f}
	}
	s, err := r.repair(deadly("fix"))
	if err != nil {
		return "", err
	}
	if s.status == -1 {
		// Nobody waits here: what is on its way may still be made while undo looks.
		if s, err = r.hostperm(deadly("undo"), "undo", "--yes"); err != nil {
			return "", err
		}
		if s.status > 0 {
			return "", wrongf("undo after a kill: exit status %d", s.status)
		}
	}
	touched := len(r.changed()) > 0
	if err := r.undo(); err != nil {
		return "", err
	}
	if !touched {
		return untouched, nil
	}
	return undone, nil
}

// changed gives the intents that stand in the journal.
func (r *soakRun) changed() []line {
	j, err := r.journal()
	if err != nil || j == nil {
		return nil
	}
	return j.intents
}
