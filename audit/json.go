package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

		Recognised []policy.Recognition `json:"recognised,omitempty"`
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
		Root: root, RootBase64: raw, Profile: s.Profile, Started: started.Format(time.RFC3339), Recognised: s.Recognised})
}

// printableYear reports whether RFC 3339 can express a time in UTC.
func printableYear(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }

// MarshalJSON follows the protocol; see EncodeMessage.
func (f Finding) MarshalJSON() ([]byte, error) {
	path, raw := wirePath(f.Path)
	w := findingWire{Type: typeFinding, Path: path, PathBase64: raw, Kind: f.Kind.String(), Rule: f.Rule,
		Severity: f.Severity.String(), Change: string(f.Change), Detail: f.Detail, Fixed: f.Fixed}
	if f.ModeKnown {
		w.Mode = f.Mode.String()
	}
	if f.Change != policy.None {
		w.Want = f.Want.String()
	}
	if f.OwnerKnown {
		w.UID, w.GID = &f.UID, &f.GID
	}
	return encodeLine(w)
}

// MarshalJSON follows the protocol; see EncodeMessage.
func (g Gap) MarshalJSON() ([]byte, error) {
	path, raw := wirePath(g.Path)
	return encodeLine(gapWire{Type: typeGap, Path: path, PathBase64: raw, Error: g.Error})
}

// MarshalJSON follows the protocol; see EncodeMessage.
func (c Change) MarshalJSON() ([]byte, error) {
	path, raw := wirePath(c.Path)
	return encodeLine(changeWire{Type: typeChange, Path: path, PathBase64: raw, From: c.From.String(), To: c.To.String(),
		Status: c.Status, Detail: c.Detail})
}

// MarshalJSON follows the protocol; see EncodeMessage.
func (s Summary) MarshalJSON() ([]byte, error) {
	changes := s.Changes
	if changes == nil {
		changes = map[Status]int{}
	}
	return encodeLine(summaryWire{Type: typeSummary, Dirs: s.Dirs, Files: s.Files, Symlinks: s.Symlinks, Other: s.Other,
		Findings: s.Findings, Gaps: s.Gaps, Changes: changes, Complete: s.Complete, Seconds: s.Seconds,
		Remaining: &s.Remaining, Excluded: s.Excluded, Interrupted: s.Interrupted, Ignored: s.Ignored})
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
