package remote

import (
	"context"
	"io"
	"sync"
)

// line is the transport of a client: it stands for the connection of the
// moment. Once that has ended, what goes through it fails as on that one, until
// another takes its place.
type line struct {
	mu  sync.Mutex
	now transport
}

func (l *line) current() transport {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *line) replace(with transport) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = with
}

func (l *line) openSFTP(ctx context.Context, confirm bool) (io.ReadWriteCloser, error) {
	return l.current().openSFTP(ctx, confirm)
}

func (l *line) abort()           { l.current().abort() }
func (l *line) wait()            { l.current().wait() }
func (l *line) ended() error     { return l.current().ended() }
func (l *line) server() Endpoint { return l.current().server() }
