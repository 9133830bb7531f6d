package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hostperm/remote/fastlane"
)

// operation is one piece of pipelined work: requests are sent, and what comes
// back is handled in the sessions' reader goroutines until finish is called or
// the sessions end. mu serialises the handlers, and so the callbacks.
type operation struct {
	mu       sync.Mutex
	client   *Client
	finished chan struct{} // closed by finish
	over     bool          // replies still to come are dropped
	err      error
	begun    bool
	steps    int // got done since the connection was made: a sign that it is of use

	// survive is told of a session that has ended, with mu held, and reports
	// whether the operation goes on without it; nil: it does not.
	survive func(s *fastlane.Session) bool
	// again has the operation go on with new sessions where it stood when all
	// that it had have ended; mu is held.
	again func(all []*fastlane.Session)
}

// open has the operation run. mu is held, or nobody else has it.
func (o *operation) open() { o.finished, o.over, o.err = make(chan struct{}), false, nil }

// finish ends the operation. mu is held.
func (o *operation) finish(err error) {
	if !o.over {
		o.over, o.err = true, err
		close(o.finished)
	}
}

// watch has the operation end with a session that it uses, unless it survives
// that. mu is held.
func (o *operation) watch(s *fastlane.Session) {
	finished := o.finished
	o.client.group.Go(func() {
		select {
		case <-finished:
			return
		case <-s.Done():
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		if !o.over && (o.survive == nil || !o.survive(s)) {
			o.finish(brokenError{o.client.lost(s.Err())})
		}
	})
}

// brokenError is the end of a session that an operation could not do without.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

// run takes the client's turn and sees op through, on as many connections as
// it takes; see reconnect. at is the web root, "" if there is none. No handler of
// op does anything after it has returned. begin is called with op.mu held.
func (c *Client) run(ctx context.Context, at string, op *operation, begin func(all []*fastlane.Session)) error {
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.give()
	for {
		err := c.attempt(ctx, op, begin)
		if !errors.Is(err, ErrDisconnected) || ctx.Err() != nil || op.again == nil {
			c.retries.row = 0
			return err
		}
		gotOn := op.steps > 0
		if err := c.reconnect(ctx, err, gotOn, at); err != nil {
			return err
		}
		op.steps = 0
	}
}

// attempt has op begin, or go on, on the connection of the moment. The caller
// has the turn.
func (c *Client) attempt(ctx context.Context, op *operation, begin func(all []*fastlane.Session)) error {
	defer context.AfterFunc(ctx, c.conn.abort)()
	defer context.AfterFunc(c.closing, c.conn.abort)()
	defer c.awaitAnswers()()
	all, err := c.sessions(ctx)
	if err != nil {
		return firstOf(ctx, err)
	}
	op.mu.Lock()
	op.client = c
	op.open()
	for _, s := range all {
		op.watch(s)
	}
	if op.begun {
		op.again(all)
	} else {
		op.begun = true
		begin(all)
	}
	op.mu.Unlock()
	for _, s := range all {
		s.Flush()
	}
	select {
	case <-op.finished:
	case <-ctx.Done():
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	op.finish(ctx.Err())
	var broken brokenError
	if errors.As(op.err, &broken) {
		c.conn.abort() // what is outstanding has no use any more
		return firstOf(ctx, broken.error)
	}
	return op.err
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
	if reason := c.silence(); reason != nil {
		return reason
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
