package fastlane

import (
	"bytes"
	"io"
	"math"
	"testing"
)

func FuzzAttrs(f *testing.F) {
	f.Add(Attr{}.encode(nil))
	f.Add(Attr{Flags: AttrSize | AttrUIDGID | AttrPermissions | AttrACModTime | AttrExtended, Size: math.MaxUint64, Mode: TypeDir | 0o755}.encode(nil))
	f.Add(u32(u32(nil, AttrExtended), math.MaxUint32))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := cursor{b: b}
		var a, again Attr
		c.attr(&a)
		if c.bad {
			return
		}
		if a.Flags&AttrExtended != 0 {
			return // not kept, so not written back
		}
		wire := a.encode(nil)
		if read := b[:len(b)-len(c.b)]; !bytes.Equal(wire, read) {
			t.Fatalf("%x was read as %+v, which is %x", read, a, wire)
		}
		c = cursor{b: wire}
		if c.attr(&again); c.bad || a != again {
			t.Fatalf("%+v came back as %+v", a, again)
		}
	})
}

func FuzzNames(f *testing.F) {
	f.Add(nameBody())
	f.Add(nameBody("a", "", "..", "x/y"))
	f.Add(u32(nil, math.MaxUint32))
	f.Fuzz(func(t *testing.T, b []byte) {
		names, ok := parseNames(b)
		if !ok {
			return
		}
		n, bytes := 0, 4
		for names.Next() {
			n++
			bytes += minName + len(names.Name)
		}
		if names.rest.bad || n != names.Len() || bytes > len(b) {
			t.Fatalf("%d entries of %d bytes from %d bytes; malformed: %v", n, bytes, len(b), names.rest.bad)
		}
	})
}

// FuzzPacket feeds a whole stream to a session that has one request of each
// kind outstanding: it must end with an error, and no handler is called more
// often than requests were sent.
func FuzzPacket(f *testing.F) {
	ok := u32(nil, 0)
	f.Add([]byte{})
	f.Add(packet(typeHandle, uint32(OpOpenDir), str(nil, "h")))
	f.Add(append(packet(typeName, uint32(OpReadDir), nameBody("a", "b")), packet(typeStatus, uint32(OpClose), ok)...))
	f.Add(packet(typeAttrs, uint32(OpLStat), Attr{Flags: AttrPermissions}.encode(nil)))
	f.Add(packet(typeData, uint32(OpRead), str(nil, "#!/bin/sh\n")))
	f.Add(packet(typeData, uint32(OpRead), u32(nil, math.MaxUint32)))
	f.Add(packet(typeStatus, uint32(OpLSetStat), str(str(ok, "m"), "l")))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		sent := make(gate)
		s, err := Start(&canned{Reader: io.MultiReader(bytes.NewReader(versionPacket(3)), sent, bytes.NewReader(b))})
		if err != nil {
			t.Fatal(err)
		}
		answers := make(recorder, OpRead)
		s.OpenDir(answers, 0, "/")
		s.ReadDir(answers, 0, "h")
		s.Close(answers, 0, "h")
		s.LStat(answers, 0, "/")
		s.Open(answers, 0, "/")
		s.FStat(answers, 0, "h")
		s.FSetStat(answers, 0, "h", 0)
		s.LSetStat(answers, 0, "/", 0)
		s.ReadLink(answers, 0, "/")
		s.Stat(answers, 0, "/")
		s.RealPath(answers, 0, "/")
		s.Read(answers, 0, "h", 0, fuzzedRead)
		close(sent)
		s.Wait()
		if s.Err() == nil || len(answers)+s.Outstanding() > int(OpRead) {
			t.Fatalf("error %v, %d replies, %d outstanding", s.Err(), len(answers), s.Outstanding())
		}
	})
}

// fuzzedRead is how many bytes FuzzPacket and FuzzData ask for.
const fuzzedRead = 16

// FuzzData reads what a server sends for a READ: never more than was asked for,
// and the bytes that stand there.
func FuzzData(f *testing.F) {
	f.Add(str(nil, ""))
	f.Add(str(nil, "#!/bin/sh\n"))
	f.Add(str(nil, "17 bytes are more"))
	f.Add(u32(nil, math.MaxUint32))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Reply
		c := cursor{b: b}
		if err := r.decode(typeData, request{op: OpRead, length: fuzzedRead}, &c); err != nil {
			return
		}
		if len(r.Data) > fuzzedRead || !bytes.HasPrefix(b, str(nil, string(r.Data))) {
			t.Fatalf("%x was read as %x", b, r.Data)
		}
	})
}

// canned is a stream whose other end has already said all it will.
type canned struct{ io.Reader }

func (canned) Write(b []byte) (int, error) { return len(b), nil }
func (canned) Close() error                { return nil }

// gate is a reader that has nothing to give, and says so once it is closed.
type gate chan struct{}

func (g gate) Read([]byte) (int, error) {
	<-g
	return 0, io.EOF
}
