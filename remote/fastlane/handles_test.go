package fastlane

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"testing"
)

// opensshTable is the table of handles of OpenSSH's sftp-server: a list of those
// given back, last in, first out, and behind it those never given out.
type opensshTable struct {
	open map[uint32]bool
	free []uint32
	next uint32
}

func (o *opensshTable) take() uint32 {
	h := o.next
	if n := len(o.free); n > 0 {
		h, o.free = o.free[n-1], o.free[:n-1]
	} else {
		o.next++
	}
	o.open[h] = true
	return h
}

// giveBack serves a CLOSE; one of a handle that is not open fails.
func (o *opensshTable) giveBack(h uint32) {
	if o.open[h] {
		delete(o.open, h)
		o.free = append(o.free, h)
	}
}

func bytesOf(h uint32) []byte { return binary.BigEndian.AppendUint32(nil, h) }

// sentOp is a request on its way in TestHandleTable.
type sentOp struct {
	open, whole, denied bool
	handle              uint32 // foreseen, or to be given back
}

// handleGame plays a client, whose requests are on their way for a while,
// against the table of a server that serves them in order.
type handleGame struct {
	t      *testing.T
	rnd    *rand.Rand
	client handleTable
	server opensshTable
	sent   []sentOp
	held   []uint32 // granted to lone opens, and not given back yet
	denied int      // lone opens
	missed int      // listings in one go
	wholes int
}

func (g *handleGame) send() {
	switch k := g.rnd.IntN(10); {
	case k < 2:
		g.sent = append(g.sent, sentOp{open: true, denied: g.rnd.IntN(8) == 0, handle: g.client.take()})
	case k < 4 && len(g.held) > 0:
		i := g.rnd.IntN(len(g.held))
		g.giveBack(g.held[i])
		g.held = append(g.held[:i], g.held[i+1:]...)
	case g.client.proven:
		g.wholes++
		g.sent = append(g.sent, sentOp{open: true, whole: true, denied: g.rnd.IntN(8) == 0, handle: g.client.foresee()})
	}
}

func (g *handleGame) giveBack(h uint32) {
	g.client.giveBack(string(bytesOf(h)))
	g.sent = append(g.sent, sentOp{handle: h})
}

// serve has the oldest request served, and its reply taken.
func (g *handleGame) serve() {
	op := g.sent[0]
	g.sent = g.sent[1:]
	switch {
	case !op.open:
		g.server.giveBack(op.handle)
		return
	case op.whole && g.server.open[op.handle]:
		g.t.Fatalf("handle %d was foreseen, and is open on something else", op.handle)
	case op.denied:
		g.client.refused(op.whole)
		if !op.whole {
			g.denied++
		}
		return
	}
	h := g.server.take()
	if op.whole {
		g.server.giveBack(op.handle)
	}
	switch foreseen := g.client.granted(bytesOf(h), op.handle, op.whole); {
	case foreseen != (h == op.handle):
		g.t.Fatalf("handle %d, foreseen %d: %v", h, op.handle, foreseen)
	case !op.whole:
		g.held = append(g.held, h)
	case !foreseen:
		g.missed++
		g.giveBack(h)
	}
}

// TestHandleTable plays at random: a foreseen handle is never open on anything
// when a listing in one go is served, and only a denial makes one differ.
func TestHandleTable(t *testing.T) {
	missed := 0
	for seed := range uint64(200) {
		g := &handleGame{t: t, rnd: rand.New(rand.NewPCG(seed, 3)), server: opensshTable{open: make(map[uint32]bool)}}
		for range 2000 {
			if len(g.sent) > 0 && g.rnd.IntN(2) == 0 {
				g.serve()
			} else {
				g.send()
			}
		}
		if g.client.off || g.missed > g.denied || g.wholes < 100 {
			t.Fatalf("seed %d: off %v, %d of %d differed, %d opens were denied", seed, g.client.off, g.missed, g.wholes, g.denied)
		}
		missed += g.missed
	}
	if missed == 0 {
		t.Error("no handle ever differed: the denials were not felt")
	}
}

