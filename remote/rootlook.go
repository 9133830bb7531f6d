package remote

import (
	"context"
	"path"

	"hostperm/remote/fastlane"
)

// rootLook is a look at where the root may be, and at the directories above,
// before it is known whether the server calls it so: it saves a round trip.
type rootLook struct {
	path  string
	s     *fastlane.Session
	looks []look // of pathsTo(path)
	named bool   // the server resolves path to itself
	left  int    // not complete
	done  chan struct{}

	into    func(dir string) bool // as Options.Into; nil: nothing is listed
	listing *rootListing          // nil: the root is not listed, or is no directory
}

// Tags of a rootLook's requests, besides the index of each look.
const rootName = -1

// lookAtRoot sends the look in a session of which nothing else is expected yet.
// hasty: it has not started, and what is listed is asked for in the same go.
func lookAtRoot(s *fastlane.Session, path string, into func(dir string) bool, hasty bool) *rootLook {
	paths := pathsTo(path)
	r := &rootLook{path: path, s: s, looks: make([]look, len(paths)), left: len(paths) + 1, done: make(chan struct{}), into: into}
	s.RealPath(r, rootName, path)
	for i, p := range paths {
		r.looks[i].send(s, r, i, p)
	}
	if into != nil && hasty {
		r.listing = listRoot(s, path, farWholeReads, into)
	}
	s.Flush()
	return r
}

// Reply implements fastlane.Handler.
func (r *rootLook) Reply(op fastlane.Op, tag int, reply *fastlane.Reply) {
	switch {
	case tag == rootName:
		name, err := oneName(reply)
		r.named = err == nil && name == r.path
	case !r.looks[tag].take(op, reply):
		return
	case tag == len(r.looks)-1 && r.into != nil:
		r.listRoot(&r.looks[tag])
	}
	if r.left--; r.left == 0 {
		close(r.done)
	}
}

// listRoot lists the root if it is a directory, as far as it was not asked for
// with enough READDIRs already.
func (r *rootLook) listRoot(root *look) {
	reads := 0
	if root.err == nil && root.attr.Type() == typeDir {
		sizes := newSizes()
		if r.s.RTT() >= defaultLimits.far {
			sizes.least = farWholeReads
		}
		reads = sizes.wholeReads(&root.attr)
	}
	if r.listing != nil {
		if 0 < reads && reads <= farWholeReads {
			return
		}
		r.listing.drop()
	}
	r.listing = listRoot(r.s, r.path, reads, r.into)
}

// plain reports whether the path leads to the root through directories only, so
// that nothing of it is left to be resolved.
func (r *rootLook) plain() bool {
	for i := range r.looks {
		if l := &r.looks[i]; i > 0 && (l.err != nil || l.attr.Type() != typeDir) {
			return false // of the login directory, the first, nothing depends
		}
	}
	return r.named
}

// likelyRoot gives the path that t's root has unless a symlink leads to it; "":
// it is not known.
func likelyRoot(t Target) string {
	if t.HasPath && path.IsAbs(t.Path) && path.Clean(t.Path) == t.Path {
		return t.Path
	}
	return ""
}

// plainRoot gives the root that t names, and what it looks like, if the first
// session saw the way there to be plain while it started; nil: it did not. The
// caller has the turn.
func (c *Client) plainRoot(ctx context.Context, t Target) (Root, *seenRoot) {
	root := likelyRoot(t)
	if root == "" || !c.conn.server().isOpenSSH() {
		return Root{}, nil // there is no answer yet
	}
	if seen := c.seenEarly(ctx, root); seen != nil && c.lanes.first.root.plain() {
		return Root{Path: root, Asked: root}, seen
	}
	return Root{}, nil
}

// seenEarly gives what the first session has seen at the root, nil if it has not
// looked there. The caller has the turn.
func (c *Client) seenEarly(ctx context.Context, root string) *seenRoot {
	first := c.lanes.first
	if first == nil {
		return nil
	}
	select {
	case <-first.done:
	case <-ctx.Done():
		return nil
	}
	r := first.root
	if r == nil || r.path != root {
		return nil
	}
	select {
	case <-r.done:
		return newSeenRoot(len(r.looks), func(i int) (Attr, error) { return r.looks[i].attr, r.looks[i].err })
	case <-r.s.Done():
	case <-ctx.Done():
	}
	return nil
}
