package remote

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hostperm/remote/fastlane"
)

// Packet types and status codes, as a server sees them.
const (
	pktOpen     = 3
	pktClose    = 4
	pktRead     = 5
	pktLstat    = 7
	pktFstat    = 8
	pktSetstat  = 9
	pktFsetstat = 10
	pktOpendir  = 11
	pktReaddir  = 12
	pktRealpath = 16
	pktStat     = 17
	pktReadlink = 19
	pktStatus   = 101
	pktHandle   = 102
	pktData     = 103
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
	text string // of a file; where a symlink leads
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
	in   *fakeSession
}

// fake is an SFTP server in memory that does what a test says. Its tree has
// the root /r. It serves requests in order.
type fake struct {
	top        *node
	etc        *node // /etc; nil: there is none
	perReply   int   // entries in a NAME reply; 0: 100
	maxHandles int   // 0: no limit
	dots       bool
	bare       bool   // listings tell no modes
	cuts       int    // how often all connections were cut
	aborted    bool   // by the client, to which it is one connection
	rootUID    uint32 // owner of /
	hasty      bool   // ends a session that asks for more before it knows the version
	far        bool   // takes so long to start that it counts as far away
	extensions []string
	// hook sees each request first; a reply other than nil is sent in place of
	// the server's own, and an empty one means none at all.
	hook func(r fakeReq) []byte
	// give has each session keep a table of its own, and picks the handle that
	// the next open gets; nil: sessions share their handles, as on ProFTPD.
	give func(s *fakeSession) string
	// refuse is asked before the nth session, from 0 on, is opened.
	refuse func(nth int) error

	mu      sync.Mutex
	handles map[string]*fakeHandle // of all sessions, unless give says otherwise
	opened  int                    // sessions
	whole   int                    // OPENDIRs that READDIRs came with, before the answer
	early   int                    // READDIRs that came before their handle was granted, or had none
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
	since int // the fill during which it was granted
}

// fakeSession is one session of the server's.
type fakeSession struct {
	n       int // from 0 on
	conn    net.Conn
	handles map[string]*fakeHandle
	free    []uint32 // numbers given back; see lifo
	next    uint32   // the smallest number not given out yet
	fills   int      // how often bytes were taken from the connection
}

// Read counts. What was read in one go was sent before anything that was
// answered since.
func (s *fakeSession) Read(b []byte) (int, error) {
	n, err := s.conn.Read(b)
	s.fills++
	return n, err
}

// lifo gives out handles as OpenSSH does: numbers, the one given back last
// first, and else the smallest that is new.
func lifo(s *fakeSession) string {
	if n := len(s.free); n > 0 {
		h := s.free[n-1]
		s.free = s.free[:n-1]
		return string(u32(nil, h))
	}
	s.next++
	return string(u32(nil, s.next-1))
}

// lowest gives out the lowest number that is free: as OpenSSH does until one is
// given back.
func lowest(s *fakeSession) string {
	for n := uint32(0); ; n++ {
		if h := string(u32(nil, n)); s.handles[h] == nil {
			return h
		}
	}
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
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.aborted {
		return nil, fmt.Errorf("%w: it was closed", ErrDisconnected)
	}
	return f.open()
}

// open opens a session. mu is held.
func (f *fake) open() (io.ReadWriteCloser, error) {
	s := &fakeSession{n: f.opened, handles: f.handles}
	f.opened++
	if f.refuse != nil {
		if err := f.refuse(s.n); err != nil {
			return nil, err
		}
	}
	if f.give != nil {
		s.handles = make(map[string]*fakeHandle)
	}
	near, far := net.Pipe()
	s.conn = far
	f.conns = append(f.conns, near, far)
	f.group.Go(func() { f.serve(s) })
	return near, nil
}

func (f *fake) abort() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.aborted = true
	f.hangUp()
}

// hangUp closes all sessions. mu is held.
func (f *fake) hangUp() {
	for _, c := range f.conns {
		c.Close()
	}
}

func (f *fake) wait() {}

func (f *fake) ended() error { return nil }

func (f *fake) server() Endpoint {
	return Endpoint{User: "user", Alias: "fake", Software: "SSH-2.0-OpenSSH_9.2"}
}

func (f *fake) counted(kind byte) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[kind]
}

