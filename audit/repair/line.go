package repair

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
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

func intentLine(id int, s PlannedStep) line {
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

// encode writes l as one line. What a terminal would not print as it is, is
// escaped, so that looking at a journal is harmless.
func (l line) encode(buf *bytes.Buffer) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		if r < utf8.RuneSelf && r != 0x7f || r > 0x7f && unicode.IsPrint(r) {
			buf.Write(raw[:n])
		} else {
			buf.Write(escape(r))
		}
		raw = raw[n:]
	}
	return buf.WriteByte('\n')
}

// escape gives the JSON escape of r.
func escape(r rune) []byte {
	var out []byte
	for _, unit := range utf16.AppendRune(nil, r) {
		out = fmt.Appendf(out, `\u%04x`, unit)
	}
	return out
}
