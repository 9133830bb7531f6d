package remote

import (
	"context"
	"sync/atomic"

	"hostperm/remote/fastlane"
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

	shown *shown // what the visitor saw of it; nil: nothing, or it is listed to the end
}

// Entry is one name in a directory. It is valid only during the visit.
type Entry struct {
	Name []byte // one component, "." for the root itself; never empty, "..", or with a slash or NUL below it
	Attr Attr
	Dir  *Dir // non-nil if the entry is a directory, which will be listed if the visitor says so

	// Above marks a directory that lies above one of WalkOptions.From. It is
	// visited so that the chain of Dir is whole, and not listed, whatever the
	// visitor says.
	Above bool
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
	From     []string  // directories to start at, relative to the root; empty: the root. One inside another is walked as part of it
	RootAttr *Attr     // what ResolveRoot saw of the root a moment ago, not to be asked again; nil: ask
	Sessions int       // at most; 0: as Options say
	Window   int       // directories asked for at once in each session; 0: automatic
	Progress *Progress // may be nil
	Known    []Known   // what an earlier walk has listed, in the order of its visits; see ahead

	// WaitForHandles has no handle foreseen; see fastlane.Session.ListWhole.
	WaitForHandles bool
}

// Walk visits root, an absolute path that the server has resolved (see
// ResolveRoot), and everything below it. Symlinks are visited and never
// followed: what is listed is what a listing or LSTAT calls a directory. (The
// server itself follows one that has replaced a directory since; SFTP version
// 3 has no way to forbid it. It cannot lead to a change: see Change.)
//
// Every place that could not be seen is a gap:
//   - a directory that cannot be listed, or only in part;
//   - a name that a server must not send: empty, with a slash or NUL, longer
//     than 1024 bytes (no file system in use allows more than 765), or "." or
//     ".." a second time;
//   - a listing that repeats itself, goes on after its end, has more than
//     10,000,000 entries, 1,000 such names, or 1,000 replies without an entry;
//   - a listing without modes that is more than can be looked at at once;
//   - a path longer than 4095 bytes, which is also what bounds the depth;
//   - an entry whose mode, and so whose type, the server does not tell even to
//     LSTAT: it is visited all the same, with the flag unset, and could be a
//     directory that was not seen;
//   - a component of a From that is no directory now.
//
// A name that comes twice in a listing without the listing repeating itself is
// visited twice: a directory that changes while it is listed does that.
//
// Several sessions take part, opened as work shows up; one that the server
// refuses is no error. Each asks for many directories at once, for more as long
// as that gets more done. Where the server's handles can be foreseen, a small
// directory is opened, listed and closed in one go, which takes one round trip
// and keeps nothing open; see fastlane.Session.ListWhole.
//
// An OPENDIR that fails while others are open is tried again with fewer of
// them before it is a gap: it may be a lack of handles. The number of
// directories open at once shrinks with that, and grows back slowly. What a
// session was doing that ends early is done by the others.
//
// Memory grows with the directories that are open or known and not yet listed,
// not with entries: above some 4,000 waiting ones, the directory found last is
// listed first, and above some 16,000, most open listings pause.
//
// The error is nil when the walk has ended, with or without gaps. Otherwise it
// is ctx's, or about the root, or wraps ErrDisconnected or
// fastlane.ErrProtocol, or says that the walk gave up, at 1,000,000,000 entries
// or 256 MiB of directories that wait: the walk is then not whole.
func (c *Client) Walk(ctx context.Context, root string, v Visitor, o WalkOptions) error {
	starts, err := cleanStarts(o.From)
	if err != nil {
		return err
	}
	if o.Sessions <= 0 {
		o.Sessions = c.most
	}
	o.WaitForHandles = o.WaitForHandles || !c.conn.server().isOpenSSH()
	w := newWalker(root, v, o)
	return c.run(ctx, root, &w.operation, func(all []*fastlane.Session) {
		w.rootListing = c.lanes.takeRoot()
		w.begin(all, starts)
	})
}
