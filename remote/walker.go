package remote

import (
	"errors"
	"fmt"
	"time"

	"hostperm/remote/fastlane"
)

const (
	typeMask = fastlane.TypeMask
	typeDir  = fastlane.TypeDir

	// autoWindow is how many directories may be open at once in one session, by
	// default. It stays below the 1,024 descriptors that a server's process
	// commonly may have, and shrinks where there are fewer.
	autoWindow = 512
	// dirsPerSession is how many directories must be known and not yet listed
	// for each session that is opened: a small web root is walked with one. Far
	// away, where it takes long to open one, fewer are enough.
	dirsPerSession    = 64
	farDirsPerSession = 2
)

var errTypeUnknown = errors.New("the server does not say what it is; it could be a directory that was not seen")

// limits bound what a walk takes from a server, and say what is far away.
type limits struct {
	name     int   // bytes of a name
	listing  int   // entries of a directory
	empties  int   // replies without an entry to one directory
	entries  int64 // of all directories, above which the walk gives up
	waiting  int   // directories waiting above which listings pause
	waitSize int   // bytes that waiting directories take above which the walk gives up
	lookSize int   // bytes that LSTATs of entries listed without a mode take at once
	ahead    int   // bytes of listings that the walk has not come to

	far time.Duration // from this round trip time on, round trips are what counts
}

var defaultLimits = limits{name: 1024, listing: 10_000_000, empties: 1000, entries: 1_000_000_000,
	waiting: 1 << 14, waitSize: 256 << 20, lookSize: 32 << 20, ahead: 8 << 20, far: 20 * time.Millisecond}

// walker is a running walk. Everything in it is guarded by operation.mu.
type walker struct {
	operation
	limits
	root        string
	rootAttr    *Attr // what is known of the root; nil: nothing
	visitor     Visitor
	progress    *Progress
	mostLanes   int
	maxWindow   int
	waitHandles bool         // WalkOptions.WaitForHandles
	rootListing *rootListing // that was asked for before; nil: none, or taken over

	dirsPerSession int
	starts         []string          // WalkOptions.From, cleaned
	rooted         bool              // the starts have been shown
	asker          *fastlane.Session // looks for the starts before that

	lanes   []*lane
	flight  flight
	memory  memory
	alone   alone
	ahead   ahead
	sizes   sizes
	pending dirQueue   // to be opened
	large   []*Dir     // to be opened first, and not in one go: they were too large for that
	paused  []*listing // open, and not read on while too many directories wait
	open    int        // directories opening or open, paused ones included
	seen    int64      // entries shown
	looking int        // bytes that the LSTATs outstanding take
	entry   Entry      // reused for every visit
}

func newWalker(root string, v Visitor, o WalkOptions) *walker {
	w := &walker{limits: defaultLimits, root: root, rootAttr: o.RootAttr, visitor: v, progress: o.Progress,
		mostLanes: o.Sessions, maxWindow: o.Window, waitHandles: o.WaitForHandles, sizes: newSizes(), memory: newMemory(),
		ahead: newAhead(o.Known)}
	if w.progress == nil {
		w.progress = &Progress{}
	}
	if w.mostLanes <= 0 {
		w.mostLanes = autoSessions
	}
	if w.maxWindow <= 0 {
		w.maxWindow = autoWindow
	}
	w.flight, w.dirsPerSession = newFlight(o.Window), dirsPerSession
	w.survive, w.again = w.laneEnded, w.goOn
	return w
}

// measured takes in how far away the server is, before anything is listed.
func (w *walker) measured(rtt time.Duration) {
	if rtt < w.far {
		w.ahead.queue = nil // it would gain nothing, and cost memory
		return
	}
	w.sizes.least, w.dirsPerSession = farWholeReads, farDirsPerSession
}

func (w *walker) gap(path string, err error) { w.visitor.Gap(path, err) }

// show hands an entry to the visitor.
func (w *walker) show(e *Entry, up *Dir) bool {
	w.progress.Entries.Add(1)
	w.steps++
	if w.seen++; w.seen > w.entries {
		w.finish(fmt.Errorf("gave up: the server lists more than %d entries", w.entries))
	}
	return w.visitor.Entry(up, e)
}

