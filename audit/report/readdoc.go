package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"hostperm/audit"
)

// docReader reads the values of a JSON document one by one, none longer than
// maxLine, and knows the line that it has come to.
type docReader struct {
	*json.Decoder
	in *meteredReader
}

// meteredReader ends when too much was read since the last reset, and keeps
// the offsets of newlines that the decoder has not come to.
type meteredReader struct {
	r        io.Reader
	left     int
	offset   int64
	newlines []int64
}

var errTooLong = fmt.Errorf("a value is longer than %d MiB, which no scan has", maxLine>>20)

func (m *meteredReader) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errTooLong
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	for i, c := range p[:n] {
		if c == '\n' {
			m.newlines = append(m.newlines, m.offset+int64(i))
		}
	}
	m.offset += int64(n)
	return n, err
}

// documents replays the output of --format json.
func (p *replay) documents(r io.Reader, line int) error {
	m := &meteredReader{r: r, left: maxLine}
	d := docReader{json.NewDecoder(m), m}
	p.line = line
	for {
		open, err := p.token(d)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return p.failed(d, err)
		}
		if open != json.Delim('{') {
			return fmt.Errorf("line %d: neither a JSON document nor JSON lines of hostperm", p.line)
		}
		if err := p.document(d); err != nil {
			return err
		}
	}
}

// failed words an error of the decoder.
func (p *replay) failed(d docReader, err error) error {
	p.advance(d)
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("line %d: the file ends in the middle of the document: it is incomplete: %w",
			p.line, io.ErrUnexpectedEOF)
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: not a JSON document: %w", p.line, err)
	}
	return fmt.Errorf("line %d: %w", p.line, err)
}

// advance counts the lines that the decoder has left behind.
func (p *replay) advance(d docReader) {
	at := d.InputOffset()
	n, _ := slices.BinarySearch(d.in.newlines, at)
	d.in.newlines = slices.Delete(d.in.newlines, 0, n)
	p.line += n
	d.in.left = maxLine
}

func (p *replay) token(d docReader) (json.Token, error) {
	t, err := d.Token()
	if err == nil {
		p.advance(d)
	}
	return t, err
}

func (p *replay) value(d docReader) (json.RawMessage, error) {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return nil, p.failed(d, err)
	}
	p.advance(d)
	return raw, nil
}

// document replays one object whose brace is read. Its head comes first, so
// that nothing has to be held but the summary: that goes out when the object is
// known to have ended.
func (p *replay) document(d docReader) error {
	head := []byte(`{"type":"start"`)
	var summary audit.Message
	for d.More() {
		key, err := p.token(d)
		if err != nil {
			return p.failed(d, err)
		}
		name, _ := key.(string)
		known := slices.Contains([]string{"findings", "gaps", "changes", "summary"}, name)
		if known && head != nil {
			if err := p.start(head); err != nil {
				return err
			}
			head = nil
		}
		switch {
		case name == "summary" && summary != nil:
			return fmt.Errorf("line %d: a second summary", p.line)
		case name == "summary":
			summary, err = p.element(d, name)
		case known:
			err = p.list(d, name)
		default:
			head, err = p.other(d, head, name)
		}
		if err != nil {
			return err
		}
	}
	if _, err := p.token(d); err != nil {
		return p.failed(d, err)
	}
	if summary == nil {
		return fmt.Errorf("line %d: a document without a summary is no scan", p.line)
	}
	return p.message(summary, p.line)
}

// other reads a member that is no message: one of the head, or, after it, one
// that is not known.
func (p *replay) other(d docReader, head []byte, name string) ([]byte, error) {
	raw, err := p.value(d)
	if err != nil || head == nil || name == "type" {
		return head, err
	}
	if len(head)+len(raw) > maxLine {
		return nil, fmt.Errorf("line %d: %w", p.line, errTooLong)
	}
	quoted, err := json.Marshal(name)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	head = append(append(head, ','), quoted...)
	return append(append(head, ':'), raw...), nil
}

func (p *replay) start(head []byte) error {
	m, err := audit.DecodeMessage(append(head, '}'))
	if err != nil {
		return fmt.Errorf("line %d: the head of the document, which comes before its lists: %w", p.line, err)
	}
	return p.message(m, p.line)
}

func (p *replay) list(d docReader, name string) error {
	open, err := p.token(d)
	if err != nil {
		return p.failed(d, err)
	}
	if open != json.Delim('[') {
		return fmt.Errorf("line %d: %s is not a list", p.line, name)
	}
	for d.More() {
		m, err := p.element(d, name)
		if err != nil {
			return err
		}
		if err := p.message(m, p.line); err != nil {
			return err
		}
	}
	if _, err := p.token(d); err != nil {
		return p.failed(d, err)
	}
	return nil
}

// element reads one message of a list, or the summary.
func (p *replay) element(d docReader, name string) (audit.Message, error) {
	raw, err := p.value(d)
	if err != nil {
		return nil, err
	}
	var m audit.Message
	switch name {
	case "findings":
		m, err = decodeAs[audit.Finding](raw)
	case "gaps":
		m, err = decodeAs[audit.Gap](raw)
	case "changes":
		m, err = decodeAs[audit.Change](raw)
	default:
		m, err = decodeAs[audit.Summary](raw)
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return m, nil
}

func decodeAs[M audit.Message](raw []byte) (audit.Message, error) {
	var m M
	err := json.Unmarshal(raw, &m)
	return m, err
}
