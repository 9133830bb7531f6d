package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const unmoved = "nothing outside was changed"

// swap repairs the tree of a tenant as root, while the tenant exchanges what is
// in it for what leads elsewhere. Nothing elsewhere may be changed, and whatever
// was not done has to be told, with the reason.
func (r *soakRun) swap() (outcome string, err error) {
	if err := r.plant(thick); err != nil {
		return "", err
	}
	outside := filepath.Join(r.server.HomeDir, "outside")
	defer func() {
		err = errors.Join(err, uproot(outside), uproot(filepath.Join(r.server.HomeDir, ".aside")))
	}()
	if err := mirror(r.before, outside, r.server.GID); err != nil {
		return "", fmt.Errorf("make what is outside: %w", err)
	}
	before, err := look(outside)
	if err != nil {
		return "", err
	}
	fifos := r.rng.IntN(10) == 0
	a, err := r.startAttack(outside, fifos)
	if err != nil {
		return "", err
	}
	s, err := r.asRoot("--fix", "--yes", "--loosen")
	swaps, stopErr := a.stop()
	if fifos {
		r.server.endServing()
	}
	err = errors.Join(err, stopErr, r.server.rest(r.ctx))
	if err != nil {
		return "", err
	}
	after, err := look(outside)
	if err != nil {
		return "", err
	}
	if list := before.differences(after); len(list) > 0 {
		return "", wrongf("%d entries outside were changed: %s", len(list), list[0])
	}
	r.tally.add(r.name, "entries exchanged", swaps)
	return unmoved, r.judgeSwap(s)
}

// asRoot audits the tree as root of the server.
func (r *soakRun) asRoot(args ...string) (said, error) {
	return r.hostperm(nil, "audit", append(append([]string{"--format", "jsonl", "--profile", "default"}, args...),
		"root@"+r.server.Host+":"+r.site)...)
}

// judgeSwap holds the report to the journal: what stands there was told, and
// whatever was not made has its reason.
func (r *soakRun) judgeSwap(s said) error {
	if len(s.stdout) == 0 {
		return nil
	}
	told, err := readScan(s.stdout)
	if err != nil {
		return wrongf("%w", err)
	}
	j, err := r.journal()
	if err != nil {
		return err
	}
	statuses := make(map[string]int)
	for _, c := range told.changes {
		statuses[c.Status]++
		r.tally.add(r.name, "changes "+c.Status, 1)
		if c.Status != "applied" && c.Status != "unchanged" && c.Detail == "" {
			return wrongf("%q is %s without a reason", c.path(), c.Status)
		}
	}
	applied := 0
	if j != nil {
		for _, d := range j.done {
			if d.Status == "applied" {
				applied++
			}
		}
		if len(j.intents) > len(told.changes) {
			return wrongf("the journal has %d changes, and %d were told", len(j.intents), len(told.changes))
		}
	}
	if applied != statuses["applied"] {
		return wrongf("the journal has %d changes that were made, and %d were told", applied, statuses["applied"])
	}
	return nil
}

// isRoot reports whether the server can serve root, which only root can have it
// do.
func isRoot() bool { return os.Geteuid() == 0 }
