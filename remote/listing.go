package remote

import (
	"bytes"
	"errors"
	"fmt"

	"hostperm/remote/fastlane"
)

const (
	// firstReads is how many READDIRs follow an OPENDIR: one for the entries of
	// a directory of common size, and one that finds its end.
	firstReads = 2
	// maxReads is the most READDIRs outstanding on one directory.
	maxReads = 128
	// fullReply is the number of entries above which a reply is taken to be one
	// of many: OpenSSH sends up to 100, ProFTPD about 20. A guess that is wrong
	// costs a round trip, or a READDIR that finds the end again.
	fullReply = 16
	// maxLookups is the most LSTATs outstanding on one directory, for entries
	// that were listed without a mode.
	maxLookups = 512
	// maxBadNames is how many bad names of one directory are reported one by
	// one; the others are counted.
	maxBadNames = 10
	// tooManyBadNames is how many of them end a listing: it is no directory.
	tooManyBadNames = 1000
)

// listing is one directory being listed. Everything in it is guarded by the
// walker's mu.
type listing struct {
	w        *walker
	ln       *lane
	dir      *Dir
	again    *reopen // not nil: OPENDIR has failed before
	returned int     // lane.returned when OPENDIR was sent
	handle   string
	whole    bool // listed in one go; see whole.go
	early    early

	replies
	sent    int  // READDIRs sent; the tag of the next one
	ahead   int  // READDIRs that may be outstanding
	broken  bool // a gap has been reported, and no more is asked for
	lookups int  // LSTATs outstanding
	looking int  // bytes that they take

	brings   bool // the last reply had directories that wait now
	empties  int  // replies without an entry
	entries  int  // listed so far, an empty reply counted as one
	dots     [3]int
	badNames int
	repeats  repeats
}

// replies is what the replies to a listing have said so far.
type replies struct {
	reading  int   // READDIRs outstanding
	eof      int   // tag of the first READDIR that found the end; -1: none yet
	foreseen bool  // of one in one go: its handle was as foreseen
	denied   error // of one in one go: what OPENDIR said
}

// Reply implements fastlane.Handler.
func (l *listing) Reply(op fastlane.Op, tag int, r *fastlane.Reply) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.w.over {
		return
	}
	switch {
	case l.whole:
		l.wholeReply(op, tag, r)
	case op == fastlane.OpOpenDir:
		l.opened(r)
	default:
		l.reading--
		l.readdir(tag, r)
		l.read()
	}
	l.w.pump(l.ln)
}

func (l *listing) opened(r *fastlane.Reply) {
	switch err := r.Err(); {
	case err == nil:
		l.handle = string(r.Handle)
		l.ln.gotHandle(l)
		l.read()
	case errors.Is(err, fastlane.ErrFailure):
		l.ln.noHandle(l, err)
	default:
		l.ln.end(l)
		l.w.lost(l.dir, statusError(err))
	}
}

// read sends the READDIRs that may go out now. A directory that has nothing
// outstanding afterwards is closed if it is done, and else paused.
func (l *listing) read() { l.readOn(false) }

// readOn is read, which with must set does not pause: the listing is the only
// one that can go on.
func (l *listing) readOn(must bool) {
	w := l.w
	done := l.whole || l.broken || l.eof >= 0
	if !done && l.lookups < maxLookups && (must || !l.mayPause()) {
		for ; l.reading < l.ahead; l.reading++ {
			l.ln.s.ReadDir(l, l.sent, l.handle)
			l.sent++
		}
	}
	switch {
	case l.reading > 0 || l.lookups > 0:
	case done:
		l.close()
	default:
		w.paused = append(w.paused, l)
		l.ln.paused++
	}
}

// mayPause reports whether the listing may pause: there is enough to do, and at
// least half of the window is left to do it. One that brings no more to do does
// not: it would only take the place of those that do.
func (l *listing) mayPause() bool {
	return l.brings && l.w.pending.len() > l.w.waiting && l.ln.paused < l.ln.window/2
}

// close gives the handle back, and does not wait to hear of it: a handle that
// the server then cannot close is the server's loss.
func (l *listing) close() {
	w := l.w
	if more := l.badNames - maxBadNames; more > 0 {
		w.gap(l.dir.Path, fmt.Errorf("the server listed %d more names that cannot be", more))
	}
	if !l.whole {
		l.ln.closeHandle(l.handle)
	}
	l.ln.end(l)
	w.memory.forget(l.dir)
	w.steps++
	w.progress.Waiting.Add(-1)
	if !l.broken {
		w.progress.Listed.Add(1)
	}
}

// fail reports that the rest of the directory was not seen, once.
func (l *listing) fail(err error) {
	if !l.broken {
		l.broken = true
		l.w.gap(l.dir.Path, err)
	}
}

