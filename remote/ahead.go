package remote

// Known is a directory that an earlier walk has listed.
type Known struct {
	Path string // relative to the root
	Attr Attr
}

// ahead are directories that a walk expects to find, since an earlier one did.
// They are asked for while there is nothing else to ask for, so that far away a
// tree does not take a round trip a level. What comes of one is shown once the
// listing of the directory that holds it has said that it is there, and a
// directory: just what would have been shown without, but for the order in which
// the two were asked for. Whatever does not go well is forgotten, and a directory
// that was forgotten is listed as any other; so is what limits.ahead leaves no
// room for.
type ahead struct {
	queue   []Known             // not asked for yet
	found   map[string]bool     // directories that the walk has come to while there was a queue
	asked   map[string]*listing // by path: those that the walk has not come to
	arrived []*listing          // those that it has come to, and whose listing is there
	bytes   int
}

func newAhead(known []Known) ahead {
	return ahead{queue: known, found: make(map[string]bool), asked: make(map[string]*listing)}
}

// early is a listing that was asked for ahead.
type early struct {
	waits   bool        // the walk has not come to its directory
	replies []keptReply // the whole listing, once it is there
	bytes   int
}

// askAhead asks for one directory, in a lane that has room, and reports whether
// there was one.
func (ln *lane) askAhead() bool {
	a := &ln.w.ahead
	for len(a.queue) > 0 {
		k := &a.queue[0]
		a.queue = a.queue[1:]
		if a.found[k.Path] || a.asked[k.Path] != nil {
			continue
		}
		if l := ln.listWhole(&Dir{Path: k.Path, Attr: k.Attr}); l != nil {
			l.early.waits = true
			a.asked[k.Path] = l
			return true
		}
	}
	return false
}

// adopt takes a directory that the walk has come to, and reports whether its
// listing was asked for ahead.
func (a *ahead) adopt(d *Dir) bool {
	if len(a.queue) > 0 {
		a.found[d.Path] = true
	}
	l := a.asked[d.Path]
	if l == nil {
		return false
	}
	delete(a.asked, d.Path)
	l.dir, l.early.waits = d, false
	if l.early.replies != nil {
		a.arrived = append(a.arrived, l)
	}
	return true
}

// keep keeps a whole listing until the walk comes to its directory.
func (a *ahead) keep(l *listing, k *kept, limit int) {
	if a.bytes+k.bytes > limit {
		a.forget(l)
		return
	}
	a.bytes += k.bytes
	l.early.bytes = k.bytes
	l.early.replies = k.replies[:k.n]
	k.replies = nil
}

func (a *ahead) forget(l *listing) { delete(a.asked, l.dir.Path) }

// showArrived shows the listings that are there and whose turn has come, and
// those that this brings up.
func (w *walker) showArrived() {
	for a := &w.ahead; len(a.arrived) > 0 && !w.over; {
		l := a.arrived[len(a.arrived)-1]
		a.arrived = a.arrived[:len(a.arrived)-1]
		a.bytes -= l.early.bytes
		if !l.ln.inUse() {
			w.pending.push(l.dir)
			continue
		}
		replies := l.early.replies
		l.early = early{}
		l.ln.begin(l)
		l.showWhole(replies)
	}
}
