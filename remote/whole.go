package remote

import (
	"errors"

	"hostperm/remote/fastlane"
)

// listWhole has a directory listed in one go, if its size is no reason against
// it and the session can foresee its handle; nil: it does not.
func (ln *lane) listWhole(d *Dir) *listing {
	reads := ln.w.sizes.wholeReads(&d.Attr)
	if reads == 0 || ln.w.waitHandles {
		return nil
	}
	l := &listing{w: ln.w, ln: ln, dir: d, whole: true, returned: ln.returned, replies: replies{reading: reads, eof: -1}}
	if !ln.s.ListWhole(l, below(ln.w.root, d.Path), reads) {
		return nil
	}
	ln.begin(l)
	return l
}

// wholeReply takes a reply to a listing in one go. Nothing is shown before the
// end of the directory was found: replies are kept until it has come, right
// behind them. What was not seen whole is listed anew, with a handle
// of its own that is waited for.
func (l *listing) wholeReply(op fastlane.Op, tag int, r *fastlane.Reply) {
	if op == fastlane.OpOpenDir {
		if l.openedWhole(r) {
			l.ln.granted++
			l.ln.closeHandle(string(r.Handle))
		}
		return
	}
	if l.readWhole(&l.ln.kept, tag, r) {
		l.tookAway()
	}
	if l.reading == 0 {
		l.wholeEnd()
	}
}

// openedWhole takes the reply to OPENDIR, and reports whether a handle is open
// that is not the one foreseen. If OPENDIR failed, so will the READDIRs behind.
func (p *replies) openedWhole(r *fastlane.Reply) (stray bool) {
	err := r.Err()
	p.foreseen = err == nil && r.Foreseen
	if err != nil && !errors.Is(err, fastlane.ErrFailure) {
		p.denied = statusError(err)
	}
	return err == nil && !r.Foreseen
}

// readWhole takes a reply to READDIR, and reports whether it belongs to whatever
// has the handle that was foreseen.
func (p *replies) readWhole(k *kept, tag int, r *fastlane.Reply) (strange bool) {
	p.reading--
	switch {
	case !p.foreseen:
		return r.Err() == nil || r.EOF()
	case r.EOF() && p.eof < 0:
		p.eof = tag
	case r.Err() == nil && p.eof < 0:
		k.add(p, tag, &r.Names)
	}
	return false
}

// seenWhole reports whether all of the directory is there.
func (p *replies) seenWhole(k *kept) bool {
	return p.foreseen && p.eof >= 0 && (p.eof == 0 || k.of == p && k.n == p.eof)
}

// wholeEnd judges a listing in one go when all its replies are there.
func (l *listing) wholeEnd() {
	w, kept := l.w, &l.ln.kept
	seen := l.seenWhole(kept)
	if l.foreseen {
		w.sizes.tried(&l.dir.Attr, seen)
	}
	if l.early.waits {
		if l.ln.end(l); seen && l.eof > 0 {
			w.ahead.keep(l, kept, w.limits.ahead)
		} else {
			w.ahead.forget(l)
		}
		return
	}
	switch {
	case l.denied != nil:
		l.fail(l.denied)
		l.close()
	case seen:
		l.showWhole(kept.replies[:l.eof])
	default:
		l.ln.end(l)
		w.large = append(w.large, l.dir)
	}
}

// showWhole shows a whole listing.
func (l *listing) showWhole(replies []keptReply) {
	for i := range replies {
		l.names(&replies[i].names)
	}
	if l.entries == 0 && !l.broken {
		l.isEmpty()
	}
	l.read()
}

// tookAway deals with entries that went to READDIRs of a handle that was not
// theirs: they are missing from whichever listing had it, which cannot be whole
// any more. No server that gives out handles in the order of OpenSSH does that.
func (l *listing) tookAway() {
	for other := range l.ln.listings {
		if !other.whole && other.handle != "" {
			other.fail(errors.New("listed in part only: the server gave out handles in another order than before"))
		}
	}
}

// maxKept is how many bytes of replies a session keeps: well above what
// maxWholeReads replies of a server that exists have.
const maxKept = 1 << 20

// kept are the first replies to a directory that is listed in one go, which
// wait for the one that finds the end. Their buffers are used again.
type kept struct {
	of      *replies
	n       int // how many there are, from the first on
	bytes   int
	replies []keptReply
}

type keptReply struct {
	names  fastlane.Names
	buffer []byte
}

// add copies a reply, which the session's reader is about to overwrite. One
// behind a gap is of no use.
func (k *kept) add(of *replies, tag int, names *fastlane.Names) {
	if tag == 0 {
		k.of, k.n, k.bytes = of, 0, 0
	}
	if k.of != of || k.n != tag || k.bytes > maxKept {
		return
	}
	if k.n == len(k.replies) {
		k.replies = append(k.replies, keptReply{})
	}
	r := &k.replies[k.n]
	r.names, r.buffer = names.Copy(r.buffer)
	k.bytes += len(r.buffer)
	k.n++
}
