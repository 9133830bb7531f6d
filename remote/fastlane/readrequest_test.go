package fastlane

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"strings"
	"testing"
)

// TestReadRequests pins the bytes of STAT, REALPATH and READ, and what of their
// replies reaches the handler.
func TestReadRequests(t *testing.T) {
	sent := make(chan got, 4)
	s, err := start(t, versionPacket(3), func(conn net.Conn) {
		replies := []func(id uint32) []byte{
			func(id uint32) []byte { return packet(typeAttrs, id, Attr{Flags: AttrSize, Size: 5}.encode(nil)) },
			func(id uint32) []byte { return packet(typeName, id, nameBody("/there")) },
			func(id uint32) []byte { return packet(typeData, id, str(nil, "#!/x")) },
			func(id uint32) []byte { return packet(typeStatus, id, u32(nil, codeEOF)) },
		}
		for _, reply := range replies {
			g, err := readRequest(conn)
			if err != nil {
				return
			}
			sent <- g
			conn.Write(reply(g.id))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	answers := make(dataRecorder, 4)
	s.Stat(answers, 0, "/a")
	s.RealPath(answers, 1, "/b/..")
	s.Read(answers, 2, "h", 1<<40, 4)
	s.Read(answers, 3, "h", 0, math.MaxUint32)
	s.Flush()
	for i, want := range []got{
		{typeStat, 1, str(nil, "/a")},
		{typeRealPath, 2, str(nil, "/b/..")},
		{typeRead, 3, u32(binary.BigEndian.AppendUint64(str(nil, "h"), 1<<40), 4)},
		{typeRead, 4, u32(binary.BigEndian.AppendUint64(str(nil, "h"), 0), math.MaxUint32)},
	} {
		if g := <-sent; g.kind != want.kind || g.id != want.id || !bytes.Equal(g.body, want.body) {
			t.Errorf("request %d is %+v, want %+v", i, g, want)
		}
	}
	for i, want := range []data{
		{op: OpStat, tag: 0, size: 5},
		{op: OpRealPath, tag: 1, name: "/there"},
		{op: OpRead, tag: 2, bytes: "#!/x"},
		{op: OpRead, tag: 3, eof: true},
	} {
		if g := <-answers; g != want {
			t.Errorf("reply %d is %+v, want %+v", i, g, want)
		}
	}
}

// data is what a dataRecorder keeps of a Reply.
type data struct {
	op    Op
	tag   int
	eof   bool
	size  uint64
	name  string
	bytes string
}

type dataRecorder chan data

func (c dataRecorder) Reply(op Op, tag int, r *Reply) {
	d := data{op: op, tag: tag, eof: r.EOF(), size: r.Attr.Size, bytes: string(r.Data)}
	if r.Names.Next() {
		d.name = string(r.Names.Name)
	}
	c <- d
}

// TestBadData has a READ answered wrongly: the session ends, and nobody is
// handed the bytes.
func TestBadData(t *testing.T) {
	for name, test := range map[string]struct {
		kind  byte
		body  []byte
		wants string
	}{
		"one byte too many": {typeData, str(nil, "12345"), "5 bytes, where 4 were asked for"},
		"torn":              {typeData, append(u32(nil, 4), "123"...), "malformed"},
		"4 GiB":             {typeData, u32(nil, math.MaxUint32), "malformed"},
		"no length":         {typeData, []byte{0, 0}, "malformed"},
		"ok":                {typeStatus, u32(nil, codeOK), "says ok to READ"},
		"names":             {typeName, nameBody("a"), "type 104 to READ"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := start(t, versionPacket(3), func(conn net.Conn) {
				if g, err := readRequest(conn); err == nil {
					conn.Write(packet(test.kind, g.id, test.body))
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			answers := make(dataRecorder, 1)
			s.Read(answers, 0, "h", 0, 4)
			s.Flush()
			<-s.Done()
			if err := s.Err(); !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), test.wants) {
				t.Errorf("error %v, want one with %q", err, test.wants)
			}
			if len(answers) > 0 {
				t.Errorf("the handler got %+v", <-answers)
			}
		})
	}
}

// TestReadNoAllocation: the bytes are handed out where they arrived.
func TestReadNoAllocation(t *testing.T) {
	body := str(nil, "#!/bin/sh\n")
	var r Reply
	allocs := testing.AllocsPerRun(100, func() {
		c := cursor{b: body}
		if err := r.decode(typeData, request{op: OpRead, length: 256}, &c); err != nil || len(r.Data) != 10 {
			t.Fatal(err, r.Data)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
