package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"time"
)

// lasting gives a Client of f that connects again at once, up to five times in
// a row, and what it told of that.
func (f *fake) lasting(t testing.TB) (*Client, *[]Reconnect) {
	t.Helper()
	c := f.client(t)
	c.conn.replace(f.connection())
	return c, makeLasting(c, func(context.Context) (transport, error) { return f.connection(), nil })
}

// fakeConnection is one connection to a fake: once it is cut or aborted, it
// opens no session any more. Fields are guarded by fake.mu.
type fakeConnection struct {
	*fake
	cuts    int // of the server when it was made
	aborted bool
}

func (f *fake) connection() *fakeConnection {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &fakeConnection{fake: f, cuts: f.cuts}
}

func (c *fakeConnection) openSFTP(context.Context, bool) (io.ReadWriteCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.aborted || c.cuts != c.fake.cuts {
		return nil, fmt.Errorf("%w: it was cut", ErrDisconnected)
	}
	return c.open()
}

func (c *fakeConnection) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.aborted = true
	c.hangUp()
}

func makeLasting(c *Client, redial func(context.Context) (transport, error)) *[]Reconnect {
	news := new([]Reconnect)
	c.retries = retries{redial: redial, most: 5,
		first: firstWait,
		tell:  func(n Reconnect) { *news = append(*news, n) },
		pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	return news
}

// cut closes all connections. It is for hooks.
func (f *fake) cut() []byte {
	f.hangUp()
	f.conns = nil
	f.cuts++
	f.handles = make(map[string]*fakeHandle) // those of the next connection
	return []byte{}
}

// cutting has f cut at every request of a number in at, counted from 1 over all
// connections.
func (f *fake) cutting(at func(n int) bool) (requests *int) {
	requests = new(int)
	f.hook = func(fakeReq) []byte {
		if *requests++; at(*requests) {
			return f.cut()
		}
		return nil
	}
	return requests
}

// shapes are trees and servers that take different ways of listing.
func shapes() map[string]func() *fake {
	many := func(n int) (kids []*node) {
		for i := range n {
			kids = append(kids, file(fmt.Sprint("f", i)))
		}
		return kids
	}
	return map[string]func() *fake{
		"in one go": func() *fake {
			f := newFake(twoLevels(40))
			f.give = lifo
			return f
		},
		"with handles": func() *fake {
			f := newFake(dir("r", append(many(7), dir("d", append(many(9), dir("e", many(5)...))...), dir("g", many(11)...))...))
			f.perReply, f.dots = 2, true
			return f
		},
		"bad names": func() *fake {
			f := newFake(dir("r", dir("d", file("a"), file("x/y"), file("b"), file("c"), file("d")), file("z")))
			f.perReply = 1
			return f
		},
		"without modes": func() *fake {
			f := newFake(dir("r", dir("d", append(many(6), &node{name: "no mode"})...), file("x")))
			f.perReply, f.bare = 2, true
			return f
		},
		"short of handles": func() *fake {
			f := newFake(twoLevels(40))
			f.maxHandles = 2
			return f
		},
	}
}

func sameSeen(t *testing.T, what string, got, want *seen) {
	t.Helper()
	if !maps.Equal(got.entries, want.entries) || !maps.Equal(got.gaps, want.gaps) || len(got.twice) > 0 {
		t.Fatalf("%s: %d entries, gaps %q, twice %q; without a cut %d and %q",
			what, len(got.entries), got.gaps, got.twice, len(want.entries), want.gaps)
	}
}

// TestWalkCutOnce cuts the connection at each request of a walk in turn: what
// is shown is what a walk shows that was not cut.
func TestWalkCutOnce(t *testing.T) {
	for name, shape := range shapes() {
		t.Run(name, func(t *testing.T) {
			want := mustWalk(t, shape(), WalkOptions{})
			for n := 1; ; n++ {
				f := shape()
				requests := f.cutting(func(k int) bool { return k == n })
				c, news := f.lasting(t)
				p := &Progress{}
				got, err := walkAll(t, c, "/r", WalkOptions{Progress: p})
				c.Close()
				f.group.Wait()
				if *requests < n {
					if n < 10 {
						t.Errorf("%d requests", *requests)
					}
					return
				}
				if err != nil {
					t.Fatalf("cut at %d: %v", n, err)
				}
				sameSeen(t, fmt.Sprintf("cut at %d", n), got, want)
				if late := *requests == n && len(*news) == 0; !late && (len(*news) != 2 || c.retries.made != 1 || (*news)[0].Lost == nil || (*news)[1].Lost != nil) {
					t.Fatalf("cut at %d: news %+v", n, *news)
				}
				if p.Waiting.Load() != 0 || int(p.Entries.Load()) != len(want.entries) {
					t.Fatalf("cut at %d: %d waiting, %d entries", n, p.Waiting.Load(), p.Entries.Load())
				}
			}
		})
	}
}

// TestWalkCutOften cuts at every nth request: as long as something is done in
// between, the walk comes to its end.
func TestWalkCutOften(t *testing.T) {
	for name, shape := range shapes() {
		want := mustWalk(t, shape(), WalkOptions{})
		done := 0
		for n := 8; n < 80; n++ {
			f := shape()
			f.cutting(func(k int) bool { return k%n == 0 })
			c, _ := f.lasting(t)
			got, err := walkAll(t, c, "/r", WalkOptions{Window: 4})
			if err == nil {
				done++
				sameSeen(t, fmt.Sprintf("%s, cut at every %d", name, n), got, want)
			} else if !errors.Is(err, ErrDisconnected) || len(got.twice) > 0 {
				t.Errorf("%s, cut at every %d: error %v, twice %q", name, n, err, got.twice)
			}
			c.Close()
		}
		if done < 40 {
			t.Errorf("%s: %d of 72 walks came to an end", name, done)
		}
	}
}

// TestTriesWithoutProgress has a server that cuts before anything is done: five
// tries, with pauses that grow.
func TestTriesWithoutProgress(t *testing.T) {
	f := newFake(dir("r", dir("d")))
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktOpendir && r.path == "/r" {
			return f.cut()
		}
		return nil
	}
	c, news := f.lasting(t)
	var pauses []time.Duration
	c.retries.pause = func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}
	_, err := c.Lstat0(t)
	if err != nil {
		t.Fatal(err)
	}
	_, err = walkAll(t, c, "/r", WalkOptions{})
	if !errors.Is(err, ErrDisconnected) || !strings.Contains(err.Error(), "given up after 5 tries") {
		t.Errorf("error %v", err)
	}
	if got, want := fmt.Sprint(pauses), "[1s 2s 4s 8s 16s]"; got != want {
		t.Errorf("pauses %s, want %s", got, want)
	}
	if len(*news) != 10 || (*news)[8].Try != 5 {
		t.Errorf("news %+v", *news)
	}
}

