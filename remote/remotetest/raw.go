package remotetest

import (
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/ssh"
)

// Raw is an SFTP client that hides nothing: for tests that look at the packets
// a server sends. It has one request under way at a time and is not safe for
// concurrent use.
type Raw struct {
	Extensions map[string]string // by name, as the server's Version packet offers them

	w  io.Writer
	r  io.Reader
	id uint32
}

// NewRaw opens an SFTP session. It ends with the connection.
func NewRaw(c *ssh.Client) (*Raw, error) {
	session, err := c.NewSession()
	if err != nil {
		return nil, err
	}
	r := &Raw{Extensions: make(map[string]string)}
	if r.w, err = session.StdinPipe(); err != nil {
		return nil, err
	}
	if r.r, err = session.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		return nil, err
	}
	if err := r.Send(Packet{Type: Init, ID: 3}); err != nil {
		return nil, err
	}
	version, err := r.Receive()
	if err != nil {
		return nil, err
	}
	for rest, ok := version.Body, true; ok && len(rest) > 0; {
		var name, value string
		if name, rest, ok = cutString(rest); ok {
			value, rest, ok = cutString(rest)
			r.Extensions[name] = value
		}
	}
	return r, nil
}

// Send writes one packet.
func (r *Raw) Send(p Packet) error {
	_, err := r.w.Write(p.Bytes())
	return err
}

// Receive reads one packet.
func (r *Raw) Receive() (Packet, error) {
	b, err := readPacket(r.r)
	if err != nil {
		return Packet{}, err
	}
	return ParsePacket(b)
}

// Ask sends a request and receives its reply. The body is made of strings, each
// behind its length; of uint32 numbers; and of bytes, as they are.
func (r *Raw) Ask(t Type, parts ...any) (Packet, error) {
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
		default:
			return Packet{}, fmt.Errorf("a request has no %T", part)
		}
	}
	if err := r.Send(p); err != nil {
		return Packet{}, err
	}
	reply, err := r.Receive()
	if err == nil && reply.ID != r.id {
		err = fmt.Errorf("reply to request %d, want %d", reply.ID, r.id)
	}
	return reply, err
}

// StatusCode gives the code of a Status packet.
func (p Packet) StatusCode() (code uint32, ok bool) {
	code, _, ok = cutUint32(p.Body)
	return code, ok && p.Type == Status
}

// HandleString gives the handle in a Handle packet.
func (p Packet) HandleString() (handle string, ok bool) {
	handle, _, ok = cutString(p.Body)
	return handle, ok && p.Type == Handle
}

// Mode gives st_mode out of attributes as they are on the wire, such as the
// body of an Attrs packet; not ok if they hold none.
func Mode(attrs []byte) (mode uint32, ok bool) {
	flags, _, ok := cutUint32(attrs)
	at := modeOffset(flags)
	if !ok || flags&attrPermissions == 0 || len(attrs) < at+4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(attrs[at:]), true
}
