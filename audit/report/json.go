package report

import (
	"fmt"

	"hostperm/audit"
)

// lines is --format jsonl: each message as a line.
type lines struct{ out *sink }

func newLines(s *sink, _ Options) streamHandler { return &lines{s} }

func (l *lines) start(s audit.Start) error { return l.message(s) }

func (l *lines) message(m audit.Message) error {
	b, err := encode(m)
	if err == nil {
		l.out.text(string(b), "\n")
	}
	return err
}

func (l *lines) end(s audit.Summary, _ bool) error { return l.message(s) }

// document is --format json: one object for a target, one after the other for
// several. The messages are written as they come, each on a line of its own.
type document struct {
	out *sink
	at  section // the list being written
	n   int     // messages in it
}

func newDocument(s *sink, _ Options) streamHandler { return &document{out: s} }

// startPrefix is what tells a start message from the head of a document.
const startPrefix = `{"type":"start",`

func (d *document) start(s audit.Start) error {
	b, err := encode(s)
	if err != nil {
		return err
	}
	if len(b) < len(startPrefix) || string(b[:len(startPrefix)]) != startPrefix {
		return fmt.Errorf("encode the start of the report: %s does not begin with its type", b)
	}
	d.at, d.n = started, 0
	d.out.text("{", string(b[len(startPrefix):len(b)-1]))
	return nil
}

func (d *document) message(m audit.Message) error {
	b, err := encode(m)
	if err != nil {
		return err
	}
	switch m.(type) {
	case audit.Finding:
		d.open(findings)
	case audit.Gap:
		d.open(gaps)
	default:
		d.open(changes)
	}
	if d.n++; d.n > 1 {
		d.out.text(",")
	}
	d.out.text("\n", string(b))
	return nil
}

// open closes the list being written and opens those up to the one wanted.
func (d *document) open(want section) {
	for d.at < want {
		if d.at > started {
			d.out.text("]")
		}
		d.at++
		d.n = 0
		d.out.text(",\n", `"`, listNames[d.at], `":[`)
	}
}

var listNames = [...]string{findings: "findings", gaps: "gaps", changes: "changes"}

func (d *document) end(s audit.Summary, _ bool) error {
	b, err := encode(s)
	if err != nil {
		return err
	}
	d.open(changes)
	d.out.text("],\n", `"summary":`, string(b), "}\n")
	return nil
}

func encode(m audit.Message) ([]byte, error) {
	b, err := audit.EncodeMessage(m)
	if err != nil {
		return nil, fmt.Errorf("encode the report: %w", err)
	}
	return b, nil
}
