package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"hostperm/audit"
)

// maxLine bounds a line of a saved scan, and a value of a document, in bytes. A
// path of 4096 bytes, each escaped, with its base64 form, needs 30 kB.
const maxLine = 16 << 20

// Read replays a saved scan, the output of --format jsonl or --format json, to
// a handler; which of the two it finds out. One file may hold several scans.
// Lines of a type that is not known, such as progress, are skipped.
//
// An error names the line. It is io.ErrUnexpectedEOF if the file ends in the
// middle of a scan: the handler has got what there is, no summary, and a
// renderer shows it as incomplete when it is closed. An error of the handler is
// returned as it is. Read takes no more memory than the longest line, which may
// have 16 MiB.
func Read(r io.Reader, h audit.Handler) error {
	in := bufio.NewReaderSize(r, 64<<10)
	line, messages, err := detect(in)
	if err != nil {
		return err
	}
	p := &replay{h: h}
	if messages {
		err = p.lines(in, line)
	} else {
		err = p.documents(in, line)
	}
	if err != nil {
		return err
	}
	if !p.any {
		return errNoScan
	}
	if p.order.open() {
		return fmt.Errorf("line %d: the file ends before the summary of the scan: it is incomplete: %w",
			p.line, io.ErrUnexpectedEOF)
	}
	return nil
}

// replay hands messages on, in the right order only.
type replay struct {
	h     audit.Handler
	order order
	line  int  // of the last message
	any   bool // there was a message
}

func (p *replay) message(m audit.Message, line int) error {
	p.line, p.any = line, true
	if err := p.order.accept(m); err != nil {
		return fmt.Errorf("line %d: %w", line, err)
	}
	return p.h.Handle(m)
}

var errNoScan = errors.New("there is no scan in the file")

// detect goes to the first line that is not blank, and says whether it is a
// message: a document's first line is not, even if it holds all of it. The
// start of a scan is short, so it is enough to look at what the buffer takes.
func detect(in *bufio.Reader) (line int, messages bool, err error) {
	head, _ := in.Peek(3) // a failed read fails again below
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return 0, false, errors.New("line 1: the file is UTF-16, not UTF-8: a redirection recoded it, --output does not")
	case bytes.Equal(head, []byte("\xef\xbb\xbf")):
		if _, err := in.Discard(len(head)); err != nil {
			return 0, false, err
		}
	}
	for line = 1; ; {
		c, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return 0, false, errNoScan
		case err != nil:
			return 0, false, fmt.Errorf("line %d: read: %w", line, err)
		case c == '\n':
			line++
		case c != ' ' && c != '\t' && c != '\r':
			if err := in.UnreadByte(); err != nil {
				return 0, false, err
			}
			start, _ := in.Peek(in.Size())
			start, _, _ = bytes.Cut(start, []byte("\n"))
			return line, isMessage(start), nil
		}
	}
}

// textLine is a line of input.
type textLine struct {
	text   []byte // without blanks around it
	number int    // from 1
	torn   bool   // no newline at its end
}

// readLine reads a line. At the end of the input, and only there, it is io.EOF.
func readLine(in *bufio.Reader, number int) (textLine, error) {
	l := textLine{number: number}
	var raw []byte
	for {
		part, err := in.ReadSlice('\n')
		raw = append(raw, part...)
		if len(raw) > maxLine {
			return l, fmt.Errorf("line %d: longer than %d MiB, which no scan has", number, maxLine>>20)
		}
		l.text = bytes.TrimSpace(raw)
		switch {
		case err == nil:
			return l, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case !errors.Is(err, io.EOF):
			return l, fmt.Errorf("line %d: read: %w", number, err)
		case len(raw) == 0:
			return l, io.EOF
		default:
			l.torn = true
			return l, nil
		}
	}
}

func isMessage(line []byte) bool {
	var head struct {
		Type *string `json:"type"`
	}
	return json.Unmarshal(line, &head) == nil && head.Type != nil
}

// lines replays jsonl.
func (p *replay) lines(in *bufio.Reader, number int) error {
	for ; ; number++ {
		l, err := readLine(in, number)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.jsonLine(l); err != nil {
			return err
		}
	}
}

func (p *replay) jsonLine(l textLine) error {
	if len(l.text) == 0 {
		return nil
	}
	if !json.Valid(l.text) {
		if l.torn {
			return fmt.Errorf("line %d: the file ends in the middle of the line: it is incomplete: %w",
				l.number, io.ErrUnexpectedEOF)
		}
		return fmt.Errorf("line %d: not a JSON object", l.number)
	}
	m, err := audit.DecodeMessage(l.text)
	if errors.Is(err, audit.ErrUnknownMessage) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", l.number, err)
	}
	return p.message(m, l.number)
}
