package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// firstWait is how long a client waits before it first tries to connect
	// again, unless told; each further time in a row it is twice as long, up to
	// maxWait.
	firstWait = time.Second
	maxWait   = time.Minute
	// maxReconnects is how often a client tries to connect again in all: a
	// server that cuts over and over shall not keep it for ever.
	maxReconnects = 100
)

// Reconnect is news of a connection that was lost: another try to connect is
// ahead, or, with Lost nil, there is one again and the work goes on.
type Reconnect struct {
	Lost  error         // why there is no connection
	Try   int           // in a row, from 1; how many it took if Lost is nil
	Tries int           // the most in a row
	Pause time.Duration // before the try
}

// retries is how a client deals with a lost connection.
type retries struct {
	redial func(ctx context.Context) (transport, error) // nil: it is not made anew
	most   int                                          // in a row with nothing done in between
	tell   func(Reconnect)                              // nil: nobody wants to know
	first  time.Duration                                // before the first try in a row
	pause  func(ctx context.Context, d time.Duration) error

	row   int // tries since something was done
	total int
	made  int // that led to a connection
}

// wait gives the pause before the next try.
func (r *retries) wait() time.Duration {
	return min(r.first<<min(r.row, 16), maxWait)
}

func (r *retries) news(n Reconnect) {
	if r.tell != nil {
		r.tell(n)
	}
}

// sleep waits for a time, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lostError is a connection that was lost and could not be made anew.
type lostError struct {
	lost  error // wraps ErrDisconnected
	again error // why not; nil: the tries are used up, and the last one was lost
	tries int
}

func (e lostError) Error() string {
	tried := fmt.Sprintf("%d tries", e.tries)
	if e.tries == 1 {
		tried = "1 try"
	}
	if e.again == nil {
		return fmt.Sprintf("%v; given up after %s to connect again", e.lost, tried)
	}
	return fmt.Sprintf("%v; connecting again (%s): %v", e.lost, tried, e.again)
}

// Unwrap leaves out what is wrong with files of this machine since: that is no
// wrong usage any more.
func (e lostError) Unwrap() []error {
	if e.again == nil || errors.Is(e.again, ErrUsage) {
		return []error{e.lost}
	}
	return []error{e.lost, e.again}
}

// Hint is that of the reason why there is no connection.
func (e lostError) Hint() string {
	if e.again == nil {
		return ""
	}
	return Hint(e.again)
}

// reconnect makes a connection that was lost anew, and makes sure that it leads
// to the same place: the host key is the one of before, the web root at resolves
// to itself, and belongs to whom it did. The caller has the turn; gotOn says
// that something was done since the last time. It tries several times, and
// gives the error that then ends the work.
func (c *Client) reconnect(ctx context.Context, lost error, gotOn bool, at string) error {
	r := &c.retries
	if r.redial == nil || r.most <= 0 || c.closing.Err() != nil {
		return lost
	}
	c.settle()
	if gotOn {
		r.row = 0
	}
	var again error
	for r.row < r.most && r.total < maxReconnects {
		news := Reconnect{Lost: lost, Try: r.row + 1, Tries: r.most, Pause: r.wait()}
		if again != nil {
			news.Lost = again
		}
		r.news(news)
		r.row++
		r.total++
		if again = c.tryAgain(ctx, at, news.Pause); again == nil {
			r.made++
			r.news(Reconnect{Try: news.Try, Tries: r.most})
			return nil
		}
		c.settle()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case c.closing.Err() != nil:
			return lost
		case isFinal(again):
			return lostError{lost, again, r.row}
		}
	}
	tries := r.row
	if r.total >= maxReconnects {
		tries = r.total
	}
	return lostError{lost, again, tries}
}

// tryAgain waits, and then makes one try.
func (c *Client) tryAgain(ctx context.Context, at string, pause time.Duration) error {
	open, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(c.closing, stop)()
	if err := c.retries.pause(open, pause); err != nil {
		return err
	}
	conn, err := c.retries.redial(open)
	if err != nil {
		return err
	}
	c.conn.replace(conn)
	c.silent.Store(false)
	return c.sameRoot(open, at)
}

// settle ends the connection, waits for all that goes on with it, and forgets
// its sessions.
func (c *Client) settle() {
	c.conn.abort()
	c.group.Wait()
	for _, s := range c.lanes.all() {
		s.Wait()
	}
	c.conn.wait()
	c.lanes.reset()
}

// isFinal reports whether trying once more is of no use, or would do harm: a
// server that counts failed logins locks out whoever goes on.
func isFinal(err error) bool {
	var login *AuthError
	var none *ssh.AlgorithmNegotiationError
	switch {
	case errors.Is(err, ErrDisconnected):
		return false
	case errors.As(err, &login):
		return !login.cut
	case errors.As(err, &none), errors.Is(err, errOtherRoot), errors.Is(err, errAskedOnce):
		return true
	}
	return errors.Is(err, ErrHostKeyChanged) || errors.Is(err, ErrHostKeyUnknown) || errors.Is(err, ErrUsage)
}

// Reconnects counts how often a lost connection was made anew.
func (c *Client) Reconnects() int {
	c.turn <- struct{}{}
	defer c.give()
	return c.retries.made
}
