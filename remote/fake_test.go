package remote

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"hostperm/remote/fastlane"
)

// Packet types and status codes, as a server sees them.
const (
	pktOpen     = 3
	pktClose    = 4
	pktLstat    = 7
	pktFstat    = 8
	pktFsetstat = 10
	pktOpendir  = 11
	pktReaddir  = 12
	pktReadlink = 19
	pktStatus   = 101
	pktHandle   = 102
	pktName     = 104
	pktAttrs    = 105
	pktExtended = 200

	codeOK, codeEOF, codeNoFile, codeDenied, codeFailure, codeUnsupported = 0, 1, 2, 3, 4, 8
)

func u32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

func str(b []byte, v string) []byte { return append(u32(b, uint32(len(v))), v...) }

func encodeAttr(b []byte, a Attr) []byte {
	b = u32(b, a.Flags)
	if a.Flags&fastlane.AttrSize != 0 {
		b = binary.BigEndian.AppendUint64(b, a.Size)
	}
	if a.Flags&fastlane.AttrUIDGID != 0 {
		b = u32(u32(b, a.UID), a.GID)
	}
	if a.Flags&fastlane.AttrPermissions != 0 {
		b = u32(b, a.Mode)
	}
	if a.Flags&fastlane.AttrACModTime != 0 {
		b = u32(u32(b, a.Atime), a.Mtime)
	}
	return b
}

const allFlags = fastlane.AttrSize | fastlane.AttrUIDGID | fastlane.AttrPermissions | fastlane.AttrACModTime

func attrOf(mode uint32) Attr {
	return Attr{Flags: allFlags, Size: 10, UID: 1000, GID: 1000, Mode: mode, Mtime: 7}
}

// node is an entry of a fake tree.
type node struct {
	name string
	attr Attr
	kids []*node
}

func file(name string) *node { return &node{name: name, attr: attrOf(fastlane.TypeRegular | 0o644)} }

func dir(name string, kids ...*node) *node {
	return &node{name: name, attr: attrOf(fastlane.TypeDir | 0o755), kids: kids}
}

// fakeReq is a request as the fake server has read it.
type fakeReq struct {
	kind byte
	id   uint32
	arg  string // path or handle; the extension's name of an extended request
	path string // what arg leads to: itself or what the handle was opened on
	rest []byte // behind arg
	nth  int    // of READDIR: how many came before it on this handle
}

// fake is an SFTP server in memory that does what a test says. Its tree has
// the root /r. It serves requests in order.
type fake struct {
	top        *node
	perReply   int // entries in a NAME reply; 0: 100
	maxHandles int // 0: no limit
	dots       bool
	extensions []string
	// hook sees each request first; a reply other than nil is sent in place of
	// the server's own, and an empty one means none at all.
	hook func(r fakeReq) []byte

	mu      sync.Mutex
	handles map[string]*fakeHandle
	nextH   int
	peak    int
	count   map[byte]int
	conns   []net.Conn
	group   sync.WaitGroup
}

type fakeHandle struct {
	path  string
	node  *node
	reads int
	pos   int
}

func newFake(top *node) *fake {
	return &fake{top: top, handles: make(map[string]*fakeHandle), count: make(map[byte]int)}
}

// client gives a Client of the server.
func (f *fake) client(t testing.TB) *Client {
	c := newClient(f)
	t.Cleanup(func() {
		c.Close()
		f.group.Wait()
	})
	return c
}

func (f *fake) openSFTP(context.Context, bool) (io.ReadWriteCloser, error) {
	near, far := net.Pipe()
	f.mu.Lock()
	f.conns = append(f.conns, near, far)
	f.mu.Unlock()
	f.group.Go(func() { f.serve(far) })
	return near, nil
}

func (f *fake) abort() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.Close()
	}
}

func (f *fake) wait() {}

func (f *fake) ended() error { return nil }

func (f *fake) server() Endpoint { return Endpoint{User: "user", Alias: "fake"} }

func (f *fake) counted(kind byte) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[kind]
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	if _, err := readFake(conn); err != nil {
		return
	}
	var ext []byte
	for _, e := range f.extensions {
		ext = str(str(ext, e), "1")
	}
	conn.Write(fakePacket(2, 3, ext))
	for {
		b, err := readFake(conn)
		if err != nil {
			return
		}
		if reply := f.answer(b); len(reply) > 0 {
			if _, err := conn.Write(reply); err != nil {
				return
			}
		}
	}
}

