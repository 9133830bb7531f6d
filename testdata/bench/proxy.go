package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// proxy passes TCP connections on to an address and delays every byte by the
// same time, in either direction. It does not throttle: what is under way is
// queued without a bound, as it would be under way on a long line.
type proxy struct {
	listener *net.TCPListener
	target   string
	delay    time.Duration // one way
	group    sync.WaitGroup

	mu     sync.Mutex
	open   map[*net.TCPConn]bool
	closed bool
}

// startProxy listens on a port of loopback that the kernel chooses.
func startProxy(target string, delay time.Duration) (*proxy, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("listen for the proxy with %v of delay: %w", delay, err)
	}
	p := &proxy{listener: l, target: target, delay: delay, open: make(map[*net.TCPConn]bool)}
	p.group.Go(p.accept)
	return p, nil
}

func (p *proxy) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// close ends every connection, and returns when all is over.
func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for c := range p.open {
		c.Close()
	}
	p.mu.Unlock()
	p.group.Wait()
}

func (p *proxy) accept() {
	for {
		near, err := p.listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, or given up by the client already
			time.Sleep(time.Millisecond)
			continue
		}
		p.group.Go(func() { p.serve(near) })
	}
}

// serve carries one connection until both directions have ended.
func (p *proxy) serve(near *net.TCPConn) {
	defer p.forget(near)
	if !p.remember(near) {
		return
	}
	c, err := net.Dial("tcp", p.target)
	if err != nil {
		return // the client sees its connection closed, as with a server that is not there
	}
	far := c.(*net.TCPConn)
	defer p.forget(far)
	if !p.remember(far) {
		return
	}
	var directions sync.WaitGroup
	directions.Go(func() { p.carry(far, near) })
	directions.Go(func() { p.carry(near, far) })
	directions.Wait()
}

// remember says whether the connection may be used: not once close was called.
// Go sets TCP_NODELAY by itself; it is said here because all depends on it.
func (p *proxy) remember(c *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[c] = true
	return !p.closed && c.SetNoDelay(true) == nil
}

func (p *proxy) forget(c *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	c.Close()
}

// carry takes what arrives in from to to, later. An end of from is passed on as
// late as the bytes before it.
func (p *proxy) carry(to, from *net.TCPConn) {
	q := newQueue()
	var reader sync.WaitGroup
	reader.Go(func() {
		defer func() { q.add(nil, time.Now()) }()
		buf := make([]byte, 64<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				q.add(append([]byte(nil), buf[:n]...), time.Now())
			}
			if err != nil {
				return
			}
		}
	})
	if err := q.drain(to, p.delay); err != nil { // nobody takes it any more, so nobody need send it
		from.CloseRead()
	}
	to.CloseWrite()
	reader.Wait()
}

// chunk is what one read gave; no bytes are the end.
type chunk struct {
	bytes   []byte
	arrived time.Time
}

// queue holds chunks in the order of their arrival.
type queue struct {
	mu     sync.Mutex
	more   *sync.Cond
	chunks []chunk
}

func newQueue() *queue {
	q := new(queue)
	q.more = sync.NewCond(&q.mu)
	return q
}

func (q *queue) add(bytes []byte, arrived time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.chunks = append(q.chunks, chunk{bytes, arrived})
	q.more.Signal()
}

// take waits for chunks and gives all there are.
func (q *queue) take() []chunk {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.chunks) == 0 {
		q.more.Wait()
	}
	all := q.chunks
	q.chunks = nil
	return all
}

// drain writes each chunk when it is due, until the end.
func (q *queue) drain(to io.Writer, delay time.Duration) error {
	for {
		for _, c := range q.take() {
			sleepUntil(c.arrived.Add(delay))
			if c.bytes == nil {
				return nil
			}
			if _, err := to.Write(c.bytes); err != nil {
				return err
			}
		}
	}
}

// sleepUntil blocks its thread: time.Sleep waits on epoll, which counts in
// whole milliseconds, and is half of one late in the mean.
func sleepUntil(due time.Time) {
	for left := time.Until(due); left > 0; left = time.Until(due) {
		ts := syscall.NsecToTimespec(left.Nanoseconds())
		syscall.Nanosleep(&ts, nil) // a signal ends it early; then the loop goes on
	}
}
