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
	left  int    // not complete
	done  chan struct{}

	list    bool         // the root is listed too, if it is a directory
	listing *rootListing // nil: it was not
}

// lookAtRoot sends the look in a session of which nothing else is expected yet.
func lookAtRoot(s *fastlane.Session, path string, list bool) *rootLook {
	paths := pathsTo(path)
	r := &rootLook{path: path, s: s, looks: make([]look, len(paths)), left: len(paths), done: make(chan struct{}), list: list}
	for i, p := range paths {
		r.looks[i].send(s, r, i, p)
	}
	s.Flush()
	return r
}

// Reply implements fastlane.Handler.
func (r *rootLook) Reply(op fastlane.Op, tag int, reply *fastlane.Reply) {
	if !r.looks[tag].take(op, reply) {
		return
	}
	if root := &r.looks[len(r.looks)-1]; r.list && tag == len(r.looks)-1 && root.err == nil && root.attr.Type() == typeDir {
		r.listing = listRoot(r.s, r.path, &root.attr)
	}
	if r.left--; r.left == 0 {
		close(r.done)
	}
}

// likelyRoot gives the path that t's root has unless a symlink leads to it; "":
// it is not known.
func likelyRoot(t Target) string {
	if t.HasPath && path.IsAbs(t.Path) && path.Clean(t.Path) == t.Path {
		return t.Path
	}
	return ""
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
