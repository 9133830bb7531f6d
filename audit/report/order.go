package report

import (
	"fmt"

	"hostperm/audit"
)

// order holds a stream to the order that audit.Handler promises.
type order struct {
	at     section // of the last message; none between streams
	closed bool
}

type section uint8

const (
	none section = iota
	started
	findings
	gaps
	changes
)

var sectionNames = [...]string{"nothing", "start", "finding", "gap", "change"}

// open reports whether a stream has begun and has no summary yet.
func (o *order) open() bool { return o.at != none }

func (o *order) end() { o.at = none }

// accept takes the next message, or says why it can't be the next.
func (o *order) accept(m audit.Message) error {
	var next section
	switch m.(type) {
	case audit.Start:
		if o.open() {
			return fmt.Errorf("a start before the summary of the scan before it")
		}
		o.at = started
		return nil
	case audit.Finding:
		next = findings
	case audit.Gap:
		next = gaps
	case audit.Change:
		next = changes
	case audit.Summary:
		if !o.open() {
			return fmt.Errorf("a summary without a start")
		}
		o.at = none
		return nil
	default:
		return fmt.Errorf("a message of unknown type %T", m)
	}
	if !o.open() {
		return fmt.Errorf("a %s without a start", sectionNames[next])
	}
	if next < o.at {
		return fmt.Errorf("a %s after the first %s", sectionNames[next], sectionNames[o.at])
	}
	o.at = next
	return nil
}

// tally counts a stream, for one that ends without a summary.
type tally struct {
	findings audit.Counts
	gaps     int
	changes  map[audit.Status]int
}

func (t *tally) add(m audit.Message) {
	switch m := m.(type) {
	case audit.Finding:
		t.findings.Add(m.Severity)
	case audit.Gap:
		t.gaps++
	case audit.Change:
		if t.changes == nil {
			t.changes = map[audit.Status]int{}
		}
		t.changes[m.Status]++
	}
}

// summary is what is known without the real one: never complete.
func (t *tally) summary() audit.Summary {
	return audit.Summary{Findings: t.findings, Remaining: t.findings, Gaps: t.gaps, Changes: t.changes}
}
