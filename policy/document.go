package policy

import "slices"

// Document is what one policy file says. Every value keeps its place in the
// file, for messages.
type Document struct {
	Name        string // of the built-in profile, or of the file
	Description string
	Layer       Layer
	Extends     []Ref
	Web         Web
	GroupWrites bool // whoever is in an entry's group may do what its owner may
	Roles       []Role
	Expect      []*Expectation
	Severities  []RuleSeverity
	Ignore      []*Ignore
}

// Layer says what a document speaks of, and so where its lines stand among those
// of others: see the package's documentation.
type Layer uint8

const (
	LayerFile        Layer = iota // somebody's own
	LayerHost                     // who serves the files and runs the code
	LayerApplication              // what lives in the web root
	LayerBase                     // what holds where nobody says anything else
)

var layerNames = [...]string{"", "host", "application", "base"}

// String gives the word of the file format, "" for LayerFile.
func (l Layer) String() string { return layerNames[l] }

func parseLayer(s string) Layer { return Layer(max(slices.Index(layerNames[:], s), 0)) }

// Ref names a built-in profile, or a file relative to the one that names it.
type Ref struct {
	Pos  Position
	Name string
}

// Web says who serves the files and who runs the code.
type Web struct {
	User   Account // the web server's user
	Groups []Account
	PHP    string // phpAccount, phpWeb, or "": not known
}

// Who PHP runs as.
const (
	phpAccount = "account" // the owner of the files
	phpWeb     = "web"     // the web server's user
)

// Account is a user or a group, by name or by number.
type Account struct {
	Pos    Position
	Name   string // "" for a number
	ID     uint32 // where there is no name
	Exists bool   // false: not given
}

// Role is a name for some paths, so that a host can say what holds there without
// knowing the application.
type Role struct {
	Pos      Position
	Name     string
	Patterns []Pattern
}

// Pattern is a glob over paths, as it was written.
type Pattern struct {
	Pos  Position
	Glob string
}

// Expectation is one line of expect: what holds for the entries that it matches.
type Expectation struct {
	Pos      Position
	Patterns []Pattern // or, if there are none,
	Role     string
	Files    *Modes // nil: the line does not speak of it
	Dirs     *Modes
	Owner    []Account // any of them
	Group    []Account
	Secret   bool   // holds credentials, whatever it is called
	Why      string // a source or a reason, for a person
}

// Modes are those that an entry may have: either exact ones, or some bits.
type Modes struct {
	Pos     Position
	Want    string // of four octal digits; "" if bits are given instead
	Allow   []string
	Require string // as ParseBits takes it
	Forbid  string // as ParseForbidden takes it
}

// RuleSeverity says how bad it is that a rule is broken.
type RuleSeverity struct {
	Pos      Position
	Rule     string
	Severity Severity
}

// Ignore takes findings out of the report, and has a reason to.
type Ignore struct {
	Pos      Position
	Patterns []Pattern
	Rules    []string // empty: all of them
	Reason   string
	Until    string // the last day on which it holds, as 2026-12-31; "": for ever
}
