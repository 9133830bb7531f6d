package main

import (
	"fmt"
	"maps"
)

// walk disturbs an audit.
func (r *soakRun) walk() (string, error) {
	how := []sprinkle{thick, thin, nowhere}[r.rng.IntN(3)]
	if err := r.plant(how); err != nil {
		return "", err
	}
	err := r.measure(fmt.Sprint("walk ", how), func() (said, error) {
		s, err := r.audit(nil)
		if err == nil {
			var outcome string
			if outcome, err = r.judgeWalk(s, r.before); err == nil && outcome != exact {
				err = wrongf("a run that nothing disturbed has the outcome: %s", outcome)
			}
		}
		return s, err
	})
	if err != nil {
		return "", err
	}
	s, err := r.audit(r.harm(fmt.Sprint("walk ", how)))
	if err != nil {
		return "", err
	}
	outcome, err := r.judgeWalk(s, r.before)
	if err == nil {
		var now snapshot
		if now, err = look(r.site); err == nil {
			if list := r.before.differences(now); len(list) > 0 {
				err = wrongf("an audit changed something: %s", few(list))
			}
		}
	}
	return outcome, err
}

func (r *soakRun) audit(faults []fault, flags ...string) (said, error) {
	return r.hostperm(faults, "audit", append(flags, "--format", "jsonl", r.target())...)
}

// The outcomes of a run that are right.
const (
	exact     = "exact"
	partly    = "incomplete, and says so"
	nothing   = "nothing seen, and says so"
	undone    = "undo restored all"
	untouched = "killed before anything was changed"
)

// judgeWalk compares what a run says with a tree as it is.
func (r *soakRun) judgeWalk(s said, now snapshot) (outcome string, err error) {
	scan, err := readScan(s.stdout)
	if err != nil {
		return "", wrongf("%v", err)
	}
	if !scan.whole {
		if s.status != 3 && s.status != 4 || len(s.stderr) == 0 {
			return "", wrongf("exit status %d without a result", s.status)
		}
		return nothing, nil
	}
	want, gaps, seen := now.flaws()
	if err := noneWrong(scan, want); err != nil {
		return "", err
	}
	complete := maps.Equal(scan.findings, want) && maps.Equal(scan.gaps, gaps) && scan.summary.counts == seen
	wantStatus := 0
	switch {
	case len(gaps) > 0:
		wantStatus = 3
	case len(want) > 0:
		wantStatus = 1
	}
	switch {
	case complete && s.status == wantStatus && scan.summary.Complete == (len(gaps) == 0):
		return exact, nil
	case s.status != 3 && s.status != 4:
		return "", wrongf("exit status %d, and it has %d of %d findings, %d of %d gaps, %+v of %+v", s.status,
			len(scan.findings), len(want), len(scan.gaps), len(gaps), scan.summary.counts, seen)
	case scan.summary.Complete:
		return "", wrongf("exit status %d, and the summary says complete", s.status)
	}
	return partly, nil
}

// noneWrong reports a finding that the tree does not have.
func noneWrong(scan *scan, want map[flaw]bool) error {
	for f := range scan.findings {
		if !want[f] {
			return wrongf("%q has no flaw %s with mode %s", f.path, f.rule, f.mode)
		}
	}
	return nil
}
