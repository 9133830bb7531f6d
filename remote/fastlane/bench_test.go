package fastlane

import (
	"encoding/binary"
	"fmt"
	"net"
	"testing"
)

// endlessListing answers every request with the same NAME reply of 100
// entries, without an allocation.
func endlessListing(conn net.Conn) {
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprintf("a-file-of-common-name-%03d.php", i)
	}
	reply := packet(typeName, 0, nameBody(names...))
	request := make([]byte, 4+1+4+4+1) // READDIR of a handle of one byte
	for {
		for n := 0; n < len(request); {
			m, err := conn.Read(request[n:])
			if err != nil {
				return
			}
			n += m
		}
		copy(reply[5:9], request[5:9])
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

// lister reads replies as they come, and keeps a few requests outstanding.
type lister struct {
	s     *Session
	want  int
	files int
	done  chan struct{}
}

func (l *lister) Reply(_ Op, _ int, r *Reply) {
	for r.Names.Next() {
		if len(r.Names.Name) > 0 && r.Names.Attr.HasMode() && r.Names.Attr.Perm() == 0o644 {
			l.files++
		}
	}
	if l.files >= l.want {
		close(l.done)
		l.want = int(^uint(0) >> 1)
	}
	l.s.ReadDir(l, 0, "h")
}

// TestNoAllocation holds the decoder to its promise: a reply of 100 entries
// costs no allocation.
func TestNoAllocation(t *testing.T) {
	b := packet(typeName, 1, nameBody("index.php", "wp-config.php", "uploads"))
	var r Reply
	allocs := testing.AllocsPerRun(100, func() {
		c := cursor{b: b[9:]}
		if err := r.decode(typeName, request{op: OpReadDir}, &c); err != nil {
			t.Fatal(err)
		}
		for r.Names.Next() {
			if r.Names.Attr.Size != 1234 || r.Names.Attr.Links != 1 {
				t.Fatal("wrong size, or link count")
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for a reply", allocs)
	}
	if binary.BigEndian.Uint32(b[9:]) != 3 {
		t.Error("the reply was changed")
	}
}

// BenchmarkListing reads entries from an in-memory server that does no work:
// one operation is one entry, the server's side included.
func BenchmarkListing(b *testing.B) {
	s, err := start(b, versionPacket(3), endlessListing)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	l := &lister{s: s, want: b.N, done: make(chan struct{})}
	for range 8 {
		s.ReadDir(l, 0, "h")
	}
	s.Flush()
	<-l.done
}

// BenchmarkDecode is the client's share of it alone: one operation is one entry.
func BenchmarkDecode(b *testing.B) {
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprintf("a-file-of-common-name-%03d.php", i)
	}
	body := nameBody(names...)
	b.ReportAllocs()
	for n := 0; n < b.N; {
		names, ok := parseNames(body)
		if !ok {
			b.Fatal("malformed")
		}
		for names.Next() {
			n++
		}
	}
}
