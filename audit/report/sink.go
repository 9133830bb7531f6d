package report

import (
	"bufio"
	"fmt"
	"io"
)

// sink is a buffered writer that keeps the first error and drops everything
// after it.
type sink struct {
	buf  *bufio.Writer
	err  error
	told bool // err has been returned
}

func newSink(w io.Writer) *sink {
	s := &sink{}
	s.buf = bufio.NewWriterSize(w, 64<<10)
	return s
}

// Write never fails: the error is kept for flush and close.
func (s *sink) Write(p []byte) (int, error) {
	if s.err == nil {
		_, s.err = s.buf.Write(p)
	}
	return len(p), nil
}

func (s *sink) text(parts ...string) {
	for _, p := range parts {
		if s.err == nil {
			_, s.err = s.buf.WriteString(p)
		}
	}
}

// check reports the first error, once.
func (s *sink) check() error {
	if s.err == nil || s.told {
		return nil
	}
	s.told = true
	return fmt.Errorf("write the report: %w", s.err)
}

// flush writes what is buffered, so that each stream is out when it ends.
func (s *sink) flush() error {
	if s.err == nil {
		s.err = s.buf.Flush()
	}
	return s.check()
}
