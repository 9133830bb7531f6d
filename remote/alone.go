package remote

import "hostperm/remote/fastlane"

// aloneTries is how many directories must have failed alone, one after the
// other, before a failure is believed that a session's own handles cannot
// explain: a server that fails everything shall not keep a walk for days.
const aloneTries = 8

// alone tells whether sessions share their handles. OpenSSH runs a process for
// each session, ProFTPD one for all, and then a session that has no handle open
// can be refused one for those of another. A directory that failed for no
// reason that its own session knows of is opened once more while nothing else
// is: if that works, the other sessions are not used any further.
type alone struct {
	waiting []*Dir
	trying  *listing
	failed  int // in a row
}

// failed takes an OPENDIR that failed, and not for a lack of its session's
// handles.
func (w *walker) failed(l *listing, err error) {
	switch {
	case l == w.alone.trying:
		w.alone.trying = nil
		w.alone.failed++
	case len(w.lanes) > 1 && w.alone.failed < aloneTries:
		w.alone.waiting = append(w.alone.waiting, l.dir)
		return
	}
	w.lost(l.dir, err)
}

// tryAlone reports whether the walk is to open nothing else now. Once nothing
// is open, it opens the next directory that waits for that.
func (w *walker) tryAlone() bool {
	a := &w.alone
	if a.trying != nil {
		return true
	}
	n := len(a.waiting)
	if n == 0 {
		return false
	}
	for _, ln := range w.lanes {
		if ln.open > 0 || ln.closing > 0 {
			return true
		}
	}
	a.trying = w.lanes[0].list(a.waiting[n-1], nil)
	a.waiting = a.waiting[:n-1]
	return true
}

// opened takes in that a directory could be opened.
func (a *alone) opened(w *walker, l *listing) {
	if a.trying != l {
		return
	}
	a.trying, a.failed = nil, 0
	w.shareOneLane()
}

// shareOneLane has the walk go on in one session.
func (w *walker) shareOneLane() {
	for _, ln := range w.lanes[1:] {
		for _, r := range ln.refused {
			w.large = append(w.large, r.dir)
		}
	}
	w.lanes, w.mostLanes = w.lanes[:1], 1
}

// closed is told of an answer to CLOSE.
type closed struct{ ln *lane }

// Reply implements fastlane.Handler.
func (c closed) Reply(fastlane.Op, int, *fastlane.Reply) {
	w := c.ln.w
	w.mu.Lock()
	defer w.mu.Unlock()
	c.ln.closing--
	if len(w.alone.waiting) > 0 && !w.over {
		w.pump(c.ln)
	}
}
