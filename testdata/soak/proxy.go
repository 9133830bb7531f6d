package main

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// direction is one of the two in which bytes go.
type direction int

const (
	up   direction = iota // to the server
	down                  // to the client
)

// fault is what happens to a connection once so many bytes have gone in one
// direction. The zero value does no harm.
type fault struct {
	kind  faultKind
	way   direction
	after int64
	then  func() // called at that place, for strike
}

type faultKind string

const (
	none   faultKind = ""
	cut    faultKind = "cut"    // both sides see an end
	reset  faultKind = "reset"  // both sides see an RST
	stall  faultKind = "stall"  // nothing arrives any more, and nobody is told
	strike faultKind = "strike" // all goes on, and something is done besides
)

func (f fault) String() string {
	way := "up"
	if f.way == down {
		way = "down"
	}
	return fmt.Sprintf("%s after %d bytes %s", f.kind, f.after, way)
}

// proxy passes TCP connections on to an address. The first connection meets the
// first of the faults, the next the next; those after the last meet none.
type proxy struct {
	listener *net.TCPListener
	target   string
	group    sync.WaitGroup

	mu     sync.Mutex
	faults []fault
	met    int // faults that happened
	moved  [2]int64
	conns  int
	open   map[net.Conn]bool
	closed bool
}

// startProxy listens on a port of loopback that the kernel chooses.
func startProxy(target string, faults ...fault) (*proxy, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("listen for the proxy: %w", err)
	}
	p := &proxy{listener: l, target: target, faults: faults, open: make(map[net.Conn]bool)}
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

// counts gives the connections, the faults that happened, and the bytes.
func (p *proxy) counts() (conns, met int, moved [2]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns, p.met, p.moved
}

func (p *proxy) accept() {
	for {
		near, err := p.listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		p.group.Go(func() { p.serve(near) })
	}
}

// remember says whether the connection may be used: not once close was called.
func (p *proxy) remember(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[c] = true
	return !p.closed
}

func (p *proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	c.Close()
}

// serve carries one connection until both directions have ended.
func (p *proxy) serve(near *net.TCPConn) {
	defer p.forget(near)
	if !p.remember(near) {
		return
	}
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer p.forget(far)
	if !p.remember(far) {
		return
	}
	l := &link{p: p, near: near, far: far.(*net.TCPConn), struck: make(chan struct{})}
	p.mu.Lock()
	p.conns++
	if len(p.faults) > 0 {
		l.fault, p.faults = p.faults[0], p.faults[1:]
	}
	p.mu.Unlock()
	var ways sync.WaitGroup
	ways.Go(func() { l.carry(up, l.far, l.near) })
	ways.Go(func() { l.carry(down, l.near, l.far) })
	ways.Wait()
}

// link is one connection.
type link struct {
	p         *proxy
	near, far *net.TCPConn
	fault     fault
	once      sync.Once
	struck    chan struct{} // closed when a fault has ended the passing on
}

// carry takes what arrives in from to to, until the end or the fault.
func (l *link) carry(way direction, to, from *net.TCPConn) {
	defer to.CloseWrite()
	buf := make([]byte, 32<<10)
	var moved int64
	for {
		n, err := from.Read(buf)
		data := buf[:n]
		here := l.fault.kind != none && l.fault.way == way && moved <= l.fault.after && moved+int64(n) > l.fault.after
		if here {
			data = data[:l.fault.after-moved]
		}
		if l.over() {
			data, here = nil, false // read on, so that the end is seen
		}
		if len(data) > 0 {
			to.Write(data) // whoever does not take it any more will end the other direction
		}
		if here {
			l.happen()
			if l.fault.kind == strike {
				to.Write(buf[len(data):n])
			}
		}
		moved += int64(n)
		l.p.mu.Lock()
		l.p.moved[way] += int64(n)
		l.p.mu.Unlock()
		if err != nil {
			if l.over() && l.fault.kind == stall {
				l.far.Close() // the client has given up
				l.near.Close()
			}
			return
		}
	}
}

func (l *link) over() bool {
	select {
	case <-l.struck:
		return true
	default:
		return false
	}
}

// happen does the fault.
func (l *link) happen() {
	l.once.Do(func() {
		l.p.mu.Lock()
		l.p.met++
		l.p.mu.Unlock()
		switch l.fault.kind {
		case strike:
			l.fault.then()
			return
		case cut:
			close(l.struck)
			l.near.CloseWrite()
			l.far.CloseWrite()
			// Whoever does not react to the end must not hold the run up.
			deadline := time.Now().Add(2 * time.Second)
			l.near.SetReadDeadline(deadline)
			l.far.SetReadDeadline(deadline)
		case reset:
			close(l.struck)
			l.near.SetLinger(0)
			l.far.SetLinger(0)
			l.near.Close()
			l.far.Close()
		case stall:
			close(l.struck)
		}
	})
}
