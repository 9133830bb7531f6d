// Package policy decides: given one entry of a web root, it says which rules
// the entry breaks, how badly, and which mode it should have instead. It is
// pure: it does no input or output, keeps no state between entries, and a
// Policy may be used by several goroutines at once.
package policy

// Finding is one rule broken by one entry.
//
// Findings of one entry agree on Want and Change: they describe what the mode
// becomes once every finding of that entry is repaired.
type Finding struct {
	Rule     *Rule
	Severity Severity
	Clear    Mode      // bits that this rule wants removed
	Set      Mode      // bits that this rule wants added
	Want     Mode      // the resulting mode; meaningful only if Change is not None
	Change   Direction // the way from the entry's mode to Want
	Detail   string    // one sentence for a person; it quotes nothing that the server sent

	// Blocker is the path of another entry that causes the finding, relative to
	// the web root and as the server sent it; "" if the entry alone does.
	Blocker string
}

// Direction says what a change of mode does to who can reach an entry.
type Direction string

const (
	None    Direction = "none"    // no change is proposed
	Tighten Direction = "tighten" // only removes bits
	Loosen  Direction = "loosen"  // only adds bits
	Mixed   Direction = "mixed"   // does both
)

// Identity is the user that the web server runs as.
type Identity struct {
	UID  uint32
	GIDs []uint32 // primary and supplementary groups, in any order
}
