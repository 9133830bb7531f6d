package remote

import (
	"sync"

	"hostperm/remote/fastlane"
)

// rootListing is the listing of a root in one go that is asked for before the
// walk begins, which saves it a round trip. What arrives is kept until a walk
// takes it over, and goes to the walk from then on.
type rootListing struct {
	s    *fastlane.Session
	path string

	mu sync.Mutex
	to *listing // nil: no walk has taken it over
	replies
	kept kept
}

// listRoot asks for a root with so many READDIRs; nil: the session cannot foresee
// its handle, or the root is too large for one go, which 0 READDIRs say.
func listRoot(s *fastlane.Session, path string, reads int) *rootListing {
	r := &rootListing{s: s, path: path, replies: replies{reading: reads, eof: -1}}
	if reads == 0 || !s.ListWhole(r, path, reads) {
		return nil
	}
	return r
}

// Reply implements fastlane.Handler.
func (r *rootListing) Reply(op fastlane.Op, tag int, reply *fastlane.Reply) {
	r.mu.Lock()
	to := r.to
	if to == nil {
		if op != fastlane.OpOpenDir {
			r.readWhole(&r.kept, tag, reply) // nothing else is open that could have had it
		} else if r.openedWhole(reply) {
			r.s.Close(nil, 0, string(reply.Handle))
		}
	}
	r.mu.Unlock()
	if to != nil {
		to.Reply(op, tag, reply)
	}
}

// takeRoot has the walk begin with a listing of its root that was asked for
// before. mu is held.
func (w *walker) takeRoot() {
	r, ln := w.rootListing, w.lanes[0]
	w.rootListing = nil
	if r == nil || r.s != ln.s || r.path != w.root || w.waitHandles {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &listing{w: w, ln: ln, dir: &Dir{Path: ".", Attr: *w.rootAttr}, whole: true, returned: ln.returned, replies: r.replies}
	l.early.waits = true
	w.ahead.asked["."] = l
	ln.begin(l)
	ln.kept, r.to = r.kept, l
	if ln.kept.of != nil {
		ln.kept.of = &l.replies
	}
	if l.reading == 0 {
		l.wholeEnd()
	}
}
