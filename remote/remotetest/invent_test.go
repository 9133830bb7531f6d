package remotetest

import (
	"net"
	"strings"
	"testing"
	"time"
)

// TestInvent lists a tree that is on no disk, to a depth, by the requests that
// a client makes.
func TestInvent(t *testing.T) {
	s := start(t, Config{Faults: Faults{Invent(Invention{Root: "site", List: func(dir string, n int) []NameEntry {
		if n > 0 || Depth(dir) == 3 {
			return nil
		}
		return []NameEntry{Entry("d", 0o040755), Entry("f", 0o100644)}
	}})}})
	r := rawSession(t, s)
	for dir, want := range map[string]int{"site": 2, "site/d": 2, "site/d/d": 2, "site/d/d/d": 0} {
		if got := r.list(dir); len(got) != want {
			t.Errorf("%s has %d entries, want %d", dir, len(got), want)
		}
	}
	if mode, ok := Mode(r.ask(Lstat, "site/x").Body); !ok || mode != 0o040755 {
		t.Errorf("LSTAT: %o, %v", mode, ok)
	}
	if p := r.ask(Lstat, "elsewhere"); p.Type != Status {
		t.Errorf("LSTAT beside the invention: type %d", p.Type)
	}
}

// TestGathered has requests that come together answered together, by hooks and
// by the disk in turn: every answer comes, and none waits for a request that
// may never be sent.
func TestGathered(t *testing.T) {
	s, _ := tree(t, Deny("a/f", Lstat))
	r := rawSession(t, s)
	var all []byte
	const many = 40
	for i := range many {
		path := []string{"a/f", "a/g"}[i%2]
		all = append(all, Packet{Type: Lstat, ID: uint32(1000 + i), Body: appendString(nil, path)}.Bytes()...)
	}
	if _, err := r.w.Write(all); err != nil {
		t.Fatal(err)
	}
	got := make(map[uint32]Type)
	for range many {
		p, err := r.Receive()
		if err != nil {
			t.Fatal(err)
		}
		got[p.ID] = p.Type
	}
	for i := range many {
		if want := []Type{Status, Attrs}[i%2]; got[uint32(1000+i)] != want {
			t.Errorf("reply %d is of type %d, want %d", i, got[uint32(1000+i)], want)
		}
	}
}

// TestDrip counts that the bytes of a reply come one by one.
func TestDrip(t *testing.T) {
	const pause = 2 * time.Millisecond
	s, _ := tree(t, DripFrom(1, pause, Realpath))
	r := rawSession(t, s)
	began := time.Now()
	p := r.ask(Realpath, ".")
	if took, least := time.Since(began), time.Duration(len(p.Bytes())-1)*pause; took < least {
		t.Errorf("%d bytes took %v, want %v at least", len(p.Bytes()), took, least)
	}
}

func TestSocketHook(t *testing.T) {
	s := start(t, Config{SSH: SSHFault{Socket: Says("hello\n", 3)}})
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := strings.Repeat("hello\n", 3)
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		more, err := c.Read(got[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += more
	}
	if string(got) != want {
		t.Errorf("it says %q", got)
	}
}