// visit shows an entry of a listing, and queues it if it is to be listed.
func (w *walker) visit(up *Dir, name []byte, a *Attr) {
	w.entry = Entry{Name: name, Attr: *a}
	if a.Type() != typeDir {
		w.show(&w.entry, up)
		return
	}
	d := &Dir{Parent: up, Path: join(up.Path, string(name)), Attr: *a}
	w.entry.Dir = d
	if !w.show(&w.entry, up) {
		return
	}
	if len(w.root)+1+len(d.Path) > maxPath {
		w.gap(d.Path, fmt.Errorf("its path is longer than %d bytes", maxPath))
		return
	}
	w.push(d)
}

func (w *walker) push(d *Dir) {
	w.progress.Waiting.Add(1)
	if w.ahead.adopt(d) {
		return
	}
	w.pending.push(d)
	if w.pending.size > w.waitSize {
		w.finish(fmt.Errorf("gave up: %d directories wait to be listed, which take more than %d MiB", w.pending.len(), w.waitSize>>20))
	}
}

// next takes the directory to be opened next; none: nil. As long as few wait it
// is the one found first, so that no long chain is begun late; above that the
// one found last, so that a tree's depth costs memory, and not its width.
func (w *walker) next() *Dir {
	switch n := w.pending.len(); {
	case n == 0:
		return nil
	case n <= w.waiting/4:
		return w.pending.popOldest()
	}
	return w.pending.popNewest()
}

// pump opens what the windows allow, and ends the walk when nothing is left.
// here is the lane whose reply is being handled, nil if there is none: it is
// flushed when there is nothing more to handle, the others now.
func (w *walker) pump(here *lane) {
	w.showArrived()
	if !w.tryAlone() {
		w.openMore(here)
		w.addLanes()
	}
	w.resume()
	for _, ln := range w.lanes {
		if ln.unsent && ln != here {
			ln.s.Flush()
		}
		ln.unsent = false
	}
	if w.rooted && w.open == 0 && len(w.alone.waiting) == 0 && !w.over {
		w.finish(nil)
	}
}

// openMore opens what the windows allow.
func (w *walker) openMore(here *lane) {
	for _, ln := range w.lanes {
		for !w.over && ln.openRefused() {
		}
	}
	for !w.over {
		ln := w.choose(here)
		if ln == nil || !ln.openNext() {
			break
		}
	}
}

// choose gives the lane to open the next directory in, nil if all are full. It
// is the one at hand, as long as no other has much less to do: what goes out to
// one session in one write costs least.
func (w *walker) choose(here *lane) *lane {
	var best *lane
	for _, ln := range w.lanes {
		if (best == nil || ln.open < best.open) && ln.hasRoom() {
			best = ln
		}
	}
	if best != nil && here != nil && here.open <= best.open+w.flight.size/4 && here.hasRoom() {
		return here
	}
	if best == nil {
		w.flight.full = w.flight.full || w.pending.len() > 0
	}
	return best
}

// resume has paused listings read on: all of them once few directories wait,
// and one when nothing else goes on.
func (w *walker) resume() {
	few := w.pending.len() <= w.waiting/2
	for n := len(w.paused); n > 0 && (few || n == w.open); n = len(w.paused) {
		l := w.paused[n-1]
		w.paused = w.paused[:n-1]
		l.ln.paused--
		l.ln.unsent = true
		l.readOn(true)
	}
}

// addLanes opens further sessions while there is work for them.
func (w *walker) addLanes() {
	for known := w.open + w.pending.len(); !w.over; {
		if !w.client.openFurther(min(w.mostLanes, 1+known/w.dirsPerSession), w.join) {
			return
		}
	}
}

// join takes a session in that was opened while the walk runs.
func (w *walker) join(s *fastlane.Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || len(w.lanes) >= w.mostLanes {
		return
	}
	w.watch(s)
	w.addLane(s)
	w.pump(nil)
}

// lost reports a directory that cannot be listed and is not open.
func (w *walker) lost(d *Dir, err error) {
	w.memory.forget(d)
	w.steps++
	w.progress.Waiting.Add(-1)
	w.gap(d.Path, err)
}
