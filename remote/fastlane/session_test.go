package fastlane

import (
	"bytes"
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"
)

func TestStart(t *testing.T) {
	tests := []struct {
		name    string
		first   []byte
		wants   string // part of the error; "": none
		isProto bool
	}{
		{"plain", versionPacket(3), "", false},
		{"extensions", versionPacket(3, LSetStatExtension), "", false},
		{"older", versionPacket(2), "version 2", false},
		{"newer", versionPacket(6), "version 6", false},
		{"text", []byte("Welcome to the machine\n"), `it began with "Welcome to the machine\n"`, true},
		{"another packet", packet(typeStatus, 1, u32(nil, 0)), "type 101", true},
		{"torn extension", packet(typeVersion, 3, []byte{0, 0, 0, 9, 'x'}), "malformed VERSION", true},
		{"no version", []byte{0, 0, 0, 1, typeVersion}, "malformed VERSION", true},
		{"empty packet", []byte{0, 0, 0, 0}, "0 bytes", true},
		{"nothing", nil, "ended the session", false},
		{"cut", versionPacket(3)[:6], "middle of a packet", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := start(t, test.first, nil)
			if test.wants == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got, want := s.Has(LSetStatExtension), test.name == "extensions"; got != want {
					t.Errorf("Has(lsetstat) = %v", got)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.wants) || errors.Is(err, ErrProtocol) != test.isProto {
				t.Errorf("error %v, want one with %q (protocol: %v)", err, test.wants, test.isProto)
			}
		})
	}
}

