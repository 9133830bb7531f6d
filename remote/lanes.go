package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"hostperm/remote/fastlane"
)

// autoSessions is how many sessions for pipelined work a client opens at most
// by default; see Endpoint.sessions. Each is a process of its own on the server,
// and so uses a core of its own where there are several. sshd allows ten a
// connection (MaxSessions), of which ResolveRoot needs one.
const autoSessions = 8

// lanes are a client's sessions for pipelined work, which are kept from one
// call to the next. The first is opened beside the one that ResolveRoot uses,
// or when it is first needed; further ones by an operation that has a use for
// them.
type lanes struct {
	mu       sync.Mutex
	sessions []*fastlane.Session // those that have ended included
	opening  int                 // further sessions on their way
	refused  bool                // the server did not open another, or SFTP did not start on it

	// What follows belongs to whoever has the client's turn.
	first  *firstLane    // on its way; nil: not begun, or taken
	root   *rootListing  // that the first session was asked for; nil: none, or taken over
	ending chan struct{} // closed when the session that ResolveRoot used has ended; nil: there was none
}

// firstLane is the first session while it is being opened.
type firstLane struct {
	opened chan struct{} // closed when stream is known
	stream io.Closer     // nil: the server does not open it
	done   chan struct{} // closed when all is known
	err    error
	s      *fastlane.Session // nil if err is not
	root   *rootLook         // nil: it was not known where the root may be
	around *earlyAround      // nil: nor that, or nobody wants to know
}

// all gives the sessions that were ever opened.
func (l *lanes) all() []*fastlane.Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*fastlane.Session(nil), l.sessions...)
}

// live gives the sessions that have not ended.
func (l *lanes) live() []*fastlane.Session {
	var live []*fastlane.Session
	for _, s := range l.all() {
		if s.Err() == nil {
			live = append(live, s)
		}
	}
	return live
}

func (l *lanes) add(s *fastlane.Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions = append(l.sessions, s)
}

// drop takes a session out, which is about to be closed.
func (l *lanes) drop(s *fastlane.Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions = slices.DeleteFunc(l.sessions, func(one *fastlane.Session) bool { return one == s })
}

// reserve makes room for one more session, unless there are most.
func (l *lanes) reserve(most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refused || len(l.sessions)+l.opening >= most {
		return false
	}
	l.opening++
	return true
}

// settle ends what reserve began; s is nil if the session was refused.
func (l *lanes) settle(s *fastlane.Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opening--
	if s == nil {
		l.refused = true
		return
	}
	l.sessions = append(l.sessions, s)
}

// takeRoot gives the listing of the root that was asked for, once. The caller
// has the turn.
func (l *lanes) takeRoot() *rootListing {
	r := l.root
	l.root = nil
	return r
}

// reset forgets the sessions of a connection that has ended. The caller has the
// turn, and nothing goes on any more.
func (l *lanes) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions, l.opening, l.refused = nil, 0, false
	l.first, l.root, l.ending = nil, nil, nil
}

// openFirst begins to open the first session, and to look at where the root may
// be, "" if that is not known, and around it. The end of the connection ends the
// attempt. The caller has the turn.
func (c *Client) openFirst(root string) *firstLane {
	f := &firstLane{opened: make(chan struct{}), done: make(chan struct{})}
	paths, into := c.around, c.into
	c.group.Go(func() {
		defer close(f.done)
		stream, err := c.conn.openSFTP(context.Background(), false)
		if err == nil {
			f.stream = stream
		}
		close(f.opened)
		if err != nil {
			f.err = err
			return
		}
		var s *fastlane.Session
		if c.conn.server().isOpenSSH() {
			s, err = fastlane.StartWith(stream, func(s *fastlane.Session) {
				s.Probe(".")
				s.Foresee()
				f.look(s, root, paths, into, true)
			})
		} else if s, err = fastlane.Start(stream); err == nil {
			f.look(s, root, paths, into, false)
		}
		if err != nil {
			stream.Close()
			f.root, f.around = nil, nil
			f.err = refusedError{err} // once alone it may do better
			return
		}
		f.s = s
		c.lanes.add(s)
	})
	return f
}

// rootListing gives the listing of the root that was asked for, if that was seen
// in whole; nil: there is none. f is done.
func (f *firstLane) rootListing() *rootListing {
	if f.root == nil {
		return nil
	}
	select {
	case <-f.root.done:
		return f.root.listing
	default:
		return nil
	}
}

// look looks at where the root may be, and around it if paths is not nil. hasty:
// the session has not started.
func (f *firstLane) look(s *fastlane.Session, root string, paths []string, into func(dir string) bool, hasty bool) {
	if root == "" {
		return
	}
	f.root = lookAtRoot(s, root, into, hasty)
	if paths != nil {
		f.around = lookAround(s, root, paths)
	}
}

// sessions gives the sessions for pipelined work, at least one. The caller has
// the turn, and aborts the connection when ctx ends.
func (c *Client) sessions(ctx context.Context) ([]*fastlane.Session, error) {
	if first := c.lanes.first; first != nil {
		c.lanes.first = nil
		select {
		case <-first.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if first.err != nil && !isRefused(first.err) {
			return nil, first.err
		}
		c.lanes.root = first.rootListing()
	}
	if live := c.lanes.live(); len(live) > 0 {
		return live, nil
	}
	if all := c.lanes.all(); len(all) > 0 {
		return nil, c.lost(all[0].Err()) // and whoever noticed has closed the connection
	}
	stream, err := c.openStream(ctx, true)
	if err != nil {
		return nil, err
	}
	s, err := fastlane.Start(stream)
	if err != nil {
		c.conn.abort()
		return nil, c.lost(err)
	}
	c.lanes.add(s)
	return c.lanes.live(), nil
}

// openFurther opens one more session in the background, unless there are most,
// or the server has refused one before. join gets it, in a goroutine of its
// own; a session that is refused is no error. The end of the connection ends
// the attempt.
func (c *Client) openFurther(most int, join func(s *fastlane.Session)) bool {
	if !c.lanes.reserve(most) {
		return false
	}
	c.group.Go(func() {
		var s *fastlane.Session
		stream, err := c.conn.openSFTP(context.Background(), false)
		if err == nil {
			if s, err = fastlane.Start(stream); err != nil {
				stream.Close()
			}
		}
		c.lanes.settle(s)
		if s != nil {
			join(s)
		}
	})
	return true
}

// openTries and firstPause bound how long a server that allows one session at
// a time is given to notice that the one before has ended: 1.55 s in all.
const (
	openTries  = 5
	firstPause = 50 * time.Millisecond
)

// openStream opens a channel for SFTP. The first try does not wait for the
// session that ResolveRoot used to be gone; a server with room for one only
// (MaxSessions 1) refuses it, and is asked again afterwards.
func (c *Client) openStream(ctx context.Context, confirm bool) (io.ReadWriteCloser, error) {
	stream, err := c.conn.openSFTP(ctx, confirm)
	if err == nil || c.lanes.ending == nil || errors.Is(err, ErrDisconnected) {
		return stream, err
	}
	select {
	case <-c.lanes.ending:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for pause, try := firstPause, 0; try < openTries; pause, try = pause*2, try+1 {
		if stream, err = c.conn.openSFTP(ctx, confirm); err == nil {
			return stream, nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("open another SFTP session: %w", err)
}
