package fastlane

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Handler receives replies. Reply is called from the session's reader
// goroutine; it may send further requests, and must not block on a reply.
type Handler interface {
	// Reply gets the answer to the request that was sent as op with this
	// handler and tag. r is valid only during the call.
	Reply(op Op, tag int, r *Reply)
}

// Reply is the answer to one request.
type Reply struct {
	Handle []byte // of OpOpenDir and OpOpen
	Names  Names  // of OpReadDir, OpReadLink and OpRealPath
	Attr   Attr   // of OpLStat, OpStat and OpFStat
	Data   []byte // of OpRead: not more than was asked for

	// Foreseen is true for OpOpenDir and OpOpen if the handle is the one that
	// was foreseen for it; see Session.ListWhole.
	Foreseen bool

	code    uint32
	message []byte
}

// Err gives nil if the request succeeded, or a *StatusError.
func (r *Reply) Err() error {
	if r.code == codeOK {
		return nil
	}
	return &StatusError{Code: r.code, Message: string(r.message[:min(len(r.message), maxMessage)])}
}

// EOF reports whether the answer is the end of a listing. It does not allocate.
func (r *Reply) EOF() bool { return r.code == codeEOF }

type request struct {
	h      Handler // nil: nobody wants to know
	tag    int
	id     uint32 // as outstanding gave it
	handle uint32 // foreseen for OpOpenDir and OpOpen
	length uint32 // asked for by OpRead
	op     Op
	whole  bool // the OPENDIR of a ListWhole
}

// Session is one SFTP session. Its methods may be called from any goroutine.
// Requests after the session's end are dropped without a word, as those that
// are outstanding then: their handlers are not called.
type Session struct {
	rw    io.ReadWriteCloser
	in    *bufio.Reader
	group sync.WaitGroup
	done  chan struct{}
	wake  chan struct{} // tells the writer that out is worth writing
	exts  map[string]string
	rtt   time.Duration

	replies atomic.Int64 // to requests

	mu       sync.Mutex
	out      []byte // requests not yet taken by the writer
	start    int    // where the request being built begins in out
	pending  outstanding
	answered uint32 // the last id that was answered, as long as answers come in order
	handles  handleTable
	err      error

	reply Reply // the reader's; reused
}

// flushAt is how many bytes of requests are gathered before they are written
// although more may follow: one SSH packet's worth.
const flushAt = 32 << 10

// usualPacket is more than a packet commonly has: OpenSSH's longest listings are
// of some 30 KB, and those of ProFTPD stay below 32 KB.
const usualPacket = 64 << 10

// Start begins a session on rw: it sends INIT and waits for VERSION. Closing
// rw ends the wait. On error rw is left to the caller, as it is afterwards.
func Start(rw io.ReadWriteCloser) (*Session, error) { return StartWith(rw, nil) }

// StartWith is Start, and has the requests that ask sends follow INIT at once,
// which saves a round trip where the server is known to take them: OpenSSH reads
// packet after packet. ask must not wait for an answer, and what the session Has is
// not known to it. If StartWith fails, no handler is called.
func StartWith(rw io.ReadWriteCloser, ask func(*Session)) (*Session, error) {
	s := &Session{
		rw:   rw,
		in:   bufio.NewReaderSize(rw, usualPacket),
		done: make(chan struct{}),
		wake: make(chan struct{}, 1),
	}
	s.out = append(s.out, 0, 0, 0, 5, typeInit, 0, 0, 0, version)
	if ask != nil {
		ask(s)
	}
	begin := time.Now()
	if _, err := rw.Write(s.out); err != nil {
		return nil, fmt.Errorf("start SFTP: %w", err)
	}
	s.out = nil
	if err := s.readVersion(); err != nil {
		return nil, fmt.Errorf("start SFTP: %w", err)
	}
	s.rtt = time.Since(begin)
	s.group.Go(s.readAll)
	s.group.Go(s.writeAll)
	return s, nil
}

// Has reports whether the server offered an extension.
func (s *Session) Has(extension string) bool {
	_, ok := s.exts[extension]
	return ok
}

// RTT is how long the server took to answer INIT: a round trip, and what it
// takes to start a process.
func (s *Session) RTT() time.Duration { return s.rtt }

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err says why the session has ended; nil while it has not.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Answered counts the requests that were answered.
func (s *Session) Answered() int64 { return s.replies.Load() }

// Outstanding counts the requests not yet answered.
func (s *Session) Outstanding() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending.count()
}

// Wait returns when the session's goroutines have ended, which they do once
// the stream under them is closed. No handler is called after it.
func (s *Session) Wait() { s.group.Wait() }

// fail ends the session. The first reason stands.
func (s *Session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		s.out = nil
		close(s.done)
	}
}

// Flush has the requests sent so far written. A handler need not call it:
// what handlers send is written when the replies at hand have been handled.
func (s *Session) Flush() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Session) writeAll() {
	var batch []byte
	for {
		select {
		case <-s.wake:
		case <-s.done:
			return
		}
		s.mu.Lock()
		batch, s.out = s.out, batch[:0]
		s.mu.Unlock()
		if len(batch) == 0 {
			continue
		}
		if _, err := s.rw.Write(batch); err != nil {
			s.fail(fmt.Errorf("write to the SFTP session: %w", err))
			return
		}
	}
}

// begin starts a request, up to and including its id, and leaves mu locked
// for finish. It reports false, with mu unlocked, if the session has ended.
func (s *Session) begin(kind byte, r request) bool {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return false
	}
	if (r.op == OpOpenDir || r.op == OpOpen) && !s.handles.off {
		r.handle = s.handles.take()
	}
	s.head(kind, r)
	return true
}

// finish ends the request that begin started.
func (s *Session) finish() {
	s.seal()
	s.unlock()
}

// head writes a request up to and including its id. mu is held.
func (s *Session) head(kind byte, r request) {
	id := s.pending.add(r)
	s.start = len(s.out)
	s.out = append(s.out, 0, 0, 0, 0, kind)
	s.out = binary.BigEndian.AppendUint32(s.out, id)
}

// seal writes the length of the request that head began. mu is held.
func (s *Session) seal() {
	binary.BigEndian.PutUint32(s.out[s.start:], uint32(len(s.out)-s.start-4))
}

// unlock lets go of mu, and has a full buffer written.
func (s *Session) unlock() {
	full := len(s.out) >= flushAt
	s.mu.Unlock()
	if full {
		s.Flush()
	}
}

func (s *Session) putUint32(v uint32) { s.out = binary.BigEndian.AppendUint32(s.out, v) }

func (s *Session) putUint64(v uint64) { s.out = binary.BigEndian.AppendUint64(s.out, v) }

func (s *Session) putString(v string) {
	s.putUint32(uint32(len(v)))
	s.out = append(s.out, v...)
}
