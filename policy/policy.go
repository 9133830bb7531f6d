// Package policy decides: given one entry of a web root, it says which rules
// the entry breaks, how badly, and which mode it should have instead. It is
// pure: it does no input or output but to parse what it is given, keeps no state
// between entries, and a Policy may be used by several goroutines at once.
//
// # Policy files
//
// What is expected of entries stands in policy files: YAML, held to the JSON
// Schema that Schema gives. The built-in profiles are such files. A line of
// expect has patterns (see ValidatePattern) and speaks of the mode of files, of
// that of directories, of the owner, or of the group. For each of these the
// first line decides that matches an entry and speaks of it; what no line speaks
// of is not looked at.
//
// Exact modes are a wanted one and others that are right too. The nine
// permission bits are compared; a special bit of the expected mode has to be
// there, and one more is no matter. A mode that is not right goes to the wanted
// one if that only takes bits away, or else to the other that only takes bits
// away and leaves the most, or else to the wanted one. Of a secret, by its name
// or because its line says so, bits are only ever taken, and read bits of group
// and others only once it is known that nobody who runs the site needs them: PHP
// runs as the owner (web.php: account), or the web server's user is known and
// not concerned.
//
// # Which line comes first
//
// A policy is made of several files: those given, and what they extend. Their
// lines are put in one order:
//
//  1. A file without a layer, which is somebody's own, comes before all profiles.
//     It comes before what it extends, and of two it extends the first named does.
//  2. In the layers, lines for secrets come first.
//  3. Then the host (layer host: who serves the files and runs the code): it
//     speaks of the web root itself, of roles, and of owners.
//  4. Then the application: it speaks of its paths, and says which of them have a
//     role, such as what it writes itself.
//  5. Then the base: what is expected when nobody says anything else.
//
// So wordpress+cpanel and cpanel+wordpress are the same. Where two files of one
// layer, neither of which extends the other, say different things of the same
// pattern, and nothing before them does, neither has the better claim: that is an
// error, and an own file can decide. The same holds for severities and for who
// serves.
//
// A recognised profile (Options.Recognised) is a guess, and only adds to what it
// knows: its lines for "**" are left out, and what it says of PHP.
//
// # Who reads and writes
//
// Rules that need to know who serves the files, see Identity and Way, speak
// where somebody says who that is, or where the server's accounts suggest it
// (Options.Guessed). They say what the web server can do, whatever other rules
// say of the same entry, and propose only modes that the policy has for it. No
// reader is taken from a secret because of a guess.
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
