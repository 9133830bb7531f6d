package remotetest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// session is the interposer of one SFTP session. It is what the SFTP server
// takes for its connection.
type session struct {
	server *Server
	ch     ssh.Channel
	in     *bufio.Reader // of ch
	conn   *gatedConn

	requests *io.PipeReader // to the SFTP server
	toServer *io.PipeWriter
	partial  []byte // of a reply that the SFTP server is writing in pieces

	mu      sync.Mutex
	waiting map[uint64]*Exchange // by key
	handles map[string]string    // Exchange.Path by handle
	over    bool

	writeMu sync.Mutex
	out     *bufio.Writer  // to ch; what answers requests that came together goes out together
	held    chan heldReply // nil without Config.Latency
	ended   chan struct{}
}

type heldReply struct {
	due  time.Time
	raw  []byte
	then Action
}

// serveSFTP runs one SFTP session until the client ends it.
func (s *Server) serveSFTP(ch ssh.Channel, c *gatedConn) error {
	x := &session{
		server: s, ch: ch, in: bufio.NewReaderSize(ch, 32<<10), out: bufio.NewWriterSize(ch, 32<<10), conn: c, ended: make(chan struct{}),
		waiting: make(map[uint64]*Exchange), handles: make(map[string]string),
	}
	x.requests, x.toServer = io.Pipe()
	srv, err := sftp.NewServer(x, sftp.WithServerWorkingDirectory(s.cfg.Dir))
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	if s.cfg.Latency > 0 {
		x.held = make(chan heldReply, 1<<14)
		group.Go(x.sendHeld)
	}
	group.Go(func() { x.toServer.CloseWithError(x.pump()) })
	err = srv.Serve()
	x.Close() // ends the pump, should the SFTP server have given up first
	close(x.ended)
	x.forgetHandles()
	group.Wait()
	return err
}

// Read gives the SFTP server its requests.
func (x *session) Read(b []byte) (int, error) { return x.requests.Read(b) }

// Write takes replies from the SFTP server, which writes a packet in pieces
// and never two at once.
func (x *session) Write(b []byte) (int, error) {
	x.partial = append(x.partial, b...)
	for len(x.partial) >= 4 {
		n := 4 + int(binary.BigEndian.Uint32(x.partial))
		if len(x.partial) < n {
			break
		}
		if err := x.reply(bytes.Clone(x.partial[:n]), false); err != nil {
			return 0, err
		}
		x.partial = append(x.partial[:0], x.partial[n:]...)
	}
	return len(b), nil
}

// Close is how the SFTP server gives up a session.
func (x *session) Close() error {
	x.requests.Close()
	return x.ch.Close()
}

// pump takes requests from the client until there are no more.
func (x *session) pump() error {
	for {
		if !x.hasMore() {
			if err := x.flush(); err != nil {
				return err
			}
		}
		raw, err := readPacket(x.in)
		if err != nil {
			return err
		}
		p, err := ParsePacket(raw)
		if err != nil {
			return err
		}
		x.server.counters.requests[p.Type].Add(1)
		if err := x.request(x.asked(p)); err != nil {
			return err
		}
	}
}

// hasMore reports whether the next request is there in whole, so that answers
// to it and to the one before can go out together.
func (x *session) hasMore() bool {
	have := x.in.Buffered()
	if have < 4 {
		return false
	}
	size, _ := x.in.Peek(4)
	return uint64(have) >= 4+uint64(binary.BigEndian.Uint32(size))
}

func (x *session) flush() error {
	x.writeMu.Lock()
	defer x.writeMu.Unlock()
	return x.out.Flush()
}

func readPacket(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxPacket {
		return nil, errMalformed
	}
	raw := make([]byte, 4+n)
	copy(raw, size[:])
	_, err := io.ReadFull(r, raw[4:])
	return raw, err
}

// request runs the hooks on one request, then hands it to the SFTP server.
func (x *session) request(e *Exchange) error {
	for _, f := range *x.server.faults.Load() {
		if f.Request == nil {
			continue
		}
		if a := f.Request(e); a.kind != pass {
			return x.instead(e, a)
		}
	}
	x.server.otherEtc(e)
	switch {
	case e.Request.Type == Close:
		x.closeHandle(e.Request)
	case isLSetstat(e.Request) && x.server.cfg.LSetstat:
		return x.reply(x.server.lsetstat(e.Request).Bytes(), true)
	case e.Request.Type == Open && x.server.isFIFO(e.Request):
		return x.hang()
	}
	_, err := x.toServer.Write(e.Request.Bytes())
	return err
}

// instead does what a hook wants in place of serving the request.
func (x *session) instead(e *Exchange, a Action) error {
	if a.kind == answer {
		a.reply.ID = e.Request.ID
		return x.reply(a.reply.Bytes(), true)
	}
	if err := x.flush(); err != nil {
		return err
	}
	return x.end(a)
}

// end does what an action says about the connection. It returns io.EOF if that
// ends the session.
func (x *session) end(a Action) error {
	switch a.kind {
	case cut:
		x.conn.Close()
		return io.EOF
	case hangup:
		x.ch.Close()
		return io.EOF
	}
	return nil
}

// hang answers nothing any more. A server that opens a FIFO waits for somebody
// at its other end, and with it the whole session; this one also waits, but can
// be closed.
func (x *session) hang() error {
	if _, err := io.Copy(io.Discard, x.in); err != nil {
		return err
	}
	return io.EOF
}

// reply runs the hooks on one reply, then sends it; gather: the pump will flush.
func (x *session) reply(raw []byte, gather bool) error {
	e := x.answered(raw)
	if e.Request.Type == Init && x.server.cfg.LSetstat {
		raw = offerLSetstat(raw)
	}
	var then Action
	for _, f := range *x.server.faults.Load() {
		if f.Reply == nil {
			continue
		}
		var a Action
		if raw, a = f.Reply(e, raw); a.kind != pass {
			then = a
		}
	}
	if x.held == nil {
		return x.send(raw, then, gather)
	}
	select {
	case x.held <- heldReply{time.Now().Add(x.server.cfg.Latency), raw, then}:
		return nil
	case <-x.ended:
		return io.EOF
	}
}

func (x *session) send(raw []byte, then Action, gather bool) error {
	x.writeMu.Lock()
	defer x.writeMu.Unlock()
	for then.kind == drip && len(raw) > 1 {
		x.out.Write(raw[:1])
		if err := x.out.Flush(); err != nil {
			return err
		}
		raw = raw[1:]
		time.Sleep(then.pause)
	}
	if _, err := x.out.Write(raw); err != nil {
		return err
	}
	if gather && then.kind == pass {
		return nil
	}
	if err := x.out.Flush(); err != nil {
		return err
	}
	return x.end(then)
}

// sendHeld sends replies when they are due. A reply that cannot be sent ends
// the session, which the pump notices.
func (x *session) sendHeld() {
	for {
		select {
		case <-x.ended:
			return
		case r := <-x.held:
			select {
			case <-x.ended:
				return
			case <-time.After(time.Until(r.due)):
			}
			if x.send(r.raw, r.then, false) != nil {
				return
			}
		}
	}
}
