package remote

import (
	"bytes"
	"sync"

	"hostperm/remote/fastlane"
)

// rootListing is what is listed before the walk begins, each directory in one go:
// the root while it is resolved, and once that is there, far away, directories in
// it. Each saves the walk a round trip. What arrives is kept until a walk takes it
// over, and goes to the walk from then on.
type rootListing struct {
	s    *fastlane.Session
	path string
	into func(dir string) bool // whether a directory in the root will be walked; nil: nobody wants to know any more

	mu    sync.Mutex
	list  []*earlyListing // the root comes first
	bytes int             // kept
}

// earlyListing is one directory of a rootListing, whose mu guards it.
type earlyListing struct {
	of  *rootListing
	dir Known    // Attr means nothing for the root
	to  *listing // nil: no walk has taken it over
	replies
	kept kept
}

// maxEarly is how many directories in a root are listed before the walk begins.
const maxEarly = 64

// listRoot asks for a root with so many READDIRs; nil: the session cannot foresee
// its handle, or the root is too large for one go, which 0 READDIRs say.
func listRoot(s *fastlane.Session, path string, reads int, into func(dir string) bool) *rootListing {
	r := &rootListing{s: s, path: path, into: into}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ask(Known{Path: "."}, path, reads) {
		return nil
	}
	return r
}

// drop has nothing more be asked for. The caller has no use for the listing.
func (r *rootListing) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.into = nil
}

// ask asks for one directory, and reports whether it did. mu is held.
func (r *rootListing) ask(dir Known, full string, reads int) bool {
	e := &earlyListing{of: r, dir: dir, replies: replies{reading: reads, eof: -1}}
	if reads == 0 || !r.s.ListWhole(e, full, reads) {
		return false
	}
	r.list = append(r.list, e)
	return true
}

// Reply implements fastlane.Handler.
func (e *earlyListing) Reply(op fastlane.Op, tag int, reply *fastlane.Reply) {
	r := e.of
	r.mu.Lock()
	to := e.to
	if to == nil {
		e.take(op, tag, reply)
	}
	r.mu.Unlock()
	if to != nil {
		to.Reply(op, tag, reply)
	}
}

// take takes a reply while there is no walk. mu is held.
func (e *earlyListing) take(op fastlane.Op, tag int, reply *fastlane.Reply) {
	r := e.of
	if op == fastlane.OpOpenDir {
		if e.openedWhole(reply) {
			r.s.Close(nil, 0, string(reply.Handle))
		}
		return
	}
	if r.bytes > defaultLimits.ahead {
		e.foreseen = false // there is no room for it: it will be listed anew
	}
	had := e.kept.bytes
	e.readWhole(&e.kept, tag, reply) // nothing else is open that could have had it
	r.bytes += e.kept.bytes - had
	if e.reading == 0 && e == r.list[0] && r.into != nil && e.seenWhole(&e.kept) && r.s.RTT() >= defaultLimits.far {
		r.askInside(e.kept.replies[:e.eof])
	}
}

// askInside asks for the directories that the root has. mu is held.
func (r *rootListing) askInside(root []keptReply) {
	sizes := newSizes()
	sizes.least = farWholeReads
	for i := range root {
		for names := root[i].names; names.Next(); {
			if names.Attr.Type() != typeDir || isDots(names.Name) || bytes.IndexByte(names.Name, '/') >= 0 {
				continue
			}
			name := string(names.Name)
			full, err := absolute(r.path, name)
			if err != nil || !r.into(name) {
				continue
			}
			if len(r.list) > maxEarly {
				return
			}
			r.ask(Known{name, names.Attr}, full, sizes.wholeReads(&names.Attr))
		}
	}
}

// takeRoot has the walk begin with what was listed before. mu is held.
func (w *walker) takeRoot() {
	r, ln := w.rootListing, w.lanes[0]
	w.rootListing = nil
	if r == nil || r.s != ln.s || r.path != w.root || w.waitHandles {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list[0].dir.Attr = *w.rootAttr
	for _, e := range r.list {
		ln.takeOver(e)
	}
}

// takeOver has the walk go on with a directory as with one that it has asked for
// ahead.
func (ln *lane) takeOver(e *earlyListing) {
	l := &listing{w: ln.w, ln: ln, dir: &Dir{Path: e.dir.Path, Attr: e.dir.Attr}, whole: true, returned: ln.returned, replies: e.replies}
	l.early.waits = true
	ln.w.ahead.asked[e.dir.Path] = l
	ln.begin(l)
	e.to = l
	if e.kept.of != nil {
		ln.kept = e.kept
		ln.kept.of = &l.replies
	}
	if l.reading == 0 {
		l.wholeEnd()
	}
}
