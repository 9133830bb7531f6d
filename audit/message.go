package audit

import (
	"hostperm/policy"
	"hostperm/remote"
	"time"
)

// Message is one of Start, Finding, Gap, Change and Summary: the stream that
// renderers receive, in this order, and the lines of --format jsonl.
type Message interface{ message() }

// Handler receives the messages of one audit: one Start, then findings sorted
// by path and rule, gaps sorted by path, changes, and one Summary.
type Handler interface {
	Handle(Message) error
}

// Start opens the stream of one target.
type Start struct {
	Protocol int // ProtocolVersion
	Tool     string
	Version  string
	Target   string // as given: [user@]host
	Root     string // absolute, resolved
	Profile  string
	Started  time.Time
	Notice   string // what to know before the rest, in words; "": nothing

	// Recognised are the profiles among Profile's that nobody asked for, each with
	// what it was recognised by.
	Recognised []policy.Recognition
	// Notes say what the audit took for granted, and what it could not see that is
	// no part of the web root: each one sentence.
	Notes []string
}

// ProtocolVersion is the version of the message stream.
const ProtocolVersion = 1

// Finding is a policy.Finding with the entry it is about.
type Finding struct {
	Path       string // relative to Root, "." for the root itself; bytes as the server sent them
	Kind       policy.Kind
	Rule       string
	Severity   policy.Severity
	Mode       policy.Mode
	ModeKnown  bool        // false: the server sent no mode; JSON "mode" is then ""
	Want       policy.Mode // JSON "want" is "" where Change is None
	Change     policy.Direction
	UID, GID   uint32
	OwnerKnown bool // false: the server sent no owner; JSON "uid" and "gid" are then left out
	Detail     string
	Held       string // why no repair makes the change: it could be one of another entry; "": it may
	Fixed      bool   // a second audit, after changes, did not find it any more

	// What follows is not part of the protocol: what the server said when it was
	// audited, for a repair to compare with, and the bits that this rule by itself
	// wants to be cleared and set, for a repair to give the reason of each.
	Attr       remote.Attr
	Clear, Set policy.Mode
}

// Gap is a place that could not be seen.
type Gap struct {
	Path  string
	Error string
}

// Change is one change of mode: planned, or what came of it.
type Change struct {
	Path   string
	From   policy.Mode
	To     policy.Mode
	Status Status
	Detail string
}

// Status is what came of a change.
type Status string

const (
	Planned   Status = "planned"
	Applied   Status = "applied"
	Refused   Status = "refused"   // hostperm did not try, or stopped: it could not be done safely
	Failed    Status = "failed"    // tried, and the server said no or did not do it
	Unchanged Status = "unchanged" // nothing to do: it already had the mode, or it was changed since and left alone
)

// Summary closes the stream of one target.
type Summary struct {
	Dirs, Files, Symlinks, Other int64
	Excluded                     int64 // entries left out by --exclude
	Ignored                      int64 // findings that the policy ignores; Findings does not count them
	Findings                     Counts
	Remaining                    Counts // what a second audit found after changes; equal to Findings without one
	Gaps                         int
	Changes                      map[Status]int
	Complete                     bool
	Interrupted                  bool
	Seconds                      float64
	Checks                       []Check // pages that were fetched around a repair
}

// Check is what became of a page of the site around a repair: the status of each
// answer, or why there was none, in words that a server may have chosen.
type Check struct {
	URL    string `json:"url"`
	Before string `json:"before"`
	After  string `json:"after"`
	Undone string `json:"undone,omitempty"` // once everything was put back; "": it was not
}

// Counts is a number of findings by severity.
type Counts struct {
	Critical int `json:"critical"`
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
}

func (Start) message()   {}
func (Finding) message() {}
func (Gap) message()     {}
func (Change) message()  {}
func (Summary) message() {}

// AtLeast counts the findings of a severity or worse.
func (c Counts) AtLeast(s policy.Severity) int {
	n := c.Critical
	if s <= policy.High {
		n += c.High
	}
	if s <= policy.Medium {
		n += c.Medium
	}
	if s <= policy.Low {
		n += c.Low
	}
	return n
}

// Add counts one finding.
func (c *Counts) Add(s policy.Severity) {
	switch s {
	case policy.Critical:
		c.Critical++
	case policy.High:
		c.High++
	case policy.Medium:
		c.Medium++
	case policy.Low:
		c.Low++
	}
}
