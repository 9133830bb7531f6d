package report

import (
	"encoding/base64"
	"encoding/csv"
	"strconv"
	"strings"
	"time"

	"hostperm/audit"
	"hostperm/policy"
)

// sheet is --format csv: RFC 4180 with a header, one row for each message, told
// apart by the first column. The start and the summary are rows too, so that a
// sheet that ends early, or was not complete, shows it.
type sheet struct {
	csv  *csv.Writer
	head audit.Start
	open bool // the header is written
}

func newSheet(s *sink, _ Options) streamHandler { return &sheet{csv: csv.NewWriter(s)} }

// csvHeader names the columns; new ones are added at the end.
func csvHeader() []string {
	return []string{"type", "target", "root", "path", "kind", "rule", "severity", "mode", "want", "change",
		"uid", "gid", "status", "detail", "path_base64"}
}

// csvRow is one row; what a message has nothing for stays empty.
type csvRow struct {
	kind, path                      string
	entry, rule, severity           string
	mode, want, change              string
	uid, gid, status, detail, coded string
}

func (s *sheet) start(m audit.Start) error {
	s.head = m
	if !s.open {
		s.open = true
		if err := s.csv.Write(csvHeader()); err != nil {
			return err
		}
	}
	detail := m.Tool + " " + m.Version + ", profile " + m.Profile + ", started " + m.Started.UTC().Format(time.RFC3339)
	if m.Notice != "" {
		detail += "; " + m.Notice
	}
	return s.write(csvRow{kind: "start", detail: detail})
}

func (s *sheet) message(m audit.Message) error {
	switch m := m.(type) {
	case audit.Finding:
		return s.finding(m)
	case audit.Gap:
		return s.write(csvRow{kind: "gap", path: m.Path, detail: m.Error})
	case audit.Change:
		return s.write(csvRow{kind: "change", path: m.Path, mode: m.From.String(), want: m.To.String(),
			status: string(m.Status), detail: m.Detail})
	}
	return nil
}

func (s *sheet) finding(f audit.Finding) error {
	r := csvRow{kind: "finding", path: f.Path, entry: f.Kind.String(), rule: f.Rule, severity: f.Severity.String(),
		change: string(f.Change), detail: f.Detail}
	if f.Fixed {
		r.status = "fixed"
	}
	if f.Held != "" {
		r.detail += "; held back: " + f.Held
	}
	if f.ModeKnown {
		r.mode = f.Mode.String()
	}
	if f.Change != policy.None {
		r.want = f.Want.String()
	}
	if f.OwnerKnown {
		r.uid = strconv.FormatUint(uint64(f.UID), 10)
		r.gid = strconv.FormatUint(uint64(f.GID), 10)
	}
	return s.write(r)
}

func (s *sheet) end(m audit.Summary, cut bool) error {
	detail := "complete"
	if why := incomplete(m, cut, 0); why != "" {
		detail = "INCOMPLETE, " + why
	}
	if !cut {
		detail += ": " + seen(m) + excludedNote(m.Excluded)
		if note := ignoredNote(m.Ignored); note != "" {
			detail += ", " + note
		}
	}
	detail += "; " + found(m, 0)
	return s.write(csvRow{kind: "summary", detail: detail})
}

func (s *sheet) write(r csvRow) error {
	path := csvText(r.path)
	if path != r.path {
		r.coded = base64.StdEncoding.EncodeToString([]byte(r.path))
	}
	err := s.csv.Write([]string{r.kind, csvText(s.head.Target), csvText(s.head.Root), path, r.entry, csvText(r.rule),
		r.severity, r.mode, r.want, r.change, r.uid, r.gid, r.status, csvText(r.detail), r.coded})
	s.csv.Flush()
	return err
}

// csvText makes one field safe for a spreadsheet. What Quote would not show as
// it is, is quoted; then an apostrophe is put before what a spreadsheet takes
// for a formula: = + - @ (also in their full-width forms) at the start, or
// after quotes and blanks. An empty field stays empty. Where that changed a
// path, the column path_base64 has its bytes. That is for programs, which an
// apostrophe would disturb: it may begin with a +, but of letters, digits, +, /
// and = nothing can be made that calls a function or leaves the sheet.
func csvText(s string) string {
	if s == "" {
		return ""
	}
	if audit.SafeText(s) != s {
		s = audit.Quote(s)
	}
	inner := strings.TrimLeft(s, "\"' ")
	for _, sign := range []string{"=", "+", "-", "@", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(inner, sign) {
			return "'" + s
		}
	}
	return s
}
