package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// fix disturbs a repair, and undoes it in peace.
func (r *soakRun) fix() (string, error) {
	if err := r.plant(thick); err != nil {
		return "", err
	}
	if err := r.measureFix(); err != nil {
		return "", err
	}
	s, err := r.repair(r.harm("fix"))
	if err == nil {
		err = r.server.rest(r.ctx)
	}
	if err != nil {
		return "", err
	}
	now, err := look(r.site)
	if err != nil {
		return "", err
	}
	outcome, err := r.judgeFix(s, now)
	if err != nil {
		return "", err
	}
	return outcome, r.undo()
}

func (r *soakRun) repair(faults []fault) (said, error) {
	return r.audit(faults, "--fix", "--yes", "--loosen")
}

// measureFix makes a repair and its undo undisturbed, the first time.
func (r *soakRun) measureFix() error {
	err := r.measure("fix", func() (said, error) {
		s, err := r.repair(nil)
		if err != nil {
			return s, err
		}
		now, err := look(r.site)
		if err != nil {
			return s, err
		}
		outcome, err := r.judgeFix(s, now)
		if err == nil && outcome != exact {
			err = wrongf("a repair that nothing disturbed has the outcome: %s", outcome)
		}
		return s, err
	})
	if err != nil {
		return err
	}
	return r.measure("undo", func() (said, error) {
		s, err := r.hostperm(nil, "undo", "--yes")
		if err == nil {
			err = r.restored(s)
		}
		if err == nil {
			err = os.RemoveAll(r.state()) // the run itself begins without a journal
		}
		return s, err
	})
}

// judgeFix compares what a repair says, what its journal says, and what is on
// disk.
func (r *soakRun) judgeFix(s said, now snapshot) (string, error) {
	scan, err := readScan(s.stdout)
	if err != nil {
		return "", wrongf("%v", err)
	}
	j, err := r.journal()
	if err != nil {
		return "", err
	}
	if err := r.judgeDisk(now, j, scan); err != nil {
		return "", err
	}
	if err := judgeChanges(scan, now); err != nil {
		return "", err
	}
	if !scan.whole && s.status != 3 && s.status != 4 {
		return "", wrongf("exit status %d without a result", s.status)
	}
	if !scan.whole {
		return nothing, nil
	}
	return r.judgeEnd(s, scan, now)
}

// judgeDisk holds every change on disk to a line in the journal, and to being
// told.
func (r *soakRun) judgeDisk(now snapshot, j *journal, scan *scan) error {
	first := make(map[string]line)
	allowed := make(map[string]map[uint32]bool)
	for _, in := range j.intents {
		p := in.path()
		if _, there := first[p]; !there {
			first[p], allowed[p] = in, make(map[uint32]bool)
		}
		allowed[p][bits(in.To)] = true
	}
	told := make(map[string]bool)
	for _, c := range scan.changes {
		told[c.path()] = told[c.path()] || c.Status == "applied" || c.Status == "failed"
	}
	for p, e := range r.before {
		is := now[p]
		in, meant := first[p]
		changed := is.mode != e.mode
		switch {
		case changed && !meant:
			return wrongf("%q was changed from %04o to %04o without a line in the journal", p, e.perm(), is.perm())
		case meant && bits(in.From) != e.perm():
			return wrongf("%q was %04o, and the journal says %s", p, e.perm(), in.From)
		case changed && !allowed[p][is.perm()]:
			return wrongf("%q is %04o, and the journal knows nothing of that", p, is.perm())
		case changed && !told[p]:
			return wrongf("%q was changed to %04o, and the report does not say so", p, is.perm())
		}
		is.mode = e.mode
		if is != e {
			return wrongf("%q is %+v, was %+v", p, is, e)
		}
	}
	if len(now) != len(r.before) {
		return wrongf("there are %d entries, were %d", len(now), len(r.before))
	}
	return nil
}

// judgeChanges holds every change that is told to the disk.
func judgeChanges(scan *scan, now snapshot) error {
	last := make(map[string]line)
	for _, c := range scan.changes {
		last[c.path()] = c
	}
	for p, c := range last {
		is := fmt.Sprintf("%04o", now[p].perm())
		switch c.Status {
		case "applied", "unchanged":
			if is != c.To {
				return wrongf("%q is said to be %s (%s), and is %s", p, c.To, c.Status, is)
			}
		case "refused":
			if is != c.From {
				return wrongf("%q is said to be left at %s, and is %s", p, c.From, is)
			}
		case "failed":
			if is != c.From && is != c.To {
				return wrongf("%q is %s, neither %s nor %s", p, is, c.From, c.To)
			}
		default:
			return wrongf("%q has the status %q", p, c.Status)
		}
	}
	return nil
}

// judgeEnd compares the findings with what is left on disk.
func (r *soakRun) judgeEnd(s said, scan *scan, now snapshot) (string, error) {
	left, _, _ := now.flaws()
	for f := range scan.fixed {
		if left[f] {
			return "", wrongf("%q is said to be free of %s, and is not", f.path, f.rule)
		}
	}
	refused := 0
	for _, c := range scan.changes {
		if c.Status == "refused" || c.Status == "failed" {
			refused++
		}
	}
	if scan.summary.Complete || s.status < 3 {
		if refused > 0 && s.status != 4 {
			return "", wrongf("exit status %d with %d changes refused or failed", s.status, refused)
		}
		scan.changes = nil
		if s.status == 4 && refused > 0 { // judged by what the tree has left
			s.status = 0
			if len(left) > 0 {
				s.status = 1
			}
		}
		outcome, err := r.judgeWalk(s, now)
		if err == nil && refused > 0 {
			outcome = told
		}
		return outcome, err
	}
	if s.status != 3 && s.status != 4 {
		return "", wrongf("exit status %d, and the summary says incomplete", s.status)
	}
	return partly, nil
}

// told is the outcome of a repair that saw all and could not do all.
const told = "complete, some changes not made, and says so"

// undo puts everything back undisturbed.
func (r *soakRun) undo() error {
	s, err := r.hostperm(nil, "undo", "--yes")
	if err != nil {
		return err
	}
	return r.restored(s)
}

// restored judges the last undo of a run.
func (r *soakRun) restored(s said) error {
	if s.status != 0 {
		return wrongf("undo: exit status %d", s.status)
	}
	if err := r.server.rest(r.ctx); err != nil {
		return err
	}
	now, err := look(r.site)
	if err != nil {
		return err
	}
	if list := r.before.differences(now); len(list) > 0 {
		return wrongf("after undo %s", few(list))
	}
	return nil
}

// journal reads the newest journal of the run: an empty one if there is none.
func (r *soakRun) journal() (*journal, error) {
	files, err := filepath.Glob(filepath.Join(r.state(), "hostperm", "journals", "*.jsonl"))
	if err != nil || len(files) == 0 {
		return &journal{}, err
	}
	text, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(files[len(files)-1]); err != nil || info.Mode().Perm() != 0o600 {
		return nil, wrongf("the journal has mode %v, %v", info.Mode(), err)
	}
	j, err := readJournal(text)
	if err != nil {
		return nil, wrongf("%v\n%s", err, strings.TrimSpace(string(text)))
	}
	return j, nil
}
