package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// echo is a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	return l.Addr().String()
}

// Each fault lets exactly the bytes before it pass, and the connections after
// the last fault see none.
func TestFaults(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), 10_000)
	const after = 54_321
	struck := false
	for _, way := range []direction{up, down} {
		for kind, ends := range map[faultKind]func(error) bool{
			cut:    func(err error) bool { return err == nil },
			reset:  func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || err == nil },
			stall:  func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) },
			strike: func(err error) bool { return err == nil && struck },
			none:   func(err error) bool { return err == nil },
		} {
			p, err := startProxy(echo(t), fault{kind: kind, way: way, after: after, then: func() { struck = true }})
			if err != nil {
				t.Fatal(err)
			}
			got, err := exchange(t, p, text)
			want := len(text)
			if kind != strike && kind != none {
				want = after
			}
			// A reset takes along what was not read yet, and what is cut on the way up
			// may not have come back.
			some := kind == reset || way == up && want == after
			if !ends(err) || !bytes.HasPrefix(text, got) || len(got) > want || !some && len(got) != want {
				t.Errorf("%s, way %d: %d bytes, %v, want %d", kind, way, len(got), err, want)
			}
			if got, err := exchange(t, p, text); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%s, way %d: then %d bytes, %v", kind, way, len(got), err)
			}
			if conns, met, _ := p.counts(); conns != 2 || (met == 1) != (kind != none) {
				t.Errorf("%s: %d connections, %d faults", kind, conns, met)
			}
			p.close()
		}
	}
}

// exchange sends text and gives what comes back until the end, until all has, or
// until nothing has for a while.
func exchange(t *testing.T, p *proxy, text []byte) ([]byte, error) {
	t.Helper()
	c, err := net.Dial("tcp", p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go c.Write(text)
	var got []byte
	buf := make([]byte, 4096)
	for len(got) < len(text) {
		c.SetReadDeadline(time.Now().Add(2 * time.Second))
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
	}
	return got, nil
}
