package remote

import (
	"context"
	"fmt"

	"hostperm/remote/fastlane"
)

// lookWindow is how many entries a looker looks at at once. That holds nothing
// open on the server.
const lookWindow = 4096

// look is one LSTAT that can be relied on. ProFTPD's mod_sftp answers LSTAT
// with what a symlink leads to, and says nothing of it; so READLINK goes along
// with LSTAT, and what can be read as a link is one. A server that offers
// lsetstat@openssh.com knows a symlink when it sees one, and is not asked twice.
type look struct {
	attr Attr
	err  error
	link bool
	left int // replies outstanding
}

// send asks about path. Both replies go to h with the same tag.
func (l *look) send(s *fastlane.Session, h fastlane.Handler, tag int, path string) {
	asksTwice := !s.Has(fastlane.LSetStatExtension)
	*l = look{left: 1}
	if asksTwice {
		l.left = 2 // before anything is sent: the first reply may come at any time from then on
	}
	s.LStat(h, tag, path)
	if asksTwice {
		s.ReadLink(h, tag, path)
	}
}

// take takes one of the replies, and reports whether it was the last: attr and
// err then tell of the entry.
func (l *look) take(op fastlane.Op, r *fastlane.Reply) bool {
	if op == fastlane.OpReadLink {
		l.link = r.Err() == nil
	} else {
		l.attr, l.err = r.Attr, statusError(r.Err())
	}
	l.left--
	if l.left == 0 && l.link && (l.err != nil || l.attr.Type() != fastlane.TypeSymlink) {
		l.attr, l.err = Attr{Flags: fastlane.AttrPermissions, Mode: fastlane.TypeSymlink | 0o777}, nil
	}
	return l.left == 0
}

// looker looks at many paths, each called each once and in any order.
type looker struct {
	op    *operation
	s     *fastlane.Session
	paths []string // absolute
	each  func(i int, a Attr, err error)
	done  func() // called once, after the last each
	looks []look
	next  int
	left  int
}

// begin sends the first requests. The operation's mu is held, here as in every
// callback.
func (l *looker) begin() {
	l.looks, l.left = make([]look, len(l.paths)), len(l.paths)
	if l.left == 0 {
		l.done()
	}
	for range lookWindow {
		l.more()
	}
}

func (l *looker) more() {
	if l.next < len(l.paths) {
		l.looks[l.next].send(l.s, l, l.next, l.paths[l.next])
		l.next++
	}
}

// Reply implements fastlane.Handler.
func (l *looker) Reply(op fastlane.Op, tag int, r *fastlane.Reply) {
	l.op.mu.Lock()
	defer l.op.mu.Unlock()
	seen := &l.looks[tag]
	if l.op.over || !seen.take(op, r) {
		return
	}
	l.more()
	l.each(tag, seen.attr, seen.err)
	l.left--
	if l.left == 0 {
		l.done()
	}
}

// Lstat looks at entries without following a symlink in the last component.
// Paths are relative to root. each is called once for every path that was
// looked at, in any order, never twice at a time, with the index in paths; err
// is ErrNotExist or ErrPermission where the server says so. A path that no
// listing could have had is an error before anything is sent.
//
// A connection that was lost is made anew (Options.Reconnect), and what there
// was no answer for is asked again. An error of Lstat itself is ctx's, or wraps
// ErrDisconnected or fastlane.ErrProtocol; each has then been called for some
// paths only.
func (c *Client) Lstat(ctx context.Context, root string, paths []string, each func(i int, a Attr, err error)) error {
	full := make([]string, len(paths))
	for i, rel := range paths {
		var err error
		if full[i], err = absolute(root, rel); err != nil {
			return fmt.Errorf("look at an entry: %w", err)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	l := newLookup(full, each)
	return c.run(ctx, root, l.op, l.beginIn)
}

// newLookup makes an operation of looking at paths.
func newLookup(paths []string, each func(i int, a Attr, err error)) *looker {
	op := &operation{}
	l := &looker{op: op, paths: paths, done: func() { op.finish(nil) }}
	l.each = func(i int, a Attr, err error) {
		op.steps++
		each(i, a, err)
	}
	op.again = l.goOn
	return l
}

func (l *looker) beginIn(all []*fastlane.Session) {
	l.s = all[0]
	l.begin()
}

// goOn looks again at what there was no answer for.
func (l *looker) goOn(all []*fastlane.Session) {
	l.s = all[0]
	for i := range l.next {
		if l.looks[i].left > 0 {
			l.looks[i].send(l.s, l, i, l.paths[i])
		}
	}
}
