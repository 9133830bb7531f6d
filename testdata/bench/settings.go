package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are what the flags say.
type settings struct {
	rtts     []time.Duration
	runs     int
	cases    []benchCase
	scale    float64
	hostperm string // "": build it
	dir      string // "": below the scratch directory
	markdown bool
	keep     bool
}

// maxRTT bounds what -rtt takes: beyond it a mistyped unit is likelier than a
// network.
const maxRTT = 10 * time.Second

func parseSettings(args []string, stderr io.Writer) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are printed once, by the caller
	rtts := fs.String("rtt", "0,50", "round trip times in `ms`, with commas")
	fs.IntVar(&s.runs, "runs", 5, "runs of each contender")
	names := fs.String("case", "all", "cases to measure, with commas: "+strings.Join(caseNames(), ", "))
	fs.Float64Var(&s.scale, "scale", 1, "multiply the sizes of the trees by this; the bars are for 1")
	fs.StringVar(&s.hostperm, "hostperm", "", "the hostperm to measure, a `file` (default: build it from this module)")
	fs.StringVar(&s.dir, "dir", "", "make the trees in this `directory`, and find them there the next time (default: a temporary one)")
	format := fs.String("format", "text", "text or markdown")
	fs.BoolVar(&s.keep, "keep", false, "keep the scratch directory: keys, sshd's configuration and log, built programs")
	if err := fs.Parse(args); err != nil {
		if err == flag.ErrHelp {
			fs.SetOutput(stderr)
			fs.Usage()
		}
		return s, err
	}
	s.markdown = *format == "markdown"
	switch {
	case fs.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case s.runs < 1:
		return s, fmt.Errorf("-runs %d: at least 1", s.runs)
	case !(s.scale > 0 && s.scale <= 10):
		return s, fmt.Errorf("-scale %v: above 0, at most 10", s.scale)
	case *format != "text" && *format != "markdown":
		return s, fmt.Errorf("-format %q: text or markdown", *format)
	}
	var err error
	if s.rtts, err = parseRTTs(*rtts); err != nil {
		return s, err
	}
	if s.cases, err = parseCases(*names); err != nil {
		return s, err
	}
	return s, s.findFiles()
}

// findFiles makes the names absolute, and looks whether they will do.
func (s *settings) findFiles() (err error) {
	if s.hostperm != "" {
		if s.hostperm, err = filepath.Abs(s.hostperm); err == nil {
			_, err = exec.LookPath(s.hostperm)
		}
		if err != nil {
			return fmt.Errorf("-hostperm: %w", err)
		}
	}
	if s.dir != "" {
		if s.dir, err = filepath.Abs(s.dir); err == nil {
			err = os.MkdirAll(s.dir, 0o755)
		}
		if err != nil {
			return fmt.Errorf("-dir: %w", err)
		}
	}
	return nil
}

func parseRTTs(list string) ([]time.Duration, error) {
	var rtts []time.Duration
	for word := range strings.SplitSeq(list, ",") {
		ms, err := strconv.Atoi(strings.TrimSpace(word))
		rtt := time.Duration(ms) * time.Millisecond
		if err != nil || ms < 0 || rtt > maxRTT {
			return nil, fmt.Errorf("-rtt %q: %q is not a number of milliseconds from 0 to %d", list, word, maxRTT.Milliseconds())
		}
		if !slices.Contains(rtts, rtt) {
			rtts = append(rtts, rtt)
		}
	}
	return rtts, nil
}

func parseCases(list string) ([]benchCase, error) {
	if list == "all" {
		return cases(), nil
	}
	var chosen []benchCase
	for word := range strings.SplitSeq(list, ",") {
		i := slices.Index(caseNames(), strings.TrimSpace(word))
		if i < 0 {
			return nil, fmt.Errorf("-case %q: %q is none of %s", list, word, strings.Join(caseNames(), ", "))
		}
		chosen = append(chosen, cases()[i])
	}
	return chosen, nil
}
