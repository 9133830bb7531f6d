package remote

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// bigDir is a transport whose server has one directory of many files, and
// serves it without work and without allocations for an entry.
type bigDir struct {
	replies int
	reply   []byte
	names   []int // where each name begins in reply
	conn    net.Conn
	far     net.Conn
	group   sync.WaitGroup
}

func newBigDir(replies int) *bigDir {
	var kids []*node
	for i := range 100 {
		kids = append(kids, file(fmt.Sprintf("a-file-of-common-name-%03d.php", i)))
	}
	b := &bigDir{replies: replies, reply: nameReply(0, kids...)}
	for at, i := 0, 0; i < len(kids); i++ {
		at += bytes.Index(b.reply[at:], append(u32(nil, uint32(len(kids[i].name))), "a-file"...)) + 4
		b.names = append(b.names, at)
	}
	b.conn, b.far = net.Pipe()
	return b
}

func (b *bigDir) openSFTP(context.Context, bool) (io.ReadWriteCloser, error) {
	b.group.Go(b.serve)
	return b.conn, nil
}

func (b *bigDir) abort()       { b.conn.Close() }
func (b *bigDir) wait()        { b.group.Wait() }
func (b *bigDir) ended() error { return nil }
func (b *bigDir) server() Endpoint {
	return Endpoint{User: "user", Alias: "memory", Software: "SSH-2.0-OpenSSH_9.2"}
}

func (b *bigDir) serve() {
	defer b.far.Close()
	buf := make([]byte, 4096)
	have, left := 0, b.replies
	for {
		n, err := b.far.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		for have >= 4 {
			size := 4 + int(binary.BigEndian.Uint32(buf))
			if have < size {
				break
			}
			reply := b.answer(buf[4:size], &left)
			if _, err := b.far.Write(reply); err != nil {
				return
			}
			have = copy(buf, buf[size:have])
		}
	}
}

// rename gives the entries of a reply names that none before had.
func (b *bigDir) rename(n int) {
	for _, at := range b.names {
		for i, m := 5, n; i >= 0; i, m = i-1, m/10 {
			b.reply[at+i] = byte('0' + m%10)
		}
	}
}

func (b *bigDir) answer(req []byte, left *int) []byte {
	id := uint32(0)
	if len(req) >= 5 {
		id = binary.BigEndian.Uint32(req[1:])
	}
	switch req[0] {
	case 1:
		return fakePacket(2, 3, nil)
	case pktLstat:
		return fakePacket(pktAttrs, id, encodeAttr(nil, dir("").attr))
	case pktReadlink:
		return status(id, codeFailure)
	case pktOpendir:
		return fakePacket(pktHandle, id, str(nil, "h"))
	case pktReaddir:
		if *left > 0 {
			*left--
			b.rename(*left)
			binary.BigEndian.PutUint32(b.reply[5:], id)
			return b.reply
		}
		return status(id, codeEOF)
	}
	return status(id, codeOK)
}

func walkBigDir(t testing.TB, replies int) {
	c := newClient(newBigDir(replies))
	defer c.Close()
	n := 0
	err := c.Walk(context.Background(), "/r", Visitor{
		Entry: func(_ *Dir, e *Entry) bool {
			n++
			return e.Attr.HasMode()
		},
		Gap: func(path string, err error) { t.Error(path, err) },
	}, WalkOptions{})
	if err != nil || n != 1+100*replies {
		t.Fatalf("%d entries, error %v", n, err)
	}
}

// TestWalkAllocations compares a small directory with a large one: what an
// entry costs is the difference.
func TestWalkAllocations(t *testing.T) {
	const more = 200 // replies of 100 entries
	small := testing.AllocsPerRun(5, func() { walkBigDir(t, 1) })
	large := testing.AllocsPerRun(5, func() { walkBigDir(t, 1+more) })
	// The scripted server allocates a little for each reply.
	if perReply := (large - small) / more; perReply > 5 {
		t.Errorf("%v allocations for a reply of 100 entries", perReply)
	}
}

// BenchmarkWalk walks one directory of a server that does no work: one
// operation is one entry, the server's side included.
func BenchmarkWalk(b *testing.B) {
	b.ReportAllocs()
	walkBigDir(b, b.N/100+1)
}