// TestRequests pins the bytes of every request, and that replies reach the
// handler, op and tag of theirs, in whatever order they come.
func TestRequests(t *testing.T) {
	sent := make(chan got, 9)
	attr := Attr{Flags: AttrSize | AttrUIDGID | AttrPermissions | AttrACModTime | AttrExtended, Size: 1 << 40, UID: 7, GID: 8, Mode: TypeDir | 0o2755, Atime: 9, Mtime: 10}
	s, err := start(t, versionPacket(3), func(conn net.Conn) {
		var all []got
		for range 9 {
			g, err := readRequest(conn)
			if err != nil {
				return
			}
			all = append(all, g)
			sent <- g
		}
		ok := str(str(u32(nil, 0), ""), "")
		replies := [][]byte{
			packet(typeHandle, all[0].id, str(nil, "\x00\x01h")),
			packet(typeName, all[1].id, nameBody("a", ".", "")),
			packet(typeStatus, all[2].id, ok),
			packet(typeAttrs, all[3].id, attr.encode(nil)),
			packet(typeStatus, all[4].id, str(str(u32(nil, 3), "no \x1b[31mway"), "en")),
			packet(typeAttrs, all[5].id, Attr{}.encode(nil)),
			packet(typeStatus, all[6].id, u32(nil, 4)),
			packet(typeStatus, all[7].id, ok),
			packet(typeName, all[8].id, nameBody("/target")),
		}
		for i := len(replies) - 1; i >= 0; i-- {
			conn.Write(replies[i])
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	answers := make(recorder, 9)
	s.OpenDir(answers, 0, "/a")
	s.ReadDir(answers, 1, "h")
	s.Close(answers, 2, "h")
	s.LStat(answers, 3, "/b")
	s.Open(answers, 4, "/c")
	s.FStat(answers, 5, "h")
	s.FSetStat(answers, 6, "h", 0o4755)
	s.LSetStat(answers, 7, "/d", 0o107777)
	s.ReadLink(answers, 8, "/e")
	s.Flush()

	wantSent := []got{
		{typeOpenDir, 1, str(nil, "/a")},
		{typeReadDir, 2, str(nil, "h")},
		{typeClose, 3, str(nil, "h")},
		{typeLStat, 4, str(nil, "/b")},
		{typeOpen, 5, u32(u32(str(nil, "/c"), 1), 0)},
		{typeFStat, 6, str(nil, "h")},
		{typeFSetStat, 7, u32(u32(str(nil, "h"), 4), 0o4755)},
		{typeExtended, 8, u32(u32(str(str(nil, LSetStatExtension), "/d"), 4), 0o7777)},
		{typeReadLink, 9, str(nil, "/e")},
	}
	for i, want := range wantSent {
		if g := <-sent; g.kind != want.kind || g.id != want.id || !bytes.Equal(g.body, want.body) {
			t.Errorf("request %d is %+v, want %+v", i, g, want)
		}
	}
	want := []reply{
		{op: OpOpenDir, tag: 0, handle: "\x00\x01h"},
		{op: OpReadDir, tag: 1, names: []string{"a 100644", ". 100644", " 100644"}},
		{op: OpClose, tag: 2},
		{op: OpLStat, tag: 3, attr: attr},
		{op: OpOpen, tag: 4, err: &StatusError{3, "no \x1b[31mway"}},
		{op: OpFStat, tag: 5},
		{op: OpFSetStat, tag: 6, err: &StatusError{4, ""}},
		{op: OpLSetStat, tag: 7},
		{op: OpReadLink, tag: 8, names: []string{"/target 100644"}},
	}
	for i := len(want) - 1; i >= 0; i-- {
		if r := <-answers; !reflect.DeepEqual(r, want[i]) {
			t.Errorf("reply %+v, want %+v", r, want[i])
		}
	}
	if n := s.Outstanding(); n != 0 {
		t.Errorf("%d requests outstanding", n)
	}
}

// TestBadReplies has the server answer one OPENDIR, READDIR or LSTAT wrongly:
// the session ends with an error that says what happened, and the handler is
// not called.
func TestBadReplies(t *testing.T) {
	bigHandle := strings.Repeat("h", 257)
	tests := []struct {
		name  string
		op    Op
		reply func(id uint32) []byte
		wants string
	}{
		{"4 GiB", OpReadDir, func(uint32) []byte { return []byte{0xff, 0xff, 0xff, 0xff, typeName} }, "a packet of 4294967295 bytes"},
		{"just too long", OpReadDir, func(uint32) []byte { return u32(nil, MaxPacket+1) }, "262145 bytes"},
		{"no bytes", OpReadDir, func(uint32) []byte { return u32(nil, 0) }, "a packet of 0 bytes"},
		{"no id", OpReadDir, func(uint32) []byte { return []byte{0, 0, 0, 3, typeName, 0, 0} }, "a packet of 3 bytes"},
		{"wrong id", OpReadDir, func(id uint32) []byte { return packet(typeStatus, id+1, u32(nil, 1)) }, "not outstanding"},
		{"twice", OpClose, func(id uint32) []byte {
			p := packet(typeStatus, id, u32(nil, 0))
			return append(p, p...)
		}, "not outstanding"},
		{"another type", OpReadDir, func(id uint32) []byte { return packet(typeAttrs, id, Attr{}.encode(nil)) }, "type 105 to READDIR"},
		{"unknown type", OpReadDir, func(id uint32) []byte { return packet(99, id, nil) }, "type 99 to READDIR"},
		{"ok without a handle", OpOpenDir, func(id uint32) []byte { return packet(typeStatus, id, u32(nil, 0)) }, "says ok to OPENDIR"},
		{"status without a code", OpClose, func(id uint32) []byte { return packet(typeStatus, id, nil) }, "malformed reply (type 101) to CLOSE"},
		{"torn message", OpClose, func(id uint32) []byte { return packet(typeStatus, id, u32(u32(nil, 4), 9)) }, "malformed"},
		{"long handle", OpOpenDir, func(id uint32) []byte { return packet(typeHandle, id, str(nil, bigHandle)) }, "handle of 257 bytes"},
		{"handle one byte short", OpOpenDir, func(id uint32) []byte { return packet(typeHandle, id, append(u32(nil, 5), "hhhh"...)) }, "malformed"},
		{"torn handle", OpOpenDir, func(id uint32) []byte { return packet(typeHandle, id, u32(nil, 9)) }, "malformed"},
		{"count without entries", OpReadDir, func(id uint32) []byte { return packet(typeName, id, u32(nil, 1<<31)) }, "malformed"},
		{"one entry less", OpReadDir, func(id uint32) []byte {
			return packet(typeName, id, append(u32(nil, 3), nameBody("a", "bbbbbbbbbbbbbbbbbbbbb")[4:]...))
		}, "malformed"},
		{"torn last entry", OpReadDir, func(id uint32) []byte {
			b := nameBody("a", "b")
			return packet(typeName, id, b[:len(b)-1])
		}, "malformed"},
		{"long name length", OpReadDir, func(id uint32) []byte {
			b := nameBody("a")
			b[4] = 0xff
			return packet(typeName, id, b)
		}, "malformed"},
		{"torn attrs", OpLStat, func(id uint32) []byte { return packet(typeAttrs, id, u32(nil, AttrSize)) }, "malformed"},
		{"endless extended attrs", OpLStat, func(id uint32) []byte { return packet(typeAttrs, id, u32(u32(nil, AttrExtended), 0xffffffff)) }, "malformed"},
		{"cut", OpLStat, func(id uint32) []byte { return packet(typeAttrs, id, Attr{}.encode(nil))[:7] }, "middle of a packet"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := start(t, versionPacket(3), func(conn net.Conn) {
				if g, err := readRequest(conn); err == nil {
					conn.Write(test.reply(g.id))
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			answers := make(recorder, 2)
			switch test.op {
			case OpReadDir:
				s.ReadDir(answers, 0, "h")
			case OpOpenDir:
				s.OpenDir(answers, 0, "/")
			case OpClose:
				s.Close(nil, 0, "h")
			case OpLStat:
				s.LStat(answers, 0, "/")
			}
			s.Flush()
			<-s.Done()
			if err := s.Err(); !strings.Contains(err.Error(), test.wants) || errors.Is(err, ErrProtocol) != (test.name != "cut") {
				t.Errorf("error %q, want one with %q", err, test.wants)
			}
			if len(answers) > 0 {
				t.Errorf("the handler got %+v", <-answers)
			}
			s.LStat(answers, 0, "/") // after the end: dropped
		})
	}
}

// TestBatches shows that requests sent together are written together, and that
// what handlers send goes out when the replies at hand have been handled.
func TestBatches(t *testing.T) {
	const n = 100
	near, far := net.Pipe()
	defer far.Close()
	go func() {
		readRequest(far)
		far.Write(versionPacket(3))
	}()
	counted := &countingConn{Conn: near}
	s, err := Start(counted)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Wait()
	defer near.Close()
	counted.writes = 0
	h := &chatter{s: s, all: make(chan struct{}), left: 2 * n}
	for range n {
		s.LStat(h, 0, "/x")
	}
	s.Flush()
	for range 2 {
		var replies []byte
		for range n {
			g, err := readRequest(far)
			if err != nil {
				t.Fatal(err)
			}
			replies = append(replies, packet(typeAttrs, g.id, Attr{}.encode(nil))...)
		}
		if _, err := far.Write(replies); err != nil {
			t.Fatal(err)
		}
	}
	<-h.all
	// Each batch may fall into two, where a wake-up from before it comes late.
	if counted.writes > 4 {
		t.Errorf("%d writes for two batches of requests", counted.writes)
	}
}

type countingConn struct {
	net.Conn
	writes int
}

func (c *countingConn) Write(b []byte) (int, error) {
	c.writes++
	return c.Conn.Write(b)
}

// chatter sends one request for each of the first half of its replies.
type chatter struct {
	s    *Session
	all  chan struct{}
	left int
}

func (c *chatter) Reply(Op, int, *Reply) {
	if c.left--; c.left >= 100 {
		c.s.LStat(c, 0, "/y")
	}
	if c.left == 0 {
		close(c.all)
	}
}

func TestStatusError(t *testing.T) {
	tests := []struct {
		err   StatusError
		text  string
		is    error
		isNot error
	}{
		{StatusError{3, "Permission denied"}, "permission denied", ErrPermissionDenied, ErrNoSuchFile},
		{StatusError{2, "No such file"}, "no such file", ErrNoSuchFile, ErrFailure},
		{StatusError{4, ""}, "failure", ErrFailure, ErrEOF},
		{StatusError{4, "a\x1b[0m\n"}, `failure (the server says "a\x1b[0m\n")`, ErrFailure, ErrUnsupported},
		{StatusError{1 << 31, "?"}, `status 2147483648 (the server says "?")`, &StatusError{Code: 1 << 31}, ErrFailure},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.text {
			t.Errorf("%+v says %q, want %q", test.err, got, test.text)
		}
		if !errors.Is(&test.err, test.is) || errors.Is(&test.err, test.isNot) {
			t.Errorf("%+v is not what it should be", test.err)
		}
	}
	if OpReadDir.String() != "READDIR" || Op(99).String() != "unknown request" {
		t.Error("names of requests")
	}
}
