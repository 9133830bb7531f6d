package repair

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote/fastlane"
)

// journalVersion is the version of the journal's lines. A reader refuses any
// other, since it could not know what it would put back.
const journalVersion = 1

// Header is the first line of a journal: what an undo needs to find the same
// server and the same root again. It holds no secret.
type Header struct {
	Target  string    // as given
	User    string    // that logged in
	Host    string    // that was connected to
	Port    int       // 0: not known
	Root    string    // absolute, resolved by the server
	RootUID *uint32   // owner of the root; nil: not known
	HostKey string    // "SHA256:..."; "": not known
	Version string    // of hostperm
	Started time.Time // UTC
}

// Types of lines.
const (
	typeBegin  = "begin"
	typeIntent = "intent"
	typeDone   = "done"
	typeEnd    = "end"
	typeUndo   = "undo"
	typeUndone = "undone"
)

// outcome is the status of a done or undone line: those of audit.Status, and two
// more.
type outcome string

const (
	outApplied   = outcome(audit.Applied)
	outRefused   = outcome(audit.Refused)
	outFailed    = outcome(audit.Failed)
	outUnchanged = outcome(audit.Unchanged)
	outUnknown   = outcome("unknown") // sent, and not seen what came of it
	outLeft      = outcome("left")    // undone only: changed since, and left alone
)

// line is any line of a journal. Which fields it has depends on Type; a path
// that is not UTF-8 has its bytes in the field that ends in _base64.
type line struct {
	Type string `json:"type"`

	Journal      int     `json:"journal,omitempty"`
	Target       string  `json:"target,omitempty"`
	TargetBase64 string  `json:"target_base64,omitempty"`
	User         string  `json:"user,omitempty"`
	Host         string  `json:"host,omitempty"`
	Port         int     `json:"port,omitempty"`
	Root         string  `json:"root,omitempty"`
	RootBase64   string  `json:"root_base64,omitempty"`
	RootUID      *uint32 `json:"root_uid,omitempty"`
	HostKey      string  `json:"host_key,omitempty"`
	Version      string  `json:"version,omitempty"`
	Started      string  `json:"started,omitempty"`

	ID         int     `json:"id,omitempty"`
	Path       string  `json:"path,omitempty"`
	PathBase64 string  `json:"path_base64,omitempty"`
	Kind       string  `json:"kind,omitempty"`
	From       string  `json:"from,omitempty"`
	To         string  `json:"to,omitempty"`
	UID        *uint32 `json:"uid,omitempty"`
	GID        *uint32 `json:"gid,omitempty"`
	Size       *uint64 `json:"size,omitempty"`
	Mtime      *uint32 `json:"mtime,omitempty"` // seconds since 1970

	Status outcome `json:"status,omitempty"`
	Mode   string  `json:"mode,omitempty"` // as last seen
	Detail string  `json:"detail,omitempty"`
}

func (h Header) line() line {
	l := line{
		Type: typeBegin, Journal: journalVersion, User: h.User, Host: h.Host, Port: h.Port,
		RootUID: h.RootUID, HostKey: h.HostKey, Version: h.Version,
		Started: h.Started.UTC().Format(time.RFC3339Nano),
	}
	l.Target, l.TargetBase64 = text(h.Target)
	l.Root, l.RootBase64 = text(h.Root)
	return l
}

func intentLine(id int, s *PlannedStep) line {
	l := line{
		Type: typeIntent, ID: id, Kind: s.Kind.String(),
		From: s.From.String(), To: s.Target.String(), UID: &s.UID, GID: &s.GID,
	}
	l.Path, l.PathBase64 = text(s.Path)
	if s.Attr.Flags&fastlane.AttrSize != 0 {
		l.Size = &s.Attr.Size
	}
	if s.Attr.Flags&fastlane.AttrACModTime != 0 {
		l.Mtime = &s.Attr.Mtime
	}
	return l
}

// text gives s for a JSON string, and its bytes in base64 if JSON can't hold
// them.
func text(s string) (plain, b64 string) {
	if utf8.ValidString(s) {
		return s, ""
	}
	return strings.ToValidUTF8(s, "\uFFFD"), base64.StdEncoding.EncodeToString([]byte(s))
}

// untext is the inverse of text.
func untext(plain, b64 string) (string, error) {
	if b64 == "" {
		return plain, nil
	}
	raw, err := base64.StdEncoding.DecodeString(b64)
	return string(raw), err
}

// parseMode reads a mode as the journal writes it: four octal digits.
func parseMode(s string) (policy.Mode, error) {
	if len(s) != 4 {
		return 0, fmt.Errorf("%q is not a mode of four octal digits", s)
	}
	return policy.ParseMode(s)
}

// appendTo appends l as one line, in the order of its fields and without those
// that are empty, as encoding/json would do. What a terminal would not print as
// it is, is escaped, so that looking at a journal is harmless.
func (l *line) appendTo(b []byte) []byte {
	b = audit.AppendText(append(b, `{"type":`...), l.Type)
	b = appendNumber(b, "journal", int64(l.Journal))
	b = appendText(b, "target", l.Target)
	b = appendText(b, "target_base64", l.TargetBase64)
	b = appendText(b, "user", l.User)
	b = appendText(b, "host", l.Host)
	b = appendNumber(b, "port", int64(l.Port))
	b = appendText(b, "root", l.Root)
	b = appendText(b, "root_base64", l.RootBase64)
	b = appendKnown(b, "root_uid", l.RootUID)
	b = appendText(b, "host_key", l.HostKey)
	b = appendText(b, "version", l.Version)
	b = appendText(b, "started", l.Started)

	b = appendNumber(b, "id", int64(l.ID))
	b = appendText(b, "path", l.Path)
	b = appendText(b, "path_base64", l.PathBase64)
	b = appendText(b, "kind", l.Kind)
	b = appendText(b, "from", l.From)
	b = appendText(b, "to", l.To)
	b = appendKnown(b, "uid", l.UID)
	b = appendKnown(b, "gid", l.GID)
	b = appendKnown(b, "size", l.Size)
	b = appendKnown(b, "mtime", l.Mtime)

	b = appendText(b, "status", string(l.Status))
	b = appendText(b, "mode", l.Mode)
	b = appendText(b, "detail", l.Detail)
	return append(b, '}', '\n')
}

func appendName(b []byte, name string) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	return append(b, `":`...)
}

func appendText(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return audit.AppendText(appendName(b, name), value)
}

func appendNumber(b []byte, name string, value int64) []byte {
	if value == 0 {
		return b
	}
	return strconv.AppendInt(appendName(b, name), value, 10)
}

func appendKnown[N uint32 | uint64](b []byte, name string, value *N) []byte {
	if value == nil {
		return b
	}
	return strconv.AppendUint(appendName(b, name), uint64(*value), 10)
}