// readdir takes one reply. Requests on a handle are served in the order in
// which they were sent (section 6.1 of the draft), so an error of a READDIR
// behind one that found the end means nothing, and names there are no part of
// the listing.
func (l *listing) readdir(tag int, r *fastlane.Reply) {
	behind := l.eof >= 0 && tag > l.eof
	switch {
	case r.EOF():
		if l.eof < 0 && l.entries == 0 && !l.broken {
			l.isEmpty()
		}
		if l.eof < 0 || tag < l.eof {
			l.eof = tag
		}
	case r.Err() != nil:
		if !behind {
			l.fail(fmt.Errorf("listed in part only: %w", statusError(r.Err())))
		}
	case behind:
		if r.Names.Len() > 0 {
			l.fail(errors.New("the server went on listing behind the end"))
		}
	default:
		l.names(&r.Names)
	}
}

func (l *listing) names(names *fastlane.Names) {
	if n := names.Len(); n >= fullReply || l.reading == 0 {
		// No more than may wait: what is on its way cannot be paused.
		l.ahead = min(l.ahead+1, maxReads, max(1, l.w.waiting/max(n, 1)))
	} else {
		l.ahead = max(l.reading, 1) // the end is probably near: do not read past it
	}
	if names.Len() == 0 {
		l.entries++
		if l.empties++; l.empties > l.w.empties {
			l.fail(fmt.Errorf("the server sends replies without an entry, %d by now, and no end", l.empties))
		}
	}
	if l.lookups > 0 {
		l.ahead = 1 // each entry costs a request of its own: what is read ahead would only wait
	}
	waiting := l.w.pending.len()
	for !l.broken && !l.w.over && names.Next() {
		l.entries++
		l.name(names.Name, &names.Attr)
	}
	l.brings = l.w.pending.len() > waiting
	if l.entries > l.w.listing {
		l.fail(fmt.Errorf("the server lists more than %d entries", l.w.listing))
	}
}

// name takes one entry of the listing.
func (l *listing) name(name []byte, a *Attr) {
	if reason := l.objection(name); reason != "" {
		if l.badNames++; l.badNames <= maxBadNames && l.isNew(name) {
			l.w.gap(l.dir.Path, fmt.Errorf("the server listed %q: %s", name[:min(len(name), l.w.name)], reason))
		}
		if l.badNames > tooManyBadNames {
			l.fail(fmt.Errorf("listed in part only: more than %d names that cannot be", tooManyBadNames))
		}
		return
	}
	switch {
	case isDots(name):
	case l.repeats.found(name):
		l.fail(errors.New("the listing repeats itself"))
	case !a.HasMode():
		l.lookUp(string(name), a)
	case l.isNew(name):
		l.w.visit(l.dir, name, a)
	}
}

// isNew reports whether a name was not shown when the directory was listed
// before, and remembers that it is now. What is shown in one go need not be
// remembered.
func (l *listing) isNew(name []byte) bool {
	shown := l.dir.shown
	if l.whole && shown == nil || shown != nil && shown.lost && shown.before == 0 {
		return true
	}
	m := &l.w.memory
	hash := m.hash(name)
	if m.has(l.dir, hash) {
		return false
	}
	m.add(l.dir, hash)
	return true
}

func isDots(name []byte) bool {
	return len(name) <= 2 && (string(name) == "." || string(name) == "..")
}

// objection says what is wrong with a name, or nothing. "." and ".." are
// listed by most servers, once each.
func (l *listing) objection(name []byte) string {
	switch {
	case len(name) == 0:
		return "an empty name"
	case isDots(name):
		if l.dots[len(name)]++; l.dots[len(name)] > 1 {
			return "more than once"
		}
	case len(name) > l.w.name:
		return fmt.Sprintf("a name of %d bytes", len(name))
	case bytes.IndexByte(name, '/') >= 0:
		return "a name with a slash"
	case bytes.IndexByte(name, 0) >= 0:
		return "a name with a NUL"
	}
	return ""
}

// repeats notices a listing that goes round in circles, whatever their length,
// in constant memory (Brent's algorithm): it keeps one name, and takes a later
// one each time twice as many have passed.
type repeats struct {
	mark  []byte
	steps int
	power int
	hits  int
}

// maxHits is how often the kept name may come again. A directory that changes
// while it is listed can show a name twice; only a circle goes on showing it.
const maxHits = 3

func (r *repeats) found(name []byte) bool {
	if bytes.Equal(name, r.mark) {
		r.hits++
		return r.hits >= maxHits
	}
	if r.steps++; r.hits == 0 && r.steps > r.power {
		r.mark = append(r.mark[:0], name...)
		r.steps, r.power = 0, max(1, r.power*2)
	}
	return false
}
