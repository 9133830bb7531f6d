package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pkg/sftp"
)

// startLimit is how long a server is waited for to start SFTP where nothing
// tells whether it has any.
const startLimit = 10 * time.Second

// fileSession opens a session of pkg/sftp, and beside it the first for
// pipelined work, so that neither waits for the other. Only the latter waits to
// hear whether the server has SFTP at all: it tells for both.
func (c *Client) fileSession(ctx context.Context) (*sftp.Client, io.Closer, error) {
	first := c.lanes.first
	if first == nil && len(c.lanes.live()) == 0 {
		first = c.openFirst(ctx)
		c.lanes.first = first
	}
	stream, err := c.conn.openSFTP(ctx, first == nil)
	if isRefused(err) && first != nil {
		stream, err = c.swapFirst(ctx, first, err)
		first = nil
	}
	if err != nil {
		return nil, nil, err
	}
	started := make(chan struct{})
	defer close(started)
	if first != nil {
		c.group.Go(func() { endUnlessSFTP(first, stream, started) })
	}
	files, err := sftp.NewClientPipe(stream, stream)
	if err != nil {
		return nil, nil, c.startError(ctx, first, err)
	}
	return files, stream, nil
}

// swapFirst gives up the first session for one of pkg/sftp's: the server has
// room for one, and the first was there before. It is opened again later.
func (c *Client) swapFirst(ctx context.Context, first *firstLane, refused error) (io.ReadWriteCloser, error) {
	select {
	case <-first.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.lanes.first = nil
	if first.err != nil {
		return nil, refused
	}
	first.stream.Close()
	ended := make(chan struct{})
	close(ended)
	c.lanes.ending = ended
	return c.openStream(ctx)
}

// endUnlessSFTP closes a stream on which SFTP was not confirmed, if the first
// session hears that there is none, or could not ask and nothing comes.
func endUnlessSFTP(first *firstLane, stream io.Closer, started <-chan struct{}) {
	select {
	case <-started:
		return
	case <-first.done:
	}
	switch {
	case first.err == nil:
	case isRefused(first.err):
		select {
		case <-started:
		case <-time.After(startLimit):
			stream.Close()
		}
	default:
		stream.Close()
	}
}

// startError says why a session of pkg/sftp did not start.
func (c *Client) startError(ctx context.Context, first *firstLane, err error) error {
	ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if first != nil && ended {
		select {
		case <-first.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if first.err != nil && !isRefused(first.err) {
			return first.err
		}
	}
	err = fmt.Errorf("start SFTP: %w", err)
	if ended {
		err = c.lost(err)
	}
	c.conn.abort()
	return err
}