// Lstat0 looks at the root.
func (c *Client) Lstat0(t *testing.T) (a Attr, err error) {
	err2 := c.Lstat(t.Context(), "/r", []string{"."}, func(_ int, at Attr, e error) { a, err = at, e })
	return a, errors.Join(err, err2)
}

// TestTriesInAll has a server that lets one more entry through each time.
func TestTriesInAll(t *testing.T) {
	big := dir("r")
	for i := range 3 * maxReconnects {
		big.kids = append(big.kids, file(fmt.Sprint(i)))
	}
	f := newFake(big)
	f.perReply = 1
	sent, left := 0, 0
	f.hook = func(r fakeReq) []byte {
		switch {
		case r.kind == pktOpendir:
			sent++
			left = sent
		case r.kind == pktReaddir:
			if left--; left < 0 {
				return f.cut()
			}
		}
		return nil
	}
	c, _ := f.lasting(t)
	got, err := walkAll(t, c, "/r", WalkOptions{})
	if !errors.Is(err, ErrDisconnected) || len(got.twice) > 0 {
		t.Errorf("error %v, twice %q", err, got.twice)
	}
	if c.retries.total != maxReconnects {
		t.Errorf("%d tries", c.retries.total)
	}
}

// TestRefusedAgain has no connection at all any more.
func TestRefusedAgain(t *testing.T) {
	f := newFake(twoLevels(40))
	f.cutting(func(k int) bool { return k == 20 })
	c := f.client(t)
	tries := 0
	makeLasting(c, func(context.Context) (transport, error) {
		tries++
		return nil, errors.New("connection refused")
	})
	got, err := walkAll(t, c, "/r", WalkOptions{})
	if !errors.Is(err, ErrDisconnected) || !strings.Contains(err.Error(), "connecting again (5 tries): connection refused") || tries != 5 {
		t.Errorf("error %v, %d tries", err, tries)
	}
	if len(got.twice) > 0 {
		t.Errorf("twice %q", got.twice)
	}
}

// TestNotAgain has errors after which no further try is made.
func TestNotAgain(t *testing.T) {
	for name, again := range map[string]error{
		"host key": otherKey("shop", "it is another"),
		"login":    &AuthError{User: "me", Host: "shop"},
		"question": fmt.Errorf("log in: %w", errAskedOnce),
		"files":    usagef("identity gone"),
	} {
		f := newFake(twoLevels(40))
		f.cutting(func(k int) bool { return k == 20 })
		c := f.client(t)
		tries := 0
		makeLasting(c, func(context.Context) (transport, error) {
			tries++
			return nil, again
		})
		_, err := walkAll(t, c, "/r", WalkOptions{})
		if !errors.Is(err, ErrDisconnected) || errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), again.Error()) || tries != 1 {
			t.Errorf("%s: error %v, %d tries", name, err, tries)
		}
	}
}