func (f *fake) serve(s *fakeSession) {
	conn := s.conn
	defer conn.Close()
	in := bufio.NewReaderSize(s, 256<<10)
	if _, err := readFake(in); err != nil || f.hasty && in.Buffered() > 0 {
		return
	}
	if f.far {
		time.Sleep(defaultLimits.far)
	}
	var ext []byte
	for _, e := range f.extensions {
		ext = str(str(ext, e), "1")
	}
	conn.Write(fakePacket(2, 3, ext))
	for {
		b, err := readFake(in)
		if err != nil {
			return
		}
		if reply := f.answer(s, b); len(reply) > 0 {
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

func (f *fake) answer(s *fakeSession, b []byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := fakeReq{kind: b[0], id: binary.BigEndian.Uint32(b[1:]), in: s}
	r.arg, r.rest = takeStr(b[5:])
	r.path = r.arg
	f.watchEarly(r)
	if h := s.handles[r.arg]; h != nil && (r.kind == pktReaddir || r.kind == pktRead || r.kind == pktFstat || r.kind == pktFsetstat || r.kind == pktClose) {
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

// watchEarly counts READDIRs that nobody can have sent who waits for handles.
func (f *fake) watchEarly(r fakeReq) {
	if r.kind != pktReaddir {
		return
	}
	h := r.in.handles[r.arg]
	if h != nil && h.since != r.in.fills {
		return
	}
	f.early++
	if h != nil && h.reads == 0 {
		f.whole++
	}
}

func (f *fake) serveOne(r fakeReq) []byte {
	switch r.kind {
	case pktReadlink:
		if n := f.find(r.arg); n != nil && n.attr.Type() == fastlane.TypeSymlink {
			return nameReply(r.id, file(cmp.Or(n.text, "target")))
		}
		return status(r.id, codeFailure)
	case pktRealpath:
		return nameReply(r.id, file(strings.Replace(r.arg, ".", "/home", 1)))
	case pktLstat, pktStat:
		if n := f.find(r.arg); n != nil {
			return fakePacket(pktAttrs, r.id, encodeAttr(nil, n.attr))
		}
		return status(r.id, codeNoFile)
	case pktOpendir, pktOpen:
		n := f.find(r.arg)
		switch {
		case n == nil:
			return status(r.id, codeNoFile)
		case f.maxHandles > 0 && len(r.in.handles) >= f.maxHandles:
			return status(r.id, codeFailure)
		}
		return f.grant(r, n)
	case pktClose:
		return f.close(r)
	case pktSetstat: // as a server does, through a symlink
		n := f.find(r.arg)
		if n != nil && n.attr.Type() == fastlane.TypeSymlink {
			n = f.find(n.text)
		}
		return f.chmod(r.id, n, r.rest)
	case pktExtended:
		p, rest := takeStr(r.rest)
		return f.chmod(r.id, f.find(p), rest)
	}
	h := r.in.handles[r.arg]
	if h == nil {
		return status(r.id, codeFailure)
	}
	switch r.kind {
	case pktReaddir:
		return f.readdir(r.id, h)
	case pktRead:
		return readFrom(r, h.node.text)
	case pktFstat:
		return fakePacket(pktAttrs, r.id, encodeAttr(nil, h.node.attr))
	case pktFsetstat:
		return f.chmod(r.id, h.node, r.rest)
	}
	return status(r.id, codeUnsupported)
}

// grant opens n for r.
func (f *fake) grant(r fakeReq, n *node) []byte {
	f.nextH++
	h := fmt.Sprint(f.nextH)
	if f.give != nil {
		h = f.give(r.in)
	}
	r.in.handles[h] = &fakeHandle{path: r.arg, node: n, since: r.in.fills}
	f.peak = max(f.peak, len(r.in.handles))
	return fakePacket(pktHandle, r.id, str(nil, h))
}

func (f *fake) close(r fakeReq) []byte {
	if r.in.handles[r.arg] == nil {
		return status(r.id, codeFailure)
	}
	delete(r.in.handles, r.arg)
	if len(r.arg) == 4 {
		r.in.free = append(r.in.free, binary.BigEndian.Uint32([]byte(r.arg)))
	}
	return status(r.id, codeOK)
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
	kids = slices.Clone(kids[h.pos:min(len(kids), h.pos+per)])
	if len(kids) == 0 {
		return status(id, codeEOF)
	}
	h.pos += len(kids)
	if f.bare {
		for i, k := range kids {
			kids[i] = &node{name: k.name, attr: Attr{Flags: fastlane.AttrSize}}
		}
	}
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
	switch p {
	case "/":
		return &node{name: "/", attr: Attr{Flags: allFlags, UID: f.rootUID, Mode: fastlane.TypeDir | 0o755}, kids: []*node{f.top}}
	case "/r":
		return f.top
	}
	n := f.top
	rel, ok := strings.CutPrefix(p, "/r/")
	if !ok && f.etc != nil {
		n = f.etc
		rel, ok = strings.CutPrefix(p, "/etc/")
	}
	if !ok {
		return nil
	}
	for name := range strings.SplitSeq(rel, "/") {
		if n.attr.Type() == fastlane.TypeSymlink && n.text != "" {
			if n = f.find(n.text); n == nil {
				return nil
			}
		}
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
