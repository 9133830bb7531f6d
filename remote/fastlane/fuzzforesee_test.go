package fastlane

import (
	"bytes"
	"io"
	"testing"
)

// counter is a Handler that counts the replies to each of its tags.
type counter map[int]int

// Reply implements Handler.
func (c counter) Reply(_ Op, tag int, r *Reply) {
	c[tag]++
	for r.Names.Next() {
	}
}

// FuzzForesee feeds a whole stream to a session that has listings in one go
// outstanding: it must end with an error, and no handler gets two answers to
// one request, whatever handles the server claims to have given out.
func FuzzForesee(f *testing.F) {
	const groups, reads = 3, 2
	handle := func(n uint32) []byte { return str(nil, string(u32(nil, n))) }
	eof := u32(nil, codeEOF)
	whole := func(id, h uint32) []byte {
		b := append(packet(typeHandle, id, handle(h)), packet(typeName, id+1, nameBody("a", "b"))...)
		b = append(b, packet(typeStatus, id+2, eof)...)
		return append(b, packet(typeStatus, id+3, u32(nil, codeOK))...)
	}
	f.Add([]byte{})
	f.Add(bytes.Join([][]byte{whole(1, 0), whole(5, 0), whole(9, 0)}, nil))
	f.Add(bytes.Join([][]byte{whole(1, 0), whole(5, 1), whole(9, 0)}, nil))
	f.Add(bytes.Join([][]byte{whole(5, 0), whole(1, 0)}, nil))
	f.Add(bytes.Join([][]byte{whole(1, 0), whole(1, 0)}, nil))
	f.Add(packet(typeHandle, 1, str(nil, "another kind")))
	f.Add(packet(typeStatus, 1, u32(nil, codeFailure)))
	f.Fuzz(func(t *testing.T, b []byte) {
		sent := make(gate)
		s, err := Start(&canned{Reader: io.MultiReader(bytes.NewReader(versionPacket(3)), sent, bytes.NewReader(b))})
		if err != nil {
			t.Fatal(err)
		}
		s.Foresee()
		var counts [groups]counter
		for i := range counts {
			counts[i] = make(counter)
			s.ListWhole(counts[i], "/d", reads)
		}
		if n := s.Outstanding(); n != groups*(2+reads) {
			t.Fatalf("%d requests outstanding", n)
		}
		close(sent)
		s.Wait()
		if s.Err() == nil {
			t.Fatal("the session goes on")
		}
		for _, c := range counts {
			for tag, n := range c {
				if n > 1 || tag < -1 || tag >= reads {
					t.Fatalf("%d replies with the tag %d", n, tag)
				}
			}
		}
	})
}