// TestProtocolErrorIsNoLoss ends the walk at once.
func TestProtocolErrorIsNoLoss(t *testing.T) {
	f := newFake(dir("r", dir("d")))
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktReaddir {
			return nameReply(r.id+99, file("x"))
		}
		return nil
	}
	c, news := f.lasting(t)
	if _, err := walkAll(t, c, "/r", WalkOptions{}); errors.Is(err, ErrDisconnected) || err == nil || len(*news) > 0 {
		t.Errorf("error %v, news %v", err, *news)
	}
}

// TestPauseEnds ends a pause, and a try, by the context and by Close.
func TestPauseEnds(t *testing.T) {
	for name, wait := range map[string]func(c *Client, started func()){
		"pause": func(c *Client, started func()) {
			c.retries.pause = func(ctx context.Context, _ time.Duration) error {
				started()
				return sleep(ctx, time.Hour)
			}
		},
		"dial": func(c *Client, started func()) {
			c.retries.redial = func(ctx context.Context) (transport, error) {
				started()
				<-ctx.Done()
				return nil, context.Cause(ctx)
			}
		},
	} {
		for _, byClose := range []bool{false, true} {
			f := newFake(twoLevels(40))
			f.cutting(func(k int) bool { return k == 20 })
			c, _ := f.lasting(t)
			ctx, cancel := context.WithCancel(t.Context())
			wait(c, func() {
				if byClose {
					go c.Close()
				} else {
					cancel()
				}
			})
			err := c.Walk(ctx, "/r", Visitor{Entry: func(*Dir, *Entry) bool { return true }, Gap: func(string, error) {}}, WalkOptions{})
			if want := map[bool]error{false: context.Canceled, true: ErrDisconnected}[byClose]; !errors.Is(err, want) {
				t.Errorf("%s, by Close %v: error %v", name, byClose, err)
			}
			cancel()
			c.Close()
		}
	}
}

// TestLostBetweenCalls has the connection end while nothing goes on.
func TestLostBetweenCalls(t *testing.T) {
	f := newFake(dir("r", file("x")))
	c, news := f.lasting(t)
	if _, err := c.Lstat0(t); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.cut()
	f.mu.Unlock()
	<-c.lanes.all()[0].Done()
	results, err := change(t, t.Context(), c, "/r", f.asAudited(0o600, "x"))
	if err != nil || results[0].Outcome != ChangeApplied || len(*news) != 2 {
		t.Errorf("error %v, %+v, news %v", err, results, *news)
	}
}

// TestOtherRoot has the root be another after the connection was lost.
func TestOtherRoot(t *testing.T) {
	link := func(f *fake) func(fakeReq) []byte {
		return func(r fakeReq) []byte {
			if r.kind == pktRealpath && r.arg == "/r" {
				return nameReply(r.id, file("/r/d"))
			}
			return nil
		}
	}
	for name, test := range map[string]struct {
		then func(f *fake) func(fakeReq) []byte
		why  string
	}{
		"elsewhere": {link, `it was "/r", and is "/r/d" now`},
		"gone": {func(f *fake) func(fakeReq) []byte {
			f.top = nil
			return nil
		}, "no such file"},
		"another's": {func(f *fake) func(fakeReq) []byte {
			f.top.attr.UID = 7
			return nil
		}, "it belonged to 1000, and belongs to 7 now"},
		"as before": {func(*fake) func(fakeReq) []byte { return nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(dir("r", dir("d", file("x")), dir("e")))
			c, _ := f.lasting(t)
			root, err := c.ResolveRoot(t.Context(), Target{Path: "/r", HasPath: true})
			if err != nil || root.Path != "/r" {
				t.Fatalf("%+v, %v", root, err)
			}
			f.mu.Lock()
			f.hook = func(r fakeReq) []byte {
				if r.kind == pktReaddir && r.path == "/r/d" {
					f.hook = test.then(f)
					return f.cut()
				}
				return nil
			}
			f.mu.Unlock()
			_, err = walkAll(t, c, "/r", WalkOptions{RootAttr: &root.Attr})
			if test.why == "" && err == nil {
				return
			}
			if !errors.Is(err, errOtherRoot) || !errors.Is(err, ErrDisconnected) || test.why == "" || !strings.Contains(err.Error(), test.why) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestWalkCutAtRoot cuts all of several sessions before a walk has seen its
// root: nothing is there to be listed then, and that must not pass for the end.
func TestWalkCutAtRoot(t *testing.T) {
	f := newFake(twoLevels(300))
	c, _ := f.lasting(t)
	want, err := walkAll(t, c, "/r", WalkOptions{})
	if n := len(c.lanes.live()); err != nil || n < 2 {
		t.Fatalf("%d sessions, error %v", n, err)
	}
	f.between(func() {
		f.hook = func(r fakeReq) []byte {
			if r.kind == pktLstat && r.path == "/r" {
				f.hook = nil
				return f.cut()
			}
			return nil
		}
	})
	got, err := walkAll(t, c, "/r", WalkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sameSeen(t, "cut at the root", got, want)
}
