package remotetest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

// gatedConn is a connection that Server.Freeze can make hang.
type gatedConn struct {
	net.Conn
	frozen <-chan struct{}
	closed chan struct{}
	once   sync.Once
}

// wait returns once the connection is closed if the server is frozen, and at
// once if not.
func (c *gatedConn) wait() error {
	select {
	case <-c.frozen:
		<-c.closed
		return net.ErrClosed
	default:
		return nil
	}
}

func (c *gatedConn) Read(b []byte) (int, error) {
	if err := c.wait(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if frozen := c.wait(); frozen != nil {
		return 0, frozen
	}
	return n, err
}

func (c *gatedConn) Write(b []byte) (int, error) {
	if err := c.wait(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *gatedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// CloseWrite ends one direction of a TCP connection.
func (c *gatedConn) CloseWrite() error {
	return c.Conn.(*net.TCPConn).CloseWrite()
}

// add registers a connection for Close to end; false if the server is closed.
func (s *Server) add(nc net.Conn) (*gatedConn, bool) {
	c := &gatedConn{Conn: nc, frozen: s.frozen, closed: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	s.conns[c] = struct{}{}
	return c, true
}

func (s *Server) remove(c *gatedConn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

func (s *Server) acceptAll() {
	for {
		nc, err := s.listener.Accept()
		if err != nil {
			return // only Close makes a loopback listener fail
		}
		s.counters.connections.Add(1)
		if s.away.Load() {
			nc.Close()
			continue
		}
		c, ok := s.add(nc)
		if !ok {
			nc.Close()
			return
		}
		s.group.Go(func() {
			defer s.remove(c)
			s.serveConn(c)
		})
	}
}

func (s *Server) serveConn(c *gatedConn) {
	if s.cfg.SSH.Socket != nil {
		s.cfg.SSH.Socket(c)
		return
	}
	conn, channels, requests, err := ssh.NewServerConn(c, s.ssh)
	if err != nil {
		return // the client went away or was not let in; it knows why
	}
	defer conn.Close()
	s.group.Go(func() { ssh.DiscardRequests(requests) })
	if s.cfg.SSH.Connected != nil {
		s.group.Go(func() { s.cfg.SSH.Connected(conn) })
	}
	var open atomic.Int64
	for channel := range channels {
		switch channel.ChannelType() {
		case "session":
			if s.cfg.SSH.Session != nil && s.cfg.SSH.Session(channel) {
				continue
			}
			if n := open.Add(1); s.cfg.MaxSessions > 0 && n > int64(s.cfg.MaxSessions) {
				open.Add(-1)
				channel.Reject(ssh.ConnectionFailed, "open failed") // sshd's own words
				continue
			}
			s.group.Go(func() {
				defer open.Add(-1)
				s.serveSession(channel, c)
			})
		case "direct-tcpip":
			s.group.Go(func() { s.forward(channel) })
		default:
			channel.Reject(ssh.UnknownChannelType, "unknown channel type")
		}
	}
}

// serveSession answers the requests on one session channel. The only thing it
// runs is the sftp subsystem, once: no shell, no command.
func (s *Server) serveSession(channel ssh.NewChannel, c *gatedConn) {
	ch, requests, err := channel.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	s.counters.sessions.Add(1)
	running := false
	for r := range requests {
		var name struct{ Name string }
		ok := r.Type == "subsystem" && ssh.Unmarshal(r.Payload, &name) == nil &&
			name.Name == "sftp" && !s.cfg.NoSFTP && !running
		r.Reply(ok, nil)
		if !ok {
			continue
		}
		running = true
		s.group.Go(func() {
			defer ch.Close()
			if s.cfg.SSH.Subsystem != nil {
				s.cfg.SSH.Subsystem(ch)
				return
			}
			status := struct{ Status uint32 }{0}
			if err := s.serveSFTP(ch, c); err != nil {
				status.Status = 1
			}
			ch.SendRequest("exit-status", false, ssh.Marshal(&status))
		})
	}
}

// forward connects a direct-tcpip channel (RFC 4254, section 7.2).
func (s *Server) forward(channel ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(channel.ExtraData(), &to); err != nil {
		channel.Reject(ssh.ConnectionFailed, "malformed request")
		return
	}
	if s.cfg.Forward == nil {
		channel.Reject(ssh.Prohibited, "administratively prohibited")
		return
	}
	addr, err := s.cfg.Forward(joinHostPort(to.Host, to.Port))
	if err != nil {
		channel.Reject(ssh.Prohibited, err.Error())
		return
	}
	far, err := net.Dial("tcp", addr)
	if err != nil {
		channel.Reject(ssh.ConnectionFailed, "connection refused")
		return
	}
	c, ok := s.add(far)
	if !ok {
		far.Close()
		channel.Reject(ssh.ConnectionFailed, "server is closing")
		return
	}
	defer s.remove(c)
	ch, requests, err := channel.Accept()
	if err != nil {
		return
	}
	s.counters.forwards.Add(1)
	s.group.Go(func() {
		ssh.DiscardRequests(requests) // until the channel is closed
		c.Close()
	})
	join(ch, c)
}

// join copies both ways until both ends have said all they had to.
func join(ch ssh.Channel, c *gatedConn) {
	defer ch.Close()
	var group sync.WaitGroup
	group.Go(func() {
		io.Copy(ch, c)
		ch.CloseWrite()
	})
	group.Go(func() {
		io.Copy(c, ch)
		c.CloseWrite()
	})
	group.Wait()
}
