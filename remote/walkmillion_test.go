package remote

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// inventedTree is a transport whose server has a tree that stands nowhere: a
// reply is made when its request is written, so that nothing waits and nothing
// is kept.
type inventedTree struct {
	mu   sync.Mutex
	open []*inventedSession
	list func(id uint32, path string, nth int) []byte // the answer to the nth READDIR of a directory
}

func (t *inventedTree) abort() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.open {
		s.Close()
	}
}

func (*inventedTree) wait()        {}
func (*inventedTree) ended() error { return nil }
func (*inventedTree) server() Endpoint {
	return Endpoint{User: "user", Alias: "memory", Software: "SSH-2.0-other"}
}

func (t *inventedTree) openSFTP(context.Context, bool) (io.ReadWriteCloser, error) {
	s := &inventedSession{list: t.list, reads: make(map[string]int)}
	s.come.L = &s.mu
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = append(t.open, s)
	return s, nil
}

// inventedSession is one session: a directory's handle is its path.
type inventedSession struct {
	list  func(uint32, string, int) []byte
	mu    sync.Mutex
	come  sync.Cond
	out   []byte
	reads map[string]int // READDIRs of each open directory
	over  bool
}

func (s *inventedSession) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.come.Signal()
	return nil
}

func (s *inventedSession) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.out) == 0 && !s.over {
		s.come.Wait()
	}
	if s.over {
		return 0, io.EOF
	}
	n := copy(b, s.out)
	s.out = append(s.out[:0], s.out[n:]...)
	return n, nil
}

// Write takes whole requests.
func (s *inventedSession) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for rest := b; len(rest) > 0; {
		size := 4 + binary.BigEndian.Uint32(rest)
		s.out = append(s.out, s.answer(rest[4:size])...)
		rest = rest[size:]
	}
	s.come.Signal()
	return len(b), nil
}

func (s *inventedSession) answer(req []byte) []byte {
	id := binary.BigEndian.Uint32(req[1:])
	if req[0] == 1 {
		return fakePacket(2, 3, nil)
	}
	path, _ := takeStr(req[5:])
	switch req[0] {
	case pktOpendir:
		return fakePacket(pktHandle, id, str(nil, path))
	case pktReaddir:
		s.reads[path]++
		return s.list(id, path, s.reads[path]-1)
	case pktReadlink:
		return status(id, codeFailure)
	case pktClose:
		delete(s.reads, path)
	case pktLstat:
		return fakePacket(pktAttrs, id, encodeAttr(nil, dir("").attr))
	}
	return status(id, codeOK)
}

// TestWalkMillionEmpty walks a million empty directories in one, and holds what
// is live on the heap, looked at every 25,000 of them, to what the open
// directories and those that wait may take. The garbage is collected first: how
// much there is depends on how busy the machine is.
func TestWalkMillionEmpty(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short")
	}
	const perReply, replies = 1000, 1000
	dots := nameReply(0, dir("."), dir(".."))
	list := func(id uint32, path string, nth int) []byte {
		switch {
		case path == "/r" && nth < replies:
			var kids []*node
			for i := range perReply {
				kids = append(kids, dir(strconv.Itoa(nth*perReply+i)))
			}
			return nameReply(id, kids...)
		case path != "/r" && nth == 0:
			reply := bytes.Clone(dots)
			binary.BigEndian.PutUint32(reply[5:], id)
			return reply
		}
		return status(id, codeEOF)
	}
	c := newClient(&inventedTree{list: list})
	defer c.Close()
	seen, most := 0, uint64(0)
	err := c.Walk(t.Context(), "/r", Visitor{
		Entry: func(*Dir, *Entry) bool {
			if seen++; seen%25_000 == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
			return true
		},
		Gap: func(path string, err error) { t.Fatal(path, err) },
	}, WalkOptions{})
	if err != nil || seen != 1+perReply*replies {
		t.Errorf("%d entries, error %v", seen, err)
	}
	if most > 64<<20 {
		t.Errorf("%d MiB on the heap", most>>20)
	}
	t.Logf("%d MiB on the heap at most", most>>20)
}
