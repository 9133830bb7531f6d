package main

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"strconv"
	"testing"
	"time"
)

// echo listens, and sends back what each connection gets, and its end.
func echo(t *testing.T) (addr string) {
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
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func dialProxy(t *testing.T, delay time.Duration) *net.TCPConn {
	t.Helper()
	p, err := startProxy(echo(t), delay)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

func TestProxyDelaysBothDirections(t *testing.T) {
	const delay = 30 * time.Millisecond
	c := dialProxy(t, delay)
	reply := make([]byte, 1)
	for range 3 {
		begin := time.Now()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, reply); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 2*delay {
			t.Errorf("there and back in %v, want at least %v", took, 2*delay)
		}
	}
}

// All is there, in order, and then the end. A proxy that had one chunk under way
// at a time would take a second for each 64 KiB, so 1024 of them: the deadline
// is far from what any machine takes, and from that.
func TestProxyKeepsOrderAndDoesNotThrottle(t *testing.T) {
	const delay = time.Second
	c := dialProxy(t, delay)
	c.SetDeadline(time.Now().Add(5 * time.Minute))
	sent := make([]byte, 64<<20)
	rand.Read(sent)
	go func() {
		for rest := sent; len(rest) > 0; {
			n := min(len(rest), 8<<10)
			if _, err := c.Write(rest[:n]); err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
		c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back, not the %d that were sent", len(got), len(sent))
	}
}

func TestProxyPassesTheEndOnLate(t *testing.T) {
	const delay = 30 * time.Millisecond
	c := dialProxy(t, delay)
	begin := time.Now()
	c.CloseWrite()
	rest, err := io.ReadAll(c)
	if err != nil || len(rest) > 0 {
		t.Fatalf("got %q, %v; want the end", rest, err)
	}
	if took := time.Since(begin); took < 2*delay {
		t.Errorf("the end came back after %v, want at least %v", took, 2*delay)
	}
}

// Without this, a server that hangs would keep the program from ending.
func TestProxyCloseEndsConnections(t *testing.T) {
	p, err := startProxy(echo(t), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port())))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p.close()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
}
