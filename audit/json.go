package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"hostperm/policy"
)

// EncodeMessage gives a message as one line of the protocol, without the line's
// end: a JSON object (RFC 8259) whose first member is "type". Bytes of a text
// that are not UTF-8 become U+FFFD; a path has them in "path_base64" besides,
// and the root in "root_base64" (RFC 4648, section 4). The characters <, > and &
// stand for themselves, which json.Marshal would not leave them; a character that does
// not print is always escaped, so that a line does no harm on a terminal.
func EncodeMessage(m Message) ([]byte, error) {
	switch m := m.(type) { // the most frequent, without a detour through encoding/json
	case Finding:
		return m.MarshalJSON()
	case Change:
		return m.MarshalJSON()
	}
	return encodeLine(m)
}

func encodeLine(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return escapeUnprintable(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// escapeUnprintable escapes what encoding/json leaves as it is in strings, and
// a terminal may act on: DEL, the C1 controls, bidirectional overrides.
func escapeUnprintable(line []byte) []byte {
	if !slices.ContainsFunc(line, func(b byte) bool { return b >= 0x7f }) || bytes.IndexFunc(line, unprintable) < 0 {
		return line
	}
	out := make([]byte, 0, len(line)+16)
	for _, r := range string(line) {
		if !unprintable(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

func unprintable(r rune) bool { return r >= 0x7f && !unicode.IsPrint(r) }

// The names that "type" gives to messages.
const (
	typeStart   = "start"
	typeFinding = "finding"
	typeGap     = "gap"
	typeChange  = "change"
	typeSummary = "summary"
)

// The wire types have the members of the protocol in their order. A member that
// came later stands at the end, but for those that belong to the one before.
type (
	startWire struct {
		Type       string `json:"type"`
		Protocol   int    `json:"protocol"`
		Tool       string `json:"tool"`
		Version    string `json:"version"`
		Target     string `json:"target"`
		Root       string `json:"root"`
		RootBase64 string `json:"root_base64,omitempty"`
		Profile    string `json:"profile"`
		Started    string `json:"started"` // UTC, RFC 3339, whole seconds
		Notice     string `json:"notice,omitempty"`

		Recognised []policy.Recognition `json:"recognised,omitempty"`
		Notes      []string             `json:"notes,omitempty"`
	}
	findingWire struct {
		Type       string  `json:"type"`
		Path       string  `json:"path"`
		PathBase64 string  `json:"path_base64,omitempty"`
		Kind       string  `json:"kind"`
		Rule       string  `json:"rule"`
		Severity   string  `json:"severity"`
		Mode       string  `json:"mode"` // "": not known
		Want       string  `json:"want"` // "": no change is proposed
		Change     string  `json:"change"`
		UID        *uint32 `json:"uid,omitempty"` // left out with gid: not known
		GID        *uint32 `json:"gid,omitempty"`
		Detail     string  `json:"detail"`
		Fixed      bool    `json:"fixed,omitempty"`
		Held       string  `json:"held,omitempty"`
	}
	gapWire struct {
		Type       string `json:"type"`
		Path       string `json:"path"`
		PathBase64 string `json:"path_base64,omitempty"`
		Error      string `json:"error"`
	}
	changeWire struct {
		Type       string `json:"type"`
		Path       string `json:"path"`
		PathBase64 string `json:"path_base64,omitempty"`
		From       string `json:"from"`
		To         string `json:"to"`
		Status     Status `json:"status"`
		Detail     string `json:"detail"`
	}
	summaryWire struct {
		Type        string         `json:"type"`
		Dirs        int64          `json:"dirs"`
		Files       int64          `json:"files"`
		Symlinks    int64          `json:"symlinks"`
		Other       int64          `json:"other"`
		Findings    Counts         `json:"findings"`
		Gaps        int            `json:"gaps"`
		Changes     map[Status]int `json:"changes"`
		Complete    bool           `json:"complete"`
		Seconds     float64        `json:"seconds"`
		Remaining   *Counts        `json:"remaining"` // may be missing when read: as findings
		Excluded    int64          `json:"excluded"`
		Interrupted bool           `json:"interrupted"`
		Ignored     int64          `json:"ignored,omitempty"`
		Checks      []Check        `json:"checks,omitempty"`
	}
)

// MarshalJSON follows the protocol; see EncodeMessage.
func (s Start) MarshalJSON() ([]byte, error) {
	started := s.Started.UTC()
	if !printableYear(started) {
		return nil, errors.New("the time of the start has no year of four digits")
	}
	root, raw := wirePath(s.Root)
	return encodeLine(startWire{Type: typeStart, Protocol: s.Protocol, Tool: s.Tool, Version: s.Version, Target: s.Target,
		Root: root, RootBase64: raw, Profile: s.Profile, Started: started.Format(time.RFC3339), Notice: s.Notice,
		Recognised: s.Recognised, Notes: s.Notes})
}

// printableYear reports whether RFC 3339 can express a time in UTC.
func printableYear(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }

// messageSize is more than most messages take.
const messageSize = 320

// MarshalJSON follows the protocol; see EncodeMessage. Findings and changes are
// many, so they are put together here, without a detour through encoding/json,
// in the form that findingWire and changeWire have there.
func (f Finding) MarshalJSON() ([]byte, error) {
	b := appendHead(make([]byte, 0, messageSize), typeFinding, f.Path)
	b = appendMember(b, "kind", f.Kind.String())
	b = appendMember(b, "rule", f.Rule)
	b = appendMember(b, "severity", f.Severity.String())
	mode, want := "", ""
	if f.ModeKnown {
		mode = f.Mode.String()
	}
	if f.Change != policy.None {
		want = f.Want.String()
	}
	b = appendMember(b, "mode", mode)
	b = appendMember(b, "want", want)
	b = appendMember(b, "change", string(f.Change))
	if f.OwnerKnown {
		b = strconv.AppendUint(append(b, `,"uid":`...), uint64(f.UID), 10)
		b = strconv.AppendUint(append(b, `,"gid":`...), uint64(f.GID), 10)
	}
	b = appendMember(b, "detail", f.Detail)
	if f.Fixed {
		b = append(b, `,"fixed":true`...)
	}
	if f.Held != "" {
		b = appendMember(b, "held", f.Held)
	}
	return append(b, '}'), nil
}

// appendHead begins a message about a path.
func appendHead(b []byte, kind, path string) []byte {
	b = append(b, `{"type":`...)
	b = AppendText(b, kind)
	text, raw := wirePath(path)
	b = appendMember(b, "path", text)
	if raw != "" {
		b = appendMember(b, "path_base64", raw)
	}
	return b
}

// MarshalJSON follows the protocol; see EncodeMessage.
func (g Gap) MarshalJSON() ([]byte, error) {
	path, raw := wirePath(g.Path)
	return encodeLine(gapWire{Type: typeGap, Path: path, PathBase64: raw, Error: g.Error})
}

// MarshalJSON follows the protocol; see EncodeMessage.
func (c Change) MarshalJSON() ([]byte, error) {
	b := appendHead(make([]byte, 0, messageSize), typeChange, c.Path)
	b = appendMember(b, "from", c.From.String())
	b = appendMember(b, "to", c.To.String())
	b = appendMember(b, "status", string(c.Status))
	return append(appendMember(b, "detail", c.Detail), '}'), nil
}

// MarshalJSON follows the protocol; see EncodeMessage.
func (s Summary) MarshalJSON() ([]byte, error) {
	changes := s.Changes
	if changes == nil {
		changes = map[Status]int{}
	}
	return encodeLine(summaryWire{Type: typeSummary, Dirs: s.Dirs, Files: s.Files, Symlinks: s.Symlinks, Other: s.Other,
		Findings: s.Findings, Gaps: s.Gaps, Changes: changes, Complete: s.Complete, Seconds: s.Seconds,
		Remaining: &s.Remaining, Excluded: s.Excluded, Interrupted: s.Interrupted, Ignored: s.Ignored, Checks: s.Checks})
}

// wirePath gives a path as text, and in base64 if the text does not say it all.
func wirePath(path string) (text, raw string) {
	if utf8.ValidString(path) {
		return path, ""
	}
	return string([]rune(path)), base64.StdEncoding.EncodeToString([]byte(path))
}

// pathOf is the inverse of wirePath.
func pathOf(text, raw string) (string, error) {
	if raw == "" {
		return text, nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(raw)
	if err != nil {
		return "", fmt.Errorf("the path's base64: %w", err)
	}
	if string([]rune(string(b))) != text {
		return "", errors.New("the path and its base64 are not the same")
	}
	return string(b), nil
}
