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

// fileSession opens a session of pkg/sftp, and then the first for pipelined
// work, which is ready by the time that the former has found the root. Neither
// waits to hear whether the server has SFTP at all, which costs a round trip.
func (c *Client) fileSession(ctx context.Context) (*sftp.Client, io.Closer, error) {
	stream, err := c.openStream(ctx, false)
	if err != nil {
		return nil, nil, err
	}
	if c.lanes.first == nil && len(c.lanes.all()) == 0 {
		c.lanes.first = c.openFirst()
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