// TestHandleTableGivesUp has servers that are no OpenSSH.
func TestHandleTableGivesUp(t *testing.T) {
	tests := []struct {
		name    string
		handles []string
	}{
		{"another length", []string{"\x00\x00\x00\x00\x00"}},
		{"none", []string{""}},
		{"from one on", []string{"\x00\x00\x00\x01"}},
		{"large numbers", []string{"\x7f\x00\x00\x00"}},
		{"every second", []string{"\x00\x00\x00\x00", "\x00\x00\x00\x02"}},
		{"the same again", []string{"\x00\x00\x00\x00", "\x00\x00\x00\x00"}},
	}
	for _, test := range tests {
		var table handleTable
		for i, h := range test.handles {
			last := i == len(test.handles)-1
			if foreseen := table.granted([]byte(h), table.take(), false); foreseen == last {
				t.Errorf("%s: handle %d: foreseen %v", test.name, i, foreseen)
			}
		}
		if !table.off || table.proven {
			t.Errorf("%s: it goes on", test.name)
		}
	}
}

// handleReply is what a foreseer keeps of a reply.
type handleReply struct {
	op       Op
	tag      int
	foreseen bool
	names    int
}

type foreseer chan handleReply

func (c foreseer) Reply(op Op, tag int, r *Reply) {
	c <- handleReply{op, tag, r.Foreseen, r.Names.Len()}
}

// TestListWhole pins the bytes of a listing in one go, before and after the
// server has shown what its handles look like.
func TestListWhole(t *testing.T) {
	requests := make(chan got, 16)
	s, err := start(t, versionPacket(3), func(conn net.Conn) {
		for {
			g, err := readRequest(conn)
			if err != nil {
				return
			}
			requests <- g
			reply := packet(typeStatus, g.id, str(str(u32(nil, codeOK), ""), ""))
			switch g.kind {
			case typeOpenDir:
				reply = packet(typeHandle, g.id, str(nil, "\x00\x00\x00\x00"))
			case typeReadDir:
				reply = packet(typeName, g.id, nameBody("a", "b"))
			}
			conn.Write(reply)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	answers := make(foreseer, 16)
	if s.ListWhole(answers, "/a", 2) {
		t.Error("listed in one go before a handle was seen")
	}
	s.Probe(".")
	for _, kind := range []byte{typeOpenDir, typeClose} {
		if g := <-requests; g.kind != kind {
			t.Errorf("the probe sent %+v", g)
		}
	}
	if !s.Foresees() || !s.ListWhole(answers, "/a", 2) {
		t.Fatal("not listed in one go")
	}
	s.Flush()
	handle := str(nil, "\x00\x00\x00\x00")
	for i, want := range []got{{kind: typeOpenDir, body: str(nil, "/a")}, {kind: typeReadDir, body: handle},
		{kind: typeReadDir, body: handle}, {kind: typeClose, body: handle}} {
		if g := <-requests; g.kind != want.kind || string(g.body) != string(want.body) {
			t.Errorf("request %d is %+v, want %+v", i, g, want)
		}
	}
	for i, want := range []handleReply{{OpOpenDir, -1, true, 0}, {OpReadDir, 0, false, 2}, {OpReadDir, 1, false, 2}} {
		if r := <-answers; r != want {
			t.Errorf("reply %d is %+v, want %+v", i, r, want)
		}
	}
}

// TestOutOfOrder has a server that answers the second request first: whatever
// its handles look like, they are not foreseen.
func TestOutOfOrder(t *testing.T) {
	s, err := start(t, versionPacket(3), func(conn net.Conn) {
		var ids []uint32
		for range 2 {
			g, err := readRequest(conn)
			if err != nil {
				return
			}
			ids = append(ids, g.id)
		}
		conn.Write(packet(typeHandle, ids[1], str(nil, "\x00\x00\x00\x01")))
		conn.Write(packet(typeHandle, ids[0], str(nil, "\x00\x00\x00\x00")))
	})
	if err != nil {
		t.Fatal(err)
	}
	answers := make(foreseer, 2)
	s.OpenDir(answers, 0, "/a")
	s.OpenDir(answers, 1, "/b")
	s.Flush()
	for range 2 {
		if r := <-answers; r.foreseen {
			t.Errorf("%+v", r)
		}
	}
	if s.Foresees() {
		t.Error("handles are foreseen")
	}
}
