package fastlane

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

// next gives the next packet without its length field: a view, valid until
// discard. The first that is larger than usual makes the buffer as large as any
// may be; nothing else is allocated, whatever length a packet claims.
func (s *Session) next() ([]byte, error) {
	head, err := s.in.Peek(4)
	if err != nil {
		return nil, streamError(err, len(head) > 0)
	}
	n := binary.BigEndian.Uint32(head)
	if n < 1 || n > MaxPacket {
		return nil, protocolError("a packet of %d bytes", n)
	}
	if 4+int(n) > s.in.Size() {
		s.in = bufio.NewReaderSize(s.in, MaxPacket+4)
	}
	packet, err := s.in.Peek(4 + int(n))
	if err != nil {
		return nil, streamError(err, true)
	}
	return packet[4:], nil
}

func (s *Session) discard(packet []byte) {
	s.in.Discard(4 + len(packet)) // cannot fail: the bytes are buffered
}

func streamError(err error, inside bool) error {
	if err == io.EOF {
		err = errors.New("the server ended the session")
		if inside {
			err = errors.New("the server ended the session in the middle of a packet")
		}
		return err
	}
	return fmt.Errorf("read from the SFTP session: %w", err)
}

// readVersion reads the server's first packet.
func (s *Session) readVersion() error {
	if head, err := s.in.Peek(4); err == nil && binary.BigEndian.Uint32(head) > MaxPacket {
		text, _ := s.in.Peek(min(s.in.Buffered(), 60))
		return protocolError("it began with %q; a login script that prints does that", text)
	}
	packet, err := s.next()
	if err != nil {
		return err
	}
	defer s.discard(packet)
	if packet[0] != typeVersion {
		return protocolError("its first packet is of type %d", packet[0])
	}
	c := cursor{b: packet[1:]}
	v := c.uint32()
	s.exts = make(map[string]string)
	for len(c.b) > 0 {
		name, data := c.bytes(), c.bytes()
		if !c.bad {
			s.exts[string(name)] = string(data)
		}
	}
	if c.bad {
		return protocolError("malformed VERSION")
	}
	if v != version {
		return fmt.Errorf("the server speaks SFTP version %d, not %d", v, version)
	}
	return nil
}

// readAll is the reader goroutine.
func (s *Session) readAll() {
	// A handler that ends the goroutine, as a failing test does, ends the
	// session with it: nobody is left waiting.
	defer func() { s.fail(errors.New("a handler did not return")) }()
	for {
		if !s.packetBuffered() {
			s.Flush()
		}
		packet, err := s.next()
		if err == nil {
			err = s.dispatch(packet)
		}
		if err != nil {
			s.fail(err)
			return
		}
		s.discard(packet)
	}
}

// packetBuffered reports whether the next packet has arrived in whole. Until
// then what handlers have sent is held back, to go out in one write.
func (s *Session) packetBuffered() bool {
	have := s.in.Buffered()
	if have < 4 {
		return false
	}
	head, _ := s.in.Peek(4)
	return uint64(have) >= 4+uint64(binary.BigEndian.Uint32(head))
}

// dispatch hands one packet to whoever sent the request it answers.
func (s *Session) dispatch(packet []byte) error {
	c := cursor{b: packet[1:]}
	id := c.uint32()
	if c.bad {
		return protocolError("a packet of %d bytes", len(packet))
	}
	s.mu.Lock()
	req, ok := s.pending.take(id)
	ended := s.err
	s.mu.Unlock()
	if ended != nil {
		return ended
	}
	if !ok {
		return protocolError("a reply (type %d) to request %d, which is not outstanding", packet[0], id)
	}
	if err := s.reply.decode(packet[0], req, &c); err != nil {
		return err
	}
	s.replies.Add(1)
	s.follow(id, req)
	if req.h != nil {
		req.h.Reply(req.op, req.tag, &s.reply)
	}
	return nil
}

// follow keeps the table of handles. Once answers come in another order than
// requests, nothing can be foreseen.
func (s *Session) follow(id uint32, req request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handles.off {
		return
	}
	s.answered++
	if id != s.answered {
		s.handles.giveUp()
		return
	}
	switch {
	case req.op != OpOpenDir && req.op != OpOpen:
	case s.reply.code != codeOK:
		s.handles.refused(req.whole)
	default:
		s.reply.Foreseen = s.handles.granted(s.reply.Handle, req.handle, req.whole)
	}
}

// decode reads a reply to req from behind its id.
func (r *Reply) decode(kind byte, req request, c *cursor) error {
	*r = Reply{}
	op := req.op
	if kind != typeStatus && kind != answers[op] {
		return protocolError("a reply of type %d to %s", kind, op)
	}
	switch kind {
	case typeStatus:
		r.code = c.uint32()
		if len(c.b) > 0 { // servers of old end here
			r.message = c.bytes()
		}
		if r.code == codeOK && answers[op] != typeStatus {
			return protocolError("it says ok to %s and sends no answer", op)
		}
	case typeHandle:
		r.Handle = c.bytes()
		if len(r.Handle) > maxHandle {
			return protocolError("a handle of %d bytes", len(r.Handle))
		}
	case typeName:
		var ok bool
		if r.Names, ok = parseNames(c.b); !ok {
			c.bad = true
		}
	case typeAttrs:
		c.attr(&r.Attr)
	case typeData:
		r.Data = c.bytes()
		if uint64(len(r.Data)) > uint64(req.length) {
			return protocolError("%d bytes, where %d were asked for", len(r.Data), req.length)
		}
	}
	if c.bad {
		return protocolError("a malformed reply (type %d) to %s", kind, op)
	}
	return nil
}
