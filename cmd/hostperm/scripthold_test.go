package main

import (
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hostperm/remote/remotetest"
)

// hold keeps one request of a script's server waiting, and with it the command
// that made it, while the server answers all others.
type hold struct {
	reached  chan struct{} // closed when the request has come
	released chan struct{} // closed when it may go on
}

// holdValue is where a script keeps its holds, the newest last, as a *[]*hold.
type holdValue struct{}

func holdsOf(ts *testscript.TestScript) *[]*hold { return ts.Value(holdValue{}).(*[]*hold) }

// lastHold is the one that a script means.
func lastHold(ts *testscript.TestScript) *hold {
	holds := *holdsOf(ts)
	if len(holds) == 0 {
		ts.Fatalf("no server holds anything: serve DIR hold=N")
	}
	return holds[len(holds)-1]
}

// scriptHold makes a fault that holds the nth request of a type.
func scriptHold(ts *testscript.TestScript, n int, what remotetest.Type) remotetest.Fault {
	h := &hold{make(chan struct{}), make(chan struct{})}
	holds := holdsOf(ts)
	*holds = append(*holds, h)
	return remotetest.BeforeRequest(n, func(string) {
		close(h.reached)
		<-h.released
	}, what)
}

// release may be called again, by one goroutine.
func (h *hold) release() {
	select {
	case <-h.released:
	default:
		close(h.released)
	}
}

// releaseAll lets everything go on. A server that holds a request could not be
// closed.
func releaseAll(ts *testscript.TestScript) {
	for _, h := range *holdsOf(ts) {
		h.release()
	}
}

// patience is how long a script waits for what comes at once unless something
// is broken.
const patience = time.Minute

func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: await")
	}
	select {
	case <-lastHold(ts).reached:
	case <-time.After(patience):
		ts.Fatalf("no request came that is to be held")
	}
}

func scriptRelease(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: release")
	}
	lastHold(ts).release()
}
