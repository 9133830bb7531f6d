package fastlane

import (
	"net"
	"testing"
)

// TestStartWith: what is asked at the start follows INIT in one write, before
// the server has said anything, and is answered as any other.
func TestStartWith(t *testing.T) {
	near, far := net.Pipe()
	counted := &countingConn{Conn: near}
	go func() {
		defer far.Close()
		readRequest(far)
		asked, err := readRequest(far)
		if err != nil || asked.kind != typeLStat {
			return
		}
		far.Write(versionPacket(3))
		far.Write(packet(typeStatus, asked.id, str(str(u32(nil, 2), ""), "")))
		readRequest(far)
	}()
	h := &chatter{all: make(chan struct{}), left: 1}
	s, err := StartWith(counted, func(s *Session) {
		h.s = s
		s.LStat(h, 0, "/x")
	})
	if err != nil {
		t.Fatal(err)
	}
	<-h.all
	if counted.writes != 1 {
		t.Errorf("%d writes", counted.writes)
	}
	near.Close()
	s.Wait()
}

// TestStartWithFails: no handler is called if the session does not start.
func TestStartWithFails(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		defer far.Close()
		readRequest(far)
		readRequest(far)
		far.Write(versionPacket(4))
	}()
	if _, err := StartWith(near, func(s *Session) { s.LStat(failing{t}, 0, "/x") }); err == nil {
		t.Error("it started")
	}
}

type failing struct{ t *testing.T }

func (f failing) Reply(Op, int, *Reply) { f.t.Error("a handler was called") }