func readFake(r io.Reader) ([]byte, error) {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func fakePacket(kind byte, id uint32, body []byte) []byte {
	b := u32(nil, uint32(5+len(body)))
	b = u32(append(b, kind), id)
	return append(b, body...)
}

func status(id uint32, code uint32) []byte {
	return fakePacket(pktStatus, id, str(str(u32(nil, code), ""), ""))
}

func takeStr(b []byte) (string, []byte) {
	n := binary.BigEndian.Uint32(b)
	return string(b[4 : 4+n]), b[4+n:]
}

func (f *fake) answer(b []byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := fakeReq{kind: b[0], id: binary.BigEndian.Uint32(b[1:])}
	r.arg, r.rest = takeStr(b[5:])
	r.path = r.arg
	if h := f.handles[r.arg]; h != nil && (r.kind == pktReaddir || r.kind == pktFstat || r.kind == pktFsetstat || r.kind == pktClose) {
		r.path, r.nth = h.path, h.reads
		if r.kind == pktReaddir {
			h.reads++
		}
	}
	f.count[r.kind]++
	if f.hook != nil {
		if reply := f.hook(r); reply != nil {
			return reply
		}
	}
	return f.serveOne(r)
}

func (f *fake) serveOne(r fakeReq) []byte {
	switch r.kind {
	case pktReadlink:
		if n := f.find(r.arg); n != nil && n.attr.Type() == fastlane.TypeSymlink {
			return nameReply(r.id, file("target"))
		}
		return status(r.id, codeFailure)
	case pktLstat:
		if n := f.find(r.arg); n != nil {
			return fakePacket(pktAttrs, r.id, encodeAttr(nil, n.attr))
		}
		return status(r.id, codeNoFile)
	case pktOpendir, pktOpen:
		n := f.find(r.arg)
		switch {
		case n == nil:
			return status(r.id, codeNoFile)
		case f.maxHandles > 0 && len(f.handles) >= f.maxHandles:
			return status(r.id, codeFailure)
		}
		f.nextH++
		h := fmt.Sprint(f.nextH)
		f.handles[h] = &fakeHandle{path: r.arg, node: n}
		f.peak = max(f.peak, len(f.handles))
		return fakePacket(pktHandle, r.id, str(nil, h))
	case pktClose:
		delete(f.handles, r.arg)
		return status(r.id, codeOK)
	case pktExtended:
		p, rest := takeStr(r.rest)
		return f.chmod(r.id, f.find(p), rest)
	}
	h := f.handles[r.arg]
	if h == nil {
		return status(r.id, codeFailure)
	}
	switch r.kind {
	case pktReaddir:
		return f.readdir(r.id, h)
	case pktFstat:
		return fakePacket(pktAttrs, r.id, encodeAttr(nil, h.node.attr))
	case pktFsetstat:
		return f.chmod(r.id, h.node, r.rest)
	}
	return status(r.id, codeUnsupported)
}

func (f *fake) chmod(id uint32, n *node, attrs []byte) []byte {
	if n == nil || binary.BigEndian.Uint32(attrs) != fastlane.AttrPermissions {
		return status(id, codeFailure)
	}
	n.attr.Mode = n.attr.Mode&^0o7777 | binary.BigEndian.Uint32(attrs[4:])
	return status(id, codeOK)
}

func (f *fake) readdir(id uint32, h *fakeHandle) []byte {
	per := f.perReply
	if per == 0 {
		per = 100
	}
	kids := h.node.kids
	if f.dots {
		kids = append([]*node{dir("."), dir("..")}, kids...)
	}
	kids = kids[h.pos:min(len(kids), h.pos+per)]
	if len(kids) == 0 {
		return status(id, codeEOF)
	}
	h.pos += len(kids)
	return nameReply(id, kids...)
}

func nameReply(id uint32, kids ...*node) []byte {
	b := u32(nil, uint32(len(kids)))
	for _, k := range kids {
		b = encodeAttr(str(str(b, k.name), "long name of "+k.name), k.attr)
	}
	return fakePacket(pktName, id, b)
}

// find gives the node of an absolute path, nil if there is none.
func (f *fake) find(p string) *node {
	p = strings.TrimSuffix(p, "/.")
	if p == "/r" {
		return f.top
	}
	rel, ok := strings.CutPrefix(p, "/r/")
	if !ok {
		return nil
	}
	n := f.top
	for name := range strings.SplitSeq(rel, "/") {
		var next *node
		for _, k := range n.kids {
			if k.name == name {
				next = k
			}
		}
		if n = next; n == nil {
			return nil
		}
	}
	return n
}
