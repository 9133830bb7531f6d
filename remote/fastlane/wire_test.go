package fastlane

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
)

func u32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

func str(b []byte, v string) []byte { return append(u32(b, uint32(len(v))), v...) }

// encode writes an ATTRS structure as a server does.
func (a Attr) encode(b []byte) []byte {
	b = u32(b, a.Flags)
	if a.Flags&AttrSize != 0 {
		b = binary.BigEndian.AppendUint64(b, a.Size)
	}
	if a.Flags&AttrUIDGID != 0 {
		b = u32(u32(b, a.UID), a.GID)
	}
	if a.Flags&AttrPermissions != 0 {
		b = u32(b, a.Mode)
	}
	if a.Flags&AttrACModTime != 0 {
		b = u32(u32(b, a.Atime), a.Mtime)
	}
	if a.Flags&AttrExtended != 0 {
		b = str(str(u32(b, 1), "name@example.test"), "value")
	}
	return b
}

// packet frames a reply.
func packet(kind byte, id uint32, body []byte) []byte {
	b := u32(nil, uint32(5+len(body)))
	b = u32(append(b, kind), id)
	return append(b, body...)
}

func versionPacket(v uint32, extensions ...string) []byte {
	var body []byte
	for _, e := range extensions {
		body = str(str(body, e), "1")
	}
	return packet(typeVersion, v, body)
}

func nameBody(names ...string) []byte {
	b := u32(nil, uint32(len(names)))
	for _, n := range names {
		b = str(str(b, n), "-rw-r--r--    1 web      web          1234 Jan  1 00:00 "+n)
		b = Attr{Flags: AttrSize | AttrUIDGID | AttrPermissions | AttrACModTime, Size: 1234, UID: 1000, GID: 1000,
			Mode: TypeRegular | 0o644, Atime: 1, Mtime: 2}.encode(b)
	}
	return b
}

// got is a request as a server reads it.
type got struct {
	kind byte
	id   uint32
	body []byte
}

func readRequest(r io.Reader) (got, error) {
	var head [9]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return got{}, err
	}
	g := got{kind: head[4], id: binary.BigEndian.Uint32(head[5:])}
	g.body = make([]byte, binary.BigEndian.Uint32(head[:])-5)
	_, err := io.ReadFull(r, g.body)
	return g, err
}

// start starts a session against a server that sends version as its first
// packet, and then does what serve says.
func start(t testing.TB, version []byte, serve func(conn net.Conn)) (*Session, error) {
	t.Helper()
	near, far := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		defer far.Close()
		if _, err := readRequest(far); err != nil {
			return
		}
		if _, err := far.Write(version); err == nil && serve != nil {
			serve(far)
		}
	}()
	s, err := Start(near)
	t.Cleanup(func() {
		near.Close()
		far.Close()
		<-served
		if s != nil {
			s.Wait()
		}
	})
	return s, err
}

// reply is what a recorder keeps of a Reply.
type reply struct {
	op     Op
	tag    int
	err    error
	handle string
	names  []string
	attr   Attr
}

// recorder is a Handler that passes replies on.
type recorder chan reply

func (c recorder) Reply(op Op, tag int, r *Reply) {
	rec := reply{op: op, tag: tag, err: r.Err(), handle: string(r.Handle), attr: r.Attr}
	for r.Names.Next() {
		rec.names = append(rec.names, fmt.Sprintf("%s %o", r.Names.Name, r.Names.Attr.Mode))
	}
	c <- rec
}
