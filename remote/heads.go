package remote

import (
	"context"
	"errors"
	"fmt"

	"hostperm/remote/fastlane"
)

// HeadRequest asks for the first bytes of a file.
type HeadRequest struct {
	Path   string // relative to the root
	Expect Attr   // what the entry must still look like, as in ChangeRequest
}

// The shortest and the longest head, in bytes: what tells an ELF program, and
// more than the line that names a script's interpreter commonly has.
const (
	MinHead = 4
	MaxHead = 256
)

const (
	// headWindow is how many files of a session are open at once, as for changes.
	headWindow = changeWindow
	// headsAhead is how many files of a session are on their way at once, those
	// included of which only the entry is looked at.
	headsAhead = 2 * headWindow
	// headsPerSession is how many files are asked for, for each session that is
	// opened.
	headsPerSession = 256
)

// Heads reads the first n bytes, MinHead to MaxHead, of regular files below
// root, an absolute path that the server has resolved. What a request expects
// is compared before the file is opened, and again by its handle before it is
// read, so that no FIFO is waited for and nothing is read that a symlink leads
// to; what remains of that is as for Change. Reading does not change a file,
// its time of access excepted.
//
// each is called once for every request, in any order, never twice at a time,
// with the index in reqs. head is valid during the call only, and shorter than
// n if the file is; it is nil if err is not. Whatever is wrong with one entry,
// exchanged or not readable, is its err, and ends nothing: ErrNotExist and
// ErrPermission where the server says so.
//
// An error of Heads itself is ctx's, or wraps ErrDisconnected or
// fastlane.ErrProtocol; each has then been called for some requests only.
func (c *Client) Heads(ctx context.Context, root string, n int, reqs []HeadRequest, each func(i int, head []byte, err error)) error {
	if n < MinHead || n > MaxHead {
		return fmt.Errorf("read the first %d bytes of files: only %d to %d are", n, MinHead, MaxHead)
	}
	if len(reqs) == 0 {
		return nil
	}
	h := &header{n: uint32(n), reqs: reqs, each: each, ways: newWays(root), done: make([]bool, len(reqs))}
	h.again = h.goOn
	return c.run(ctx, root, &h.operation, h.begin)
}

// header is a running Heads. Everything in it is guarded by operation.mu.
type header struct {
	operation
	n    uint32
	reqs []HeadRequest
	each func(i int, head []byte, err error)
	ways *ways

	next     int // first request not started
	answered int
	done     []bool // by request: it was answered
	looked   bool   // at the ways
	lanes    []*headLane
	holding  int // jobs between OPEN and CLOSE, in all lanes
	window   int // how many may be
	free     []*headJob
}

// headLane is one session's part of it.
type headLane struct {
	s       *fastlane.Session
	going   int        // jobs that have no answer yet
	ready   []*headJob // looked at; OPEN comes next, for the last first
	holding int        // jobs between OPEN and CLOSE
	unsent  bool       // a request was sent that nobody has flushed
}

// begin looks at all directories on the way first: no file is opened before.
func (h *header) begin(all []*fastlane.Session) {
	for _, s := range all {
		h.addLane(s)
	}
	for h.client.openFurther(min(h.client.most, len(h.reqs)/headsPerSession), h.join) {
	}
	for i := range h.reqs {
		if checkRelative(h.reqs[i].Path) == nil {
			h.ways.add(h.reqs[i].Path)
		}
	}
	h.ways.look(&h.operation, all[0], func() {
		h.looked = true
		h.pump(nil)
	})
	h.pump(nil)
}

// goOn goes on with new sessions: what has no answer yet is asked for anew.
func (h *header) goOn(all []*fastlane.Session) {
	h.lanes, h.free, h.holding, h.next, h.looked = nil, nil, 0, 0, false
	h.ways = newWays(h.ways.root)
	h.begin(all)
}

func (h *header) addLane(s *fastlane.Session) {
	h.lanes = append(h.lanes, &headLane{s: s})
	h.window = headWindow * len(h.lanes)
}

// join takes a session in that was opened on the way.
func (h *header) join(s *fastlane.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return
	}
	h.watch(s)
	h.addLane(s)
	h.pump(nil)
}

// pump starts what the windows allow, and ends the operation when all is done.
// here is the lane whose reply is being handled, nil if there is none: it is
// flushed when there is nothing more to handle, the others now.
func (h *header) pump(here *headLane) {
	for h.next < len(h.reqs) {
		if h.done[h.next] {
			h.next++
			continue
		}
		ln := h.choose(here)
		if ln == nil {
			break
		}
		h.next++
		h.start(ln, h.next-1)
	}
	for _, ln := range h.lanes {
		for h.looked && h.holding < h.window && ln.holding < headWindow && len(ln.ready) > 0 {
			j := ln.ready[len(ln.ready)-1]
			ln.ready = ln.ready[:len(ln.ready)-1]
			j.open()
		}
		if ln.unsent && ln != here {
			ln.s.Flush()
		}
		ln.unsent = false
	}
	if h.answered == len(h.reqs) {
		h.finish(nil)
	}
}

// choose gives the lane for the next file, nil if all are full: the one at
// hand, as long as no other has much less to do.
func (h *header) choose(here *headLane) *headLane {
	var best *headLane
	for _, ln := range h.lanes {
		if ln.going < headsAhead && (best == nil || ln.going < best.going) {
			best = ln
		}
	}
	if best != nil && here != nil && here.going < headsAhead && here.going <= best.going+headWindow/8 {
		return here
	}
	return best
}

// start begins with a file, unless the request itself is none.
func (h *header) start(ln *headLane, i int) {
	req := &h.reqs[i]
	path, err := absolute(h.ways.root, req.Path)
	if err == nil && req.Expect.Type() != fastlane.TypeRegular {
		err = errors.New("only regular files are looked into")
	}
	if err != nil {
		h.answer(i, nil, err)
		return
	}
	var j *headJob
	if n := len(h.free); n > 0 {
		j, h.free = h.free[n-1], h.free[:n-1]
	} else {
		j = new(headJob)
	}
	*j = headJob{h: h, ln: ln, i: i, path: path, handle: j.handle[:0]}
	ln.going++
	j.lookFirst()
}

// answer gives a request its one answer.
func (h *header) answer(i int, head []byte, err error) {
	h.answered++
	h.steps++
	h.done[i] = true
	h.each(i, head, err)
}

// openFailed deals with an OPEN that failed without a reason, as changer does:
// it reports whether it will be tried again, with fewer files open.
func (h *header) openFailed(j *headJob) bool {
	if h.holding == 1 {
		h.window = headWindow * len(h.lanes)
		return false
	}
	h.window = max(1, h.holding/2)
	j.release()
	j.lookFirst()
	return true
}
