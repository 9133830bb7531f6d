package remote

import (
	"errors"
	"fmt"

	"hostperm/remote/fastlane"
)

const (
	typeMask = fastlane.TypeMask
	typeDir  = fastlane.TypeDir

	// autoWindow is how many directories are open at once by default. Far away
	// this decides how fast a walk is; it stays below the 1,024 descriptors that
	// a server's process commonly may have, and shrinks where there are fewer.
	autoWindow = 512
	// growAfter times the window is how many directories must have been opened
	// since the last failure before the window grows by one, so that a server
	// at its limit refuses less than one OPENDIR in a hundred.
	growAfter = 16
)

var errTypeUnknown = errors.New("the server does not say what it is; it could be a directory that was not seen")

// limits bound what a walk takes from a server.
type limits struct {
	name    int // bytes of a name
	listing int // entries of a directory
	waiting int // directories waiting above which listings pause
	fatal   int // directories waiting above which the walk gives up
}

var defaultLimits = limits{name: 1024, listing: 10_000_000, waiting: 1 << 14, fatal: 1 << 22}

// walker is a running walk. Everything in it is guarded by operation.mu.
type walker struct {
	operation
	limits
	s        *fastlane.Session
	root     string
	visitor  Visitor
	progress *Progress

	pending []*Dir     // to be opened, last in first out: a tree's depth costs memory, not its width
	refused []*reopen  // OPENDIR failed, perhaps for want of handles; to be tried again
	paused  []*listing // open, and not read on while too many directories wait
	open    int        // directories opening or open, paused ones included
	entry   Entry      // reused for every visit

	// The window, and what is known of the server's supply of handles. Replies
	// come in order on every server known, so that how many handles the server
	// held when it answered can be told from the counts.
	window    int // directories that may be open at once
	maxWindow int
	granted   int // handles received so far
	returned  int // handles for which CLOSE was sent so far
	most      int // the most that the server held at once
	opened    int // directories opened since the window last changed
}

// reopen is a directory whose OPENDIR failed.
type reopen struct {
	dir    *Dir
	below  int // is tried again when at most so many are open
	window int // the window before the failure
}

func newWalker(root string, v Visitor, o WalkOptions) *walker {
	w := &walker{limits: defaultLimits, root: root, visitor: v, progress: o.Progress, maxWindow: o.Window}
	if w.progress == nil {
		w.progress = &Progress{}
	}
	if w.maxWindow <= 0 {
		w.maxWindow = autoWindow
	}
	w.window = w.maxWindow
	return w
}

func (w *walker) gap(path string, err error) { w.visitor.Gap(path, err) }

// show hands an entry to the visitor.
func (w *walker) show(e *Entry, up *Dir) bool {
	w.progress.Entries.Add(1)
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
	w.pending = append(w.pending, d)
	w.progress.Waiting.Add(1)
	if len(w.pending) > w.fatal {
		w.finish(fmt.Errorf("more than %d directories wait to be listed", w.fatal))
	}
}

// pump opens what the window allows, and ends the walk when nothing is left.
func (w *walker) pump() {
	for w.open < w.window && !w.over {
		if n := len(w.refused); n > 0 && w.open <= w.refused[n-1].below {
			again := w.refused[n-1]
			w.refused = w.refused[:n-1]
			w.opendir(again.dir, again)
		} else if n := len(w.pending); n > 0 {
			d := w.pending[n-1]
			w.pending[n-1] = nil
			w.pending = w.pending[:n-1]
			w.opendir(d, nil)
		} else {
			break
		}
	}
	w.resume()
	if w.open == 0 && !w.over {
		w.finish(nil)
	}
}

// resume has paused listings read on: all of them once few directories wait,
// and one when nothing else goes on.
func (w *walker) resume() {
	few := len(w.pending) <= w.waiting/2
	for n := len(w.paused); n > 0 && (few || n == w.open); n = len(w.paused) {
		l := w.paused[n-1]
		w.paused = w.paused[:n-1]
		l.read()
	}
}

// mayPause reports whether one more listing may pause: there is enough to do,
// and at least half of the window is left to do it.
func (w *walker) mayPause() bool {
	return len(w.pending) > w.waiting && len(w.paused) < w.window/2
}

func (w *walker) opendir(d *Dir, again *reopen) {
	w.open++
	l := &listing{w: w, dir: d, again: again, returned: w.returned, ahead: firstReads, eof: -1}
	w.s.OpenDir(l, 0, below(w.root, d.Path))
}

// gotHandle counts a handle that was granted to l.
func (w *walker) gotHandle(l *listing) {
	w.granted++
	w.most = max(w.most, w.granted-l.returned)
	w.opened++
	if w.opened >= growAfter*w.window && w.window < w.maxWindow {
		w.window++
		w.opened = 0
	}
}

// noHandle deals with an OPENDIR that failed without a reason. While others
// are open it may be a lack of handles: the directory is tried again with at
// most half of them open, and the window shrinks to what the server was able
// to hold, unless it is known to hold twice as many. It is believed when it
// fails alone, or again with half of what the server is known to hold.
func (w *walker) noHandle(l *listing, err error) {
	held := w.granted - l.returned
	plenty := held <= w.most/2
	again := &reopen{dir: l.dir, below: held / 2, window: w.window}
	if l.again != nil {
		again.below = min(again.below, l.again.below/2)
		again.window = max(again.window, l.again.window)
	}
	w.open--
	if held == 0 || l.again != nil && (plenty || l.again.below == 0) {
		w.window = again.window
		w.lost(l, err)
		return
	}
	if !plenty {
		w.window = max(1, min(w.window, held))
		w.opened = 0
	}
	w.refused = append(w.refused, again)
}

// lost reports a directory that cannot be listed and is not open.
func (w *walker) lost(l *listing, err error) {
	w.progress.Waiting.Add(-1)
	w.gap(l.dir.Path, err)
}
