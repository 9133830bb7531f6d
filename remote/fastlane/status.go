package fastlane

import (
	"errors"
	"fmt"
)

// Status codes, section 7 of the draft.
const (
	codeOK               = 0
	codeEOF              = 1
	codeNoSuchFile       = 2
	codePermissionDenied = 3
	codeFailure          = 4
	codeBadMessage       = 5
	codeOpUnsupported    = 8
)

// ErrProtocol is wrapped by the error of a session in which the server sent
// what SFTP does not allow.
var ErrProtocol = errors.New("the server broke the SFTP protocol")

// What a StatusError is, for errors.Is.
var (
	ErrEOF              = &StatusError{Code: codeEOF}
	ErrNoSuchFile       = &StatusError{Code: codeNoSuchFile}
	ErrPermissionDenied = &StatusError{Code: codePermissionDenied}
	ErrFailure          = &StatusError{Code: codeFailure}
	ErrUnsupported      = &StatusError{Code: codeOpUnsupported}
)

var codeNames = [...]string{
	codeOK:               "ok",
	codeEOF:              "end of file",
	codeNoSuchFile:       "no such file",
	codePermissionDenied: "permission denied",
	codeFailure:          "failure",
	codeBadMessage:       "bad message",
	6:                    "no connection",
	7:                    "connection lost",
	codeOpUnsupported:    "operation unsupported",
}

// maxMessage is how much of a server's error text is kept, in bytes.
const maxMessage = 256

// StatusError is a STATUS reply other than OK.
type StatusError struct {
	Code    uint32
	Message string // the server's own words, at most 256 bytes, not quoted
}

// Error names the code, and quotes the message where it says more.
func (e *StatusError) Error() string {
	name := fmt.Sprintf("status %d", e.Code)
	if int64(e.Code) < int64(len(codeNames)) {
		name = codeNames[e.Code]
	}
	if e.Message == "" || saysNoMore(e.Message, name) {
		return name
	}
	return fmt.Sprintf("%s (the server says %q)", name, e.Message)
}

// saysNoMore reports whether message has no more letters than name, whatever
// their case: "Permission denied" adds nothing to "permission denied".
func saysNoMore(message, name string) bool {
	if len(message) != len(name) {
		return false
	}
	for i := range len(name) {
		if message[i]|0x20 != name[i]|0x20 {
			return false
		}
	}
	return true
}

// Is reports whether target is a StatusError of the same code without a
// message, as the sentinels of this package are.
func (e *StatusError) Is(target error) bool {
	t, ok := target.(*StatusError)
	return ok && t.Code == e.Code && t.Message == ""
}
