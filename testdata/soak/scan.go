package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// line is any line of --format jsonl, or of a journal.
type line struct {
	Type       string
	Path       string
	PathBase64 []byte `json:"path_base64"`
	Rule, Mode string
	Fixed      bool
	From, To   string
	Status     string
	Detail     string
	ID         int

	counts
	Gaps     int
	Complete bool
}

// path is the one that a line is about, byte by byte.
func (l line) path() string {
	if l.PathBase64 != nil {
		return string(l.PathBase64)
	}
	return l.Path
}

// scan is what a run printed.
type scan struct {
	whole    bool // there is a summary
	summary  line
	findings map[flaw]bool // those that remain
	fixed    map[flaw]bool
	gaps     map[string]bool
	changes  []line
}

func readScan(text []byte) (*scan, error) {
	s := &scan{findings: make(map[flaw]bool), fixed: make(map[flaw]bool), gaps: make(map[string]bool)}
	for raw := range bytes.Lines(text) {
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			return nil, fmt.Errorf("stdout has the line %q: %w", raw, err)
		}
		f := flaw{l.path(), l.Rule, l.Mode}
		switch l.Type {
		case "start":
		case "finding":
			if l.Rule == "web-untraversable" || l.Rule == "web-unreadable" {
				continue // beside the flaw of the mode, where the machine has an account for a web server
			}
			if s.findings[f] || s.fixed[f] {
				return nil, fmt.Errorf("%q has the finding %s twice", f.path, f.rule)
			}
			if l.Fixed {
				s.fixed[f] = true
			} else {
				s.findings[f] = true
			}
		case "gap":
			s.gaps[l.path()] = true
		case "change":
			s.changes = append(s.changes, l)
		case "summary":
			s.whole, s.summary = true, l
		default:
			return nil, fmt.Errorf("stdout has a line of type %q", l.Type)
		}
	}
	if len(text) > 0 && !s.whole {
		return nil, fmt.Errorf("stdout has no summary")
	}
	return s, nil
}

// journal is what stands in a journal file.
type journal struct {
	intents []line
	done    map[int]line
}

// readJournal leaves a torn last line out, as undo does.
func readJournal(text []byte) (*journal, error) {
	j := &journal{done: make(map[int]line)}
	for raw := range bytes.Lines(text) {
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			if bytes.HasSuffix(text, raw) {
				break
			}
			return nil, fmt.Errorf("the journal has the line %q: %w", raw, err)
		}
		switch l.Type {
		case "intent":
			j.intents = append(j.intents, l)
		case "done":
			j.done[l.ID] = l
		}
	}
	return j, nil
}

// bits reads a mode of four octal digits.
func bits(mode string) uint32 {
	n, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		return ^uint32(0)
	}
	return uint32(n)
}
