package remotetest

import (
	"encoding/binary"
	"io"
	"testing"
)

// raw speaks SFTP packet by packet.
type raw struct {
	t          *testing.T
	w          io.Writer
	r          io.Reader
	id         uint32
	extensions map[string]string
}

func rawSession(t *testing.T, s *Server) *raw {
	t.Helper()
	session, err := dial(t, s).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{t: t, extensions: map[string]string{}}
	if r.w, err = session.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if r.r, err = session.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		t.Fatal(err)
	}
	r.send(Packet{Type: Init, ID: 3})
	version := r.receive()
	for rest := version.Body; len(rest) > 0; {
		var name, value string
		name, rest, _ = cutString(rest)
		value, rest, _ = cutString(rest)
		r.extensions[name] = value
	}
	return r
}

func (r *raw) send(p Packet) {
	r.t.Helper()
	if _, err := r.w.Write(p.Bytes()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *raw) receive() Packet {
	r.t.Helper()
	b, err := readPacket(r.r)
	if err != nil {
		r.t.Fatal(err)
	}
	p, err := ParsePacket(b)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// ask sends a request whose body is the given strings and bytes, and gives the
// reply.
func (r *raw) ask(t Type, parts ...any) Packet {
	r.t.Helper()
	r.id++
	p := Packet{Type: t, ID: r.id}
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			p.Body = appendString(p.Body, part)
		case uint32:
			p.Body = binary.BigEndian.AppendUint32(p.Body, part)
		case []byte:
			p.Body = append(p.Body, part...)
		}
	}
	r.send(p)
	reply := r.receive()
	if reply.ID != r.id {
		r.t.Errorf("reply to request %d, want %d", reply.ID, r.id)
	}
	return reply
}

// code gives the code of a Status reply, and fails on another.
func (r *raw) code(p Packet) uint32 {
	r.t.Helper()
	if p.Type != Status {
		r.t.Fatalf("reply of type %d, want a status", p.Type)
	}
	code, _, _ := cutUint32(p.Body)
	return code
}

func (r *raw) open(t Type, path string, more ...any) string {
	r.t.Helper()
	p := r.ask(t, append([]any{path}, more...)...)
	if p.Type != Handle {
		r.t.Fatalf("open %s: reply of type %d %q", path, p.Type, p.Body)
	}
	handle, _, _ := cutString(p.Body)
	return handle
}

func (r *raw) setstat(path string, mode uint32) uint32 {
	return r.code(r.ask(Setstat, path, ModeAttrs(mode)))
}

func (r *raw) fsetstat(path string, mode uint32) uint32 {
	handle := r.open(Open, path, uint32(1), uint32(0))
	defer r.ask(Close, handle)
	return r.code(r.ask(Fsetstat, handle, ModeAttrs(mode)))
}

func (r *raw) lsetstat(path string, mode uint32) uint32 {
	return r.code(r.ask(Extended, lsetstatName, path, ModeAttrs(mode)))
}

func (r *raw) lstatMode(path string) uint32 {
	r.t.Helper()
	p := r.ask(Lstat, path)
	flags, _, _ := cutUint32(p.Body)
	if p.Type != Attrs || flags&attrPermissions == 0 {
		r.t.Fatalf("lstat %s: reply of type %d %q", path, p.Type, p.Body)
	}
	return binary.BigEndian.Uint32(p.Body[modeOffset(flags):])
}
