package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pkg/sftp"
)

const (
	// lateAfter is how long a server may take to start SFTP before it is asked
	// whether it has any.
	lateAfter = time.Second
	// startLimit is how long it may take where it does not let itself be asked.
	startLimit = 30 * time.Second
)

// fileSession opens a session of pkg/sftp, and beside it the first for pipelined
// work, which looks at root, if that is not "", while the former finds out
// whether it is there. Neither waits to hear whether the server has SFTP at all,
// which costs a round trip.
func (c *Client) fileSession(ctx context.Context, root string) (*sftp.Client, io.Closer, error) {
	if c.lanes.first == nil && len(c.lanes.all()) == 0 {
		c.lanes.first = c.openFirst(root)
	}
	stream, err := c.openStream(ctx, false)
	if isRefused(err) && c.giveUpFirst() {
		stream, err = c.openStream(ctx, false)
	}
	if err != nil {
		return nil, nil, err
	}
	started, asked := make(chan struct{}), make(chan error, 1)
	c.group.Go(func() {
		err := c.awaitStart(started)
		if err != nil {
			stream.Close()
		}
		asked <- err
	})
	files, err := sftp.NewClientPipe(stream, stream)
	close(started)
	if err == nil {
		return files, stream, nil
	}
	ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	err = fmt.Errorf("start SFTP: %w", err)
	if ended {
		err = c.lost(err)
	}
	c.conn.abort()
	if noSFTP := <-asked; noSFTP != nil {
		err = noSFTP
	}
	return nil, nil, err
}

// giveUpFirst closes the first session again if the server opened that in place
// of another, and reports whether it did. The caller sees to it that the
// connection ends when its context does.
func (c *Client) giveUpFirst() bool {
	first := c.lanes.first
	if first == nil {
		return false
	}
	<-first.opened
	if first.stream == nil {
		return false
	}
	first.stream.Close()
	<-first.done
	if c.lanes.first = nil; first.s != nil {
		c.lanes.drop(first.s)
		c.group.Go(first.s.Wait)
	}
	ended := make(chan struct{})
	close(ended)
	c.lanes.ending = ended
	return true
}

// awaitStart gives an error if SFTP does not start because there is none: once
// it is late, the server is asked by a session for which it must answer.
func (c *Client) awaitStart(started <-chan struct{}) error {
	late, limit := time.After(lateAfter), time.After(startLimit)
	select {
	case <-started:
		return nil
	case <-late:
	}
	stream, err := c.conn.openSFTP(context.Background(), true)
	switch {
	case err == nil: // it has, and is slow
		stream.Close()
		<-started
		return nil
	case !isRefused(err) && errors.Is(err, ErrNoSFTP):
		return err
	}
	select {
	case <-started:
		return nil
	case <-limit:
	}
	return wordedError{fmt.Sprintf("%s does not start SFTP within %v", c.conn.server().Host, startLimit), ErrNoSFTP}
}
