package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hostperm/remote/fastlane"
)

// operation is one piece of pipelined work: requests are sent, and what comes
// back is handled in the session's reader goroutine until finish is called or
// the session ends. mu serialises the handlers, and so the callbacks.
type operation struct {
	mu       sync.Mutex
	finished chan struct{} // closed by finish
	over     bool          // replies still to come are dropped
	err      error
}

// finish ends the operation. mu is held.
func (o *operation) finish(err error) {
	if !o.over {
		o.over, o.err = true, err
		close(o.finished)
	}
}

// run takes the client's turn and sees op through. No handler of op does
// anything after it has returned. begin is called with op.mu held.
func (c *Client) run(ctx context.Context, op *operation, begin func(s *fastlane.Session)) error {
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.give()
	release := context.AfterFunc(ctx, c.conn.abort)
	defer release()
	s, err := c.session(ctx)
	if err != nil {
		return firstOf(ctx, err)
	}
	op.mu.Lock()
	op.finished = make(chan struct{})
	begin(s)
	op.mu.Unlock()
	s.Flush()
	select {
	case <-op.finished:
	case <-s.Done():
	case <-ctx.Done():
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.over {
		return op.err
	}
	op.over = true
	err = c.lost(s.Err())
	c.conn.abort() // what is outstanding on a session that broke has no use
	return firstOf(ctx, err)
}

// firstOf gives the context's error if it has one: whatever err says then
// comes of the connection having been closed.
func firstOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// lost explains the end of a session, by that of the connection if it knows.
func (c *Client) lost(err error) error {
	if err == nil || errors.Is(err, fastlane.ErrProtocol) {
		return err
	}
	if reason := c.conn.ended(); errors.Is(reason, ErrDisconnected) {
		return reason
	}
	return fmt.Errorf("%w: %w", ErrDisconnected, err)
}

// serverError is a status that the server sent, as an error of this package.
type serverError struct {
	kind   error // ErrPermission, ErrNotExist
	status error
}

func (e serverError) Error() string   { return e.status.Error() }
func (e serverError) Unwrap() []error { return []error{e.kind, e.status} }

// statusError makes a reply's error one that callers of this package know.
func statusError(err error) error {
	switch {
	case errors.Is(err, fastlane.ErrPermissionDenied):
		return serverError{ErrPermission, err}
	case errors.Is(err, fastlane.ErrNoSuchFile):
		return serverError{ErrNotExist, err}
	}
	return err
}
