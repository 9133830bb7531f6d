package remote

import (
	"bytes"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// watchedConn keeps what is worth knowing about a connection.
type watchedConn struct {
	net.Conn
	reads atomic.Int64 // that brought something

	mu    sync.Mutex
	head  []byte // the first bytes that came
	fault error  // the first that reading or writing gave
}

const headSize = 128

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.reads.Add(1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if room := headSize - len(c.head); room > 0 {
		c.head = append(c.head, b[:min(n, room)]...)
	}
	c.note(err)
	return n, err
}

func (c *watchedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.note(err)
	}
	return n, err
}

func (c *watchedConn) note(err error) {
	if c.fault == nil {
		c.fault = err
	}
}

// failure gives the error that ended the connection, if one did.
func (c *watchedConn) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault
}

// firstLine gives what the other side said first.
func (c *watchedConn) firstLine() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	line, _, _ := bytes.Cut(c.head, []byte("\n"))
	return strings.TrimRight(string(line), "\r")
}
