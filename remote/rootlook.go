package remote

import (
	"context"
	"path"

	"hostperm/remote/fastlane"
)

// rootLook is a look at where the root may be, before it is known whether the
// server calls it so: it saves a round trip.
type rootLook struct {
	path string
	s    *fastlane.Session
	look look
	done chan struct{} // closed when the look is complete
}

// lookAtRoot sends the look in a session of which nothing else is expected yet.
func lookAtRoot(s *fastlane.Session, path string) *rootLook {
	r := &rootLook{path: path, s: s, done: make(chan struct{})}
	r.look.send(s, r, 0, path)
	s.Flush()
	return r
}

// Reply implements fastlane.Handler.
func (r *rootLook) Reply(op fastlane.Op, _ int, reply *fastlane.Reply) {
	if r.look.take(op, reply) {
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

// seenRoot is what was seen at the root.
type seenRoot struct {
	attr Attr
	err  error
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
		return &seenRoot{r.look.attr, r.look.err}
	case <-r.s.Done():
	case <-ctx.Done():
	}
	return nil
}
