package remote

import (
	"hostperm/remote/fastlane"
	"sync/atomic"
)

// Attr is what a server says of an entry; see fastlane.Attr.
type Attr = fastlane.Attr

// Dir is a directory that a walk lists. It stays in memory only while it, or a
// directory below it, is still to be listed.
type Dir struct {
	Parent *Dir   // nil for the root
	Path   string // relative to the root, "." for the root itself; bytes as the server sent them
	Attr   Attr
	Value  any // the visitor's own; set when the directory itself is visited
}

// Entry is one name in a directory. It is valid only during the visit.
type Entry struct {
	Name []byte // one component, "." for the root itself; never empty, "..", or with a slash or NUL below it
	Attr Attr
	Dir  *Dir // non-nil if the entry is a directory, which will be listed if the visitor says so
}

// Visitor receives what a walk finds. Calls never overlap, and a directory's
// own entry comes before those inside it.
type Visitor struct {
	// Entry gets each entry with the directory that holds it (nil for the root
	// itself). For a directory, the result says whether to list it.
	Entry func(parent *Dir, e *Entry) (descend bool)
	// Gap gets each place that could not be seen: path is relative to the root.
	Gap func(path string, err error)
}

// Progress counts a running walk. Its fields may be read while the walk runs.
type Progress struct {
	Listed  atomic.Int64 // directories listed to the end
	Waiting atomic.Int64 // directories known and not yet listed to the end
	Entries atomic.Int64 // entries seen
}

// WalkOptions tune a walk; the zero value is right for most.
type WalkOptions struct {
	From     []string  // directories to start at, relative to the root; empty: the root
	Window   int       // directories open at once on the server; 0: automatic
	Progress *Progress // may be nil
}
