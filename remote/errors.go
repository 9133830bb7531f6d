package remote

import (
	"errors"
	"fmt"
	"strconv"
)

// Errors that callers branch on, with errors.Is.
var (
	ErrHostKeyUnknown = errors.New("host key is not known")
	ErrHostKeyChanged = errors.New("host key has changed")
	ErrNoSFTP         = errors.New("the server offers no SFTP")
	ErrPermission     = errors.New("permission denied")
	ErrNotExist       = errors.New("no such file")
	ErrNotDir         = errors.New("not a directory")
	ErrDisconnected   = errors.New("connection lost")
	ErrUsage          = errors.New("wrong usage") // bad input found before any host was contacted
)

// hintError is an error together with what its reader can do next.
type hintError struct {
	error
	hint string
}

func (e hintError) Hint() string  { return e.hint }
func (e hintError) Unwrap() error { return e.error }

// WithHint attaches to err what a person can type or do next.
func WithHint(err error, hint string) error { return hintError{err, hint} }

// Hint gives the hint attached to err or to an error that it wraps, or "".
func Hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// wordedError has its own words, and is found by errors.Is as what it is about:
// the words of a sentinel would only stand in the way of a reader.
type wordedError struct {
	text  string
	about error
}

func (e wordedError) Error() string { return e.text }
func (e wordedError) Unwrap() error { return e.about }

// usagef is an error that wraps ErrUsage.
func usagef(format string, args ...any) error {
	return wordedError{fmt.Sprintf(format, args...), ErrUsage}
}

// maxQuoted is how many bytes of a server's text an error repeats.
const maxQuoted = 300

// printable makes text from elsewhere safe to show: what is not printable is
// escaped as in a Go string, and a long text is cut.
func printable(s string) string {
	if len(s) > maxQuoted {
		s = s[:maxQuoted] + "..."
	}
	q := strconv.QuoteToGraphic(s)
	return q[1 : len(q)-1]
}
