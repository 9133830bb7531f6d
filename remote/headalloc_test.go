package remote

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"hostperm/remote/fastlane"
)

// oneFile is a transport whose server says the same of whatever it is asked
// about, without work and without allocations.
type oneFile struct {
	near, far net.Conn
	replies   map[byte][]byte // by request
	root      []byte          // to LSTAT of /r
	group     sync.WaitGroup
}

func newOneFile(a Attr, text string) *oneFile {
	s := &oneFile{root: fakePacket(pktAttrs, 0, encodeAttr(nil, dir("r").attr))}
	attrs := fakePacket(pktAttrs, 0, encodeAttr(nil, a))
	s.replies = map[byte][]byte{
		1:          fakePacket(2, 3, str(str(nil, fastlane.LSetStatExtension), "1")),
		pktLstat:   attrs,
		pktFstat:   attrs,
		pktOpen:    fakePacket(pktHandle, 0, str(nil, "0123456789abcdef")),
		pktRead:    fakePacket(pktData, 0, str(nil, text)),
		pktClose:   status(0, codeOK),
		pktOpendir: status(0, codeDenied),
	}
	s.near, s.far = net.Pipe()
	return s
}

func (s *oneFile) openSFTP(context.Context, bool) (io.ReadWriteCloser, error) {
	s.group.Go(s.serve)
	return s.near, nil
}
func (s *oneFile) abort()           { s.near.Close() }
func (s *oneFile) wait()            { s.group.Wait() }
func (s *oneFile) ended() error     { return nil }
func (s *oneFile) server() Endpoint { return Endpoint{Software: "SSH-2.0-OpenSSH_9.2"} }

func (s *oneFile) serve() {
	defer s.far.Close()
	buf := make([]byte, 64<<10)
	for have := 0; ; {
		n, err := s.far.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		for have >= 9 && have >= 4+int(binary.BigEndian.Uint32(buf)) {
			size := 4 + int(binary.BigEndian.Uint32(buf))
			reply := s.replies[buf[4]]
			if buf[4] == pktLstat && size == 13+len("/r") {
				reply = s.root
			}
			copy(reply[5:], buf[5:9])
			if _, err := s.far.Write(reply); err != nil {
				return
			}
			have = copy(buf, buf[size:have])
		}
	}
}

// TestHeadsAllocations compares few files with many: the absolute path is all
// that a file costs.
func TestHeadsAllocations(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short")
	}
	listed := attrOf(fastlane.TypeRegular | 0o755)
	all := make([]HeadRequest, 21_000)
	for i := range all {
		all[i] = HeadRequest{Path: fmt.Sprint("file", i), Expect: listed}
	}
	// One session: further ones take files with them, and cost what they cost.
	measure := func(n int) float64 {
		return testing.AllocsPerRun(3, func() {
			s := newOneFile(listed, "#!/bin/sh\n")
			c := newClient(s)
			c.most = 1
			defer c.Close()
			bytes := 0
			err := c.Heads(t.Context(), "/r", 32, all[:n], func(_ int, head []byte, err error) {
				bytes += len(head)
				if err != nil {
					t.Error(err)
				}
			})
			if err != nil || bytes != 10*n {
				t.Fatal(bytes, err)
			}
		})
	}
	few := measure(1000)
	if each := (measure(len(all)) - few) / float64(len(all)-1000); each > 1.1 {
		t.Errorf("%v allocations for a file", each)
	}
}
