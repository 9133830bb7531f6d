package remote

import (
	"slices"

	"hostperm/remote/fastlane"
)

// growAfter times the window is how many directories must have been opened
// since the last failure before the window grows by one, so that a server at
// its limit refuses less than one OPENDIR in a hundred.
const growAfter = 16

// lane is one session's part of a walk. It is guarded by the walker's mu.
type lane struct {
	w        *walker
	s        *fastlane.Session
	listings map[*listing]struct{} // in progress
	refused  []*reopen             // OPENDIR failed, perhaps for want of handles; to be tried again
	open     int                   // listings in progress
	keeping  int                   // of these, those that keep a handle open, or will
	closing  int                   // CLOSEs not yet answered
	paused   int                   // of these, those that are paused
	unsent   bool                  // a request was sent that nobody has flushed
	kept     kept                  // replies to a directory that is listed in one go

	// The window, and what is known of the server's supply of handles. Replies
	// come in order on every server known, so that how many handles the server
	// held when it answered can be told from the counts.
	window   int // listings that may keep a handle open
	granted  int // handles received so far
	returned int // handles for which CLOSE was sent so far
	most     int // the most that the server held at once
	opened   int // directories opened since the window last changed
}

// reopen is a directory whose OPENDIR failed.
type reopen struct {
	dir    *Dir
	below  int // is tried again when at most so many handles are kept
	window int // the window before the failure
}

func (w *walker) addLane(s *fastlane.Session) {
	switch {
	case len(w.lanes) == 0:
		w.measured(s.RTT())
	case w.lanes[0].s.Foresees():
		s.Foresee() // it is the same server
	}
	w.lanes = append(w.lanes, &lane{w: w, s: s, window: w.maxWindow, listings: make(map[*listing]struct{})})
	w.flight.measured(s.RTT(), len(w.lanes))
}

// hasRoom reports whether one more directory may be opened.
func (ln *lane) hasRoom() bool {
	return ln.open-ln.paused < ln.w.flight.size && (ln.keeping < ln.window || len(ln.w.large) == 0 && ln.s.Foresees())
}

// openRefused opens a directory again that was refused, if it is time to.
func (ln *lane) openRefused() bool {
	n := len(ln.refused)
	if n == 0 || ln.open-ln.paused >= ln.w.flight.size || ln.keeping > ln.refused[n-1].below {
		return false
	}
	again := ln.refused[n-1]
	ln.refused = ln.refused[:n-1]
	ln.list(again.dir, again)
	return true
}

// openNext opens the directory whose turn it is, in a lane that has room, and
// reports whether there was one.
func (ln *lane) openNext() bool {
	w := ln.w
	if n := len(w.large); n > 0 {
		d := w.large[n-1]
		w.large = w.large[:n-1]
		ln.list(d, nil)
		return true
	}
	d := w.next()
	switch {
	case d == nil:
		return ln.askAhead()
	case ln.listWhole(d) != nil:
	case ln.keeping < ln.window:
		ln.list(d, nil)
	default:
		w.large = append(w.large, d) // until handles are given back
	}
	return true
}

func (ln *lane) begin(l *listing) {
	ln.open++
	ln.w.open++
	ln.unsent = true
	ln.listings[l] = struct{}{}
}

// end takes a listing out.
func (ln *lane) end(l *listing) {
	delete(ln.listings, l)
	ln.open--
	ln.w.open--
	if !l.whole {
		ln.keeping--
	}
	ln.w.flight.ended(len(ln.w.lanes))
}

// inUse reports whether the walk still uses the lane.
func (ln *lane) inUse() bool { return slices.Contains(ln.w.lanes, ln) }

// list opens a directory, to be read when its handle is there.
func (ln *lane) list(d *Dir, again *reopen) *listing {
	l := &listing{w: ln.w, ln: ln, dir: d, again: again, returned: ln.returned, ahead: ln.w.sizes.reads(&d.Attr), replies: replies{eof: -1}}
	ln.keeping++
	ln.begin(l)
	ln.s.OpenDir(l, 0, below(ln.w.root, d.Path))
	return l
}

// closeHandle gives a handle back.
func (ln *lane) closeHandle(handle string) {
	ln.closing++
	ln.returned++
	ln.s.Close(closed{ln}, 0, handle)
}

// gotHandle counts a handle that was granted to l.
func (ln *lane) gotHandle(l *listing) {
	ln.w.alone.opened(ln.w, l)
	ln.granted++
	ln.most = max(ln.most, ln.granted-l.returned)
	ln.opened++
	if ln.opened >= growAfter*ln.window && ln.window < ln.w.maxWindow {
		ln.window++
		ln.opened = 0
	}
}

// noHandle deals with an OPENDIR that failed without a reason. While others
// are open it may be a lack of handles: the directory is tried again with at
// most half of them open, and the window shrinks to what the server was able
// to hold, unless it is known to hold twice as many. It is believed when it
// fails alone, or again with half of what the server is known to hold; but see
// walker.alone.
func (ln *lane) noHandle(l *listing, err error) {
	held := ln.granted - l.returned
	plenty := held <= ln.most/2
	again := &reopen{dir: l.dir, below: held / 2, window: ln.window}
	if l.again != nil {
		again.below = min(again.below, l.again.below/2)
		again.window = max(again.window, l.again.window)
	}
	ln.end(l)
	if held == 0 || l.again != nil && (plenty || l.again.below == 0) {
		ln.window = again.window
		ln.w.failed(l, err)
		return
	}
	if !plenty {
		ln.window = max(1, min(ln.window, held))
		ln.opened = 0
	}
	ln.refused = append(ln.refused, again)
}
