package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hostperm/policy"
)

// ErrUnknownMessage is the error, to be found with errors.Is, for a line whose
// type this version does not know. A reader skips it: a stream stays valid
// without what is not one of Message's types.
var ErrUnknownMessage = errors.New("unknown type of message")

// DecodeMessage reads one line of the protocol, the inverse of EncodeMessage. A
// member that it does not know is ignored. A path, a rule, a mode or a word that
// is missing or makes no sense is an error, as is a Start of another protocol
// than ProtocolVersion. A line that is not JSON, or has no type, is one too.
func DecodeMessage(line []byte) (Message, error) {
	var head struct {
		Type *string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("not a message: %w", err)
	}
	if head.Type == nil {
		return nil, errors.New("not a message: it has no type")
	}
	switch *head.Type {
	case typeStart:
		return decode[Start](line)
	case typeFinding:
		return decode[Finding](line)
	case typeGap:
		return decode[Gap](line)
	case typeChange:
		return decode[Change](line)
	case typeSummary:
		return decode[Summary](line)
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownMessage, *head.Type)
}

func decode[M Message](line []byte) (Message, error) {
	var m M
	if err := json.Unmarshal(line, &m); err != nil {
		return nil, err
	}
	return m, nil
}

// unmarshal reads a wire type whose "type", which a list inside a document may
// leave out, is at typ.
func unmarshal(data []byte, wire any, typ *string, name string) error {
	if err := json.Unmarshal(data, wire); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if *typ != "" && *typ != name {
		return fmt.Errorf("%s: the type is %q", name, *typ)
	}
	return nil
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (s *Start) UnmarshalJSON(data []byte) error {
	var w startWire
	if err := unmarshal(data, &w, &w.Type, typeStart); err != nil {
		return err
	}
	if w.Protocol != ProtocolVersion {
		return fmt.Errorf("start: this is protocol %d, and only %d is understood", w.Protocol, ProtocolVersion)
	}
	root, err := pathOf(w.Root, w.RootBase64)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	started, err := time.Parse(time.RFC3339, w.Started)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if started = started.UTC().Truncate(time.Second); !printableYear(started) {
		return errors.New("start: the time has no year of four digits")
	}
	*s = Start{Protocol: w.Protocol, Tool: w.Tool, Version: w.Version, Target: w.Target, Root: root,
		Profile: w.Profile, Started: started, Recognised: w.Recognised, Notice: w.Notice, Notes: w.Notes}
	return nil
}

// UnmarshalJSON is the inverse of MarshalJSON. Attr, which is no part of the
// protocol, is left empty.
func (f *Finding) UnmarshalJSON(data []byte) error {
	var w findingWire
	if err := unmarshal(data, &w, &w.Type, typeFinding); err != nil {
		return err
	}
	got, err := w.finding()
	if err != nil {
		return fmt.Errorf("finding: %w", err)
	}
	*f = got
	return nil
}

func (w *findingWire) finding() (Finding, error) {
	f := Finding{Rule: w.Rule, Detail: w.Detail, Fixed: w.Fixed, Held: w.Held}
	var errs [5]error
	f.Path, errs[0] = entryPath(w.Path, w.PathBase64)
	f.Kind, errs[1] = policy.ParseKind(w.Kind)
	f.Severity, errs[2] = policy.ParseSeverity(w.Severity)
	f.Mode, f.ModeKnown, errs[3] = optionalMode(w.Mode)
	f.Change, f.Want, errs[4] = w.proposal(f.ModeKnown)
	if err := firstOf(errs[:]); err != nil {
		return f, err
	}
	if f.Rule == "" {
		return f, errors.New("it has no rule")
	}
	if (w.UID == nil) != (w.GID == nil) {
		return f, errors.New("it has one of uid and gid without the other")
	}
	if w.UID != nil {
		f.UID, f.GID, f.OwnerKnown = *w.UID, *w.GID, true
	}
	return f, nil
}

// firstOf gives the first error: a message is about one thing.
func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// proposal reads what a finding wants done.
func (w *findingWire) proposal(modeKnown bool) (policy.Direction, policy.Mode, error) {
	change := policy.Direction(w.Change)
	want, wanted, err := optionalMode(w.Want)
	switch change {
	case policy.Tighten, policy.Loosen, policy.Mixed:
		if err == nil && !(wanted && modeKnown) {
			err = errors.New("a change needs both mode and want")
		}
	case policy.None:
		if err == nil && wanted {
			err = errors.New("it wants a mode without a change")
		}
	default:
		err = fmt.Errorf("%q is not a change: tighten, loosen, mixed or none", w.Change)
	}
	return change, want, err
}

func optionalMode(s string) (policy.Mode, bool, error) {
	if s == "" {
		return 0, false, nil
	}
	m, err := wireMode(s)
	return m, err == nil, err
}

// wireMode reads a mode of exactly four octal digits.
func wireMode(s string) (policy.Mode, error) {
	m, err := policy.ParseMode(s)
	if err == nil && len(s) != 4 {
		err = fmt.Errorf("%q is not a mode of four octal digits", s)
	}
	return m, err
}

// entryPath reads the path of an entry, which is never empty.
func entryPath(text, raw string) (string, error) {
	path, err := pathOf(text, raw)
	if err == nil && path == "" {
		err = errors.New("it has no path")
	}
	return path, err
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (g *Gap) UnmarshalJSON(data []byte) error {
	var w gapWire
	if err := unmarshal(data, &w, &w.Type, typeGap); err != nil {
		return err
	}
	path, err := entryPath(w.Path, w.PathBase64)
	if err != nil {
		return fmt.Errorf("gap: %w", err)
	}
	*g = Gap{Path: path, Error: w.Error}
	return nil
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (c *Change) UnmarshalJSON(data []byte) error {
	var w changeWire
	if err := unmarshal(data, &w, &w.Type, typeChange); err != nil {
		return err
	}
	var errs [4]error
	got := Change{Status: w.Status, Detail: w.Detail}
	got.Path, errs[0] = entryPath(w.Path, w.PathBase64)
	got.From, errs[1] = wireMode(w.From)
	got.To, errs[2] = wireMode(w.To)
	errs[3] = checkStatus(w.Status)
	if err := firstOf(errs[:]); err != nil {
		return fmt.Errorf("change: %w", err)
	}
	*c = got
	return nil
}

func checkStatus(s Status) error {
	switch s {
	case Planned, Applied, Refused, Failed, Unchanged:
		return nil
	}
	return fmt.Errorf("%q is not a status: planned, applied, refused, failed or unchanged", string(s))
}

// UnmarshalJSON is the inverse of MarshalJSON. A line without "remaining" is of
// an audit that changed nothing.
func (s *Summary) UnmarshalJSON(data []byte) error {
	var w summaryWire
	if err := unmarshal(data, &w, &w.Type, typeSummary); err != nil {
		return err
	}
	if w.Remaining == nil {
		w.Remaining = &w.Findings
	}
	if err := w.check(); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	*s = Summary{Dirs: w.Dirs, Files: w.Files, Symlinks: w.Symlinks, Other: w.Other, Excluded: w.Excluded,
		Findings: w.Findings, Remaining: *w.Remaining, Gaps: w.Gaps, Changes: w.Changes,
		Complete: w.Complete, Interrupted: w.Interrupted, Ignored: w.Ignored, Seconds: w.Seconds, Checks: w.Checks}
	return nil
}

func (w *summaryWire) check() error {
	least := min(w.Dirs, w.Files, w.Symlinks, w.Other, w.Excluded, w.Ignored, int64(w.Gaps))
	for _, c := range []Counts{w.Findings, *w.Remaining} {
		least = min(least, int64(min(c.Critical, c.High, c.Medium, c.Low)))
	}
	for status, n := range w.Changes {
		if err := checkStatus(status); err != nil {
			return err
		}
		least = min(least, int64(n))
	}
	if least < 0 || w.Seconds < 0 {
		return errors.New("a count is negative")
	}
	return nil
}
