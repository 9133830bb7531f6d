package remote

import (
	"fmt"
	"time"
)

// defaultPatience is how long a server may go without a whole answer to any
// request while its connection is alive. The longest honest silence is that of
// a disk that has to wake up or a network file system that has to come back.
const defaultPatience = 5 * time.Minute

// looksPerPatience is how often in that time it is looked for an answer.
const looksPerPatience = 4

// awaitAnswers ends the connection if nothing is answered for as long as the
// client's patience lasts, until stop is called. What SSH calls a sign of life
// (see connection.keepAlive) is not enough: a server that sends a byte now and
// then has it, and would keep a call for ever.
func (c *Client) awaitAnswers() (stop func()) {
	done := make(chan struct{})
	c.group.Go(func() {
		ticker := time.NewTicker(c.patience / looksPerPatience)
		defer ticker.Stop()
		seen, silent := int64(-1), 0
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			if n := c.answered(); n != seen {
				seen, silent = n, 0
				continue
			}
			if silent++; silent == looksPerPatience {
				c.silent.Store(true)
				c.conn.abort()
				return
			}
		}
	})
	return func() { close(done) }
}

// answered counts what was answered in all sessions for pipelined work.
func (c *Client) answered() int64 {
	var n int64
	for _, s := range c.lanes.all() {
		n += s.Answered()
	}
	return n
}

// silence is the reason for the end of the connection if awaitAnswers ended
// it, and nil if not.
func (c *Client) silence() error {
	if !c.silent.Load() {
		return nil
	}
	text := fmt.Sprintf("connection to %s given up: it is open, and no request was answered for %v", c.conn.server().Host, c.patience)
	return wordedError{text, ErrDisconnected}
}
