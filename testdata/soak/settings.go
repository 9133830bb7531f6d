package main

import (
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// settings are what the flags say.
type settings struct {
	cases    []soakCase
	runs     int
	last     time.Duration // no run begins later; 0: all of them do
	seed     uint64
	jobs     int
	entries  int
	patience time.Duration // hostperm's --timeout
	hostperm string        // "": build it
	verbose  bool
}

// soakCase is a kind of run.
type soakCase struct {
	name string
	run  func(r *soakRun) (outcome string, err error)
}

func cases() []soakCase {
	all := []soakCase{{"walks", (*soakRun).walk}, {"fixes", (*soakRun).fix}, {"kill", (*soakRun).kill}}
	if isRoot() {
		all = append(all, soakCase{"swap", (*soakRun).swap})
	}
	return all
}

func parseSettings(args []string, stderr io.Writer) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("soak", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are printed once, by the caller
	name := fs.String("case", "all", "walks, fixes, kill, swap (as root) or all")
	fs.IntVar(&s.runs, "runs", 200, "runs of each case")
	fs.DurationVar(&s.last, "for", 0, "begin no run after this `duration`, such as 5m (default: all of them)")
	fs.Uint64Var(&s.seed, "seed", 1, "of the first run; the next has the next, so that -runs 1 -seed N repeats one")
	fs.IntVar(&s.jobs, "jobs", 4, "runs at once; most of a run is waiting")
	fs.IntVar(&s.entries, "entries", 300, "entries of a tree, about")
	fs.DurationVar(&s.patience, "timeout", 40*time.Second, "hostperm's --timeout, which ends a run that a stall would hold for ever")
	fs.StringVar(&s.hostperm, "hostperm", "", "the hostperm to try, a `file` (default: build it from this module)")
	fs.BoolVar(&s.verbose, "v", false, "a line for each run")
	if err := fs.Parse(args); err != nil {
		if err == flag.ErrHelp {
			fs.SetOutput(stderr)
			fs.Usage()
		}
		return s, err
	}
	s.cases = slices.DeleteFunc(cases(), func(c soakCase) bool { return *name != "all" && *name != c.name })
	switch {
	case fs.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case len(s.cases) == 0:
		return s, fmt.Errorf("-case %q: none of walks, fixes, kill, swap (as root) and all", *name)
	case s.runs < 1 || s.jobs < 1 || s.entries < 10:
		return s, fmt.Errorf("-runs and -jobs are at least 1, -entries is at least 10")
	case s.patience <= 0:
		return s, fmt.Errorf("-timeout %v: above 0", s.patience)
	}
	if s.hostperm == "" {
		return s, nil
	}
	var err error
	if s.hostperm, err = filepath.Abs(s.hostperm); err == nil {
		_, err = exec.LookPath(s.hostperm)
	}
	if err != nil {
		return s, fmt.Errorf("-hostperm: %w", err)
	}
	return s, nil
}

// buildHostperm builds the command of the module that the current directory is
// in.
func buildHostperm(file string) error {
	build := exec.Command("go", "build", "-o", file, "hostperm/cmd/hostperm")
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build hostperm: %w\n%s", err, strings.TrimSpace(string(said)))
	}
	return nil
}
