package remote

import "errors"

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
