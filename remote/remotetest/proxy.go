package remotetest

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// Ending is how a Proxy ends a connection.
type Ending uint8

const (
	EndClosed  Ending = iota // both sides see the end of the stream
	EndReset                 // the client gets a TCP reset
	EndStalled               // nothing passes any more, and nothing is closed
)

// Interruption is what a Proxy does to connections. The zero value does nothing.
type Interruption struct {
	How   Ending
	After int64 // bytes that pass before it, in both directions or in the one of Toward
	Times int   // so many connections, each after After bytes more; negative: all
	Only  Toward
}

// Toward is a direction.
type Toward uint8

const (
	Either Toward = iota
	ToServer
	ToClient
)

// Proxy passes TCP connections on to a server, and interrupts them as told: the
// way to cut a connection with a real server at a given byte, in the middle of
// a packet or not. All methods may be called at any time, from any goroutine.
type Proxy struct {
	listener *net.TCPListener
	target   string
	group    sync.WaitGroup
	closing  chan struct{}
	passed   [3]atomic.Int64 // bytes by Toward

	mu       sync.Mutex
	open     map[*net.TCPConn]struct{}
	plan     Interruption
	left     int64 // bytes until the next
	made     int   // interruptions
	accepted int
	refuse   bool
	closed   bool
}

// StartProxy listens on a port of 127.0.0.1 that the system chooses, for
// connections to target, host:port. The caller ends it with Close.
func StartProxy(target string) (*Proxy, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("listen for a proxy on loopback: %w", err)
	}
	p := &Proxy{listener: l, target: target, closing: make(chan struct{}), open: make(map[*net.TCPConn]struct{})}
	p.group.Go(p.accept)
	return p, nil
}

// Port gives the port that the system chose.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Passed counts the bytes that went through, in all connections.
func (p *Proxy) Passed(toward Toward) int64 {
	if toward == Either {
		return p.passed[ToServer].Load() + p.passed[ToClient].Load()
	}
	return p.passed[toward].Load()
}

// Interrupt replaces what is done to connections, counting from now on.
func (p *Proxy) Interrupt(with Interruption) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan, p.left = with, with.After
}

// Refuse has new connections closed at once, or not any more.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

// Interrupted counts the interruptions made, and Accepted the connections.
func (p *Proxy) Interrupted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made
}

// Accepted counts the connections, those refused included.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Close ends every connection, and returns when all is over.
func (p *Proxy) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	p.listener.Close()
	for c := range p.open {
		c.Close()
	}
	p.mu.Unlock()
	p.group.Wait()
}

func (p *Proxy) accept() {
	for {
		near, err := p.listener.AcceptTCP()
		if err != nil {
			return // only Close makes a loopback listener fail
		}
		p.group.Go(func() { p.serve(near) })
	}
}

// remember says whether a connection may be used.
func (p *Proxy) remember(c *net.TCPConn, near bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[c] = struct{}{}
	if near {
		p.accepted++
	}
	return !p.closed && !(near && p.refuse)
}

func (p *Proxy) forget(c *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	c.Close()
}

// pair is a connection from end to end.
type pair struct {
	near, far *net.TCPConn
	ended     bool // interrupted; guarded by the proxy's mu
	how       Ending
}

func (p *Proxy) serve(near *net.TCPConn) {
	defer p.forget(near)
	if !p.remember(near, true) {
		return
	}
	c, err := net.Dial("tcp", p.target)
	if err != nil {
		return // the client sees its connection closed
	}
	far := c.(*net.TCPConn)
	defer p.forget(far)
	if !p.remember(far, false) {
		return
	}
	both := &pair{near: near, far: far}
	var directions sync.WaitGroup
	directions.Go(func() { p.carry(both, far, near, ToServer) })
	directions.Go(func() { p.carry(both, near, far, ToClient) })
	directions.Wait()
}

// carry takes what arrives in from to to, until the end of either.
func (p *Proxy) carry(both *pair, to, from *net.TCPConn, toward Toward) {
	defer to.CloseWrite()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		allowed, ended := p.allow(both, toward, n)
		if allowed > 0 {
			if _, err := to.Write(buf[:allowed]); err != nil {
				return
			}
		}
		if ended {
			p.end(both)
			return
		}
		if err != nil {
			return
		}
	}
}

// allow says how many of n bytes may pass, and whether the connection is then
// interrupted.
func (p *Proxy) allow(both *pair, toward Toward, n int) (int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if both.ended {
		return 0, true
	}
	counts := p.plan.Times != 0 && (p.plan.Only == Either || p.plan.Only == toward)
	if counts && n > 0 {
		if int64(n) >= p.left {
			n = int(p.left)
			both.ended, both.how = true, p.plan.How
			p.plan.Times--
			p.made++
			p.left = p.plan.After
		} else {
			p.left -= int64(n)
		}
	}
	p.passed[toward].Add(int64(n))
	return n, both.ended
}

// end does to a connection what an interruption says. One that is stalled stays
// open until the proxy is closed.
func (p *Proxy) end(both *pair) {
	switch both.how {
	case EndStalled:
		<-p.closing
		return
	case EndReset:
		both.near.SetLinger(0)
	}
	both.near.Close()
	both.far.Close()
}
