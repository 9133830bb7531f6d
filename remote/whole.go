package remote

import (
	"errors"

	"hostperm/remote/fastlane"
)

// listWhole has a directory listed in one go, if the session can foresee its
// handle.
func (ln *lane) listWhole(d *Dir) bool {
	l := &listing{w: ln.w, ln: ln, dir: d, whole: true, returned: ln.returned, reading: wholeReads, eof: -1}
	if !ln.s.ListWhole(l, below(ln.w.root, d.Path), wholeReads) {
		return false
	}
	ln.begin(l)
	return true
}

// wholeReply takes a reply to a listing in one go. Nothing is shown before the
// end of the directory was found: the first reply is kept until the second has
// come, right behind it. What was not seen whole is listed anew, with a handle
// of its own that is waited for.
func (l *listing) wholeReply(op fastlane.Op, tag int, r *fastlane.Reply) {
	if op == fastlane.OpOpenDir {
		l.wholeOpened(r)
		return
	}
	l.reading--
	switch {
	case !l.foreseen:
		if r.Err() == nil || r.EOF() {
			l.tookAway()
		}
	case r.EOF() && l.eof < 0:
		l.eof = tag
	case r.Err() == nil && l.eof < 0 && tag == 0:
		l.ln.first.keep(l, &r.Names)
	}
	if l.reading == 0 {
		l.wholeEnd()
	}
}

// wholeOpened takes the reply to OPENDIR. If it failed, so will those behind it.
func (l *listing) wholeOpened(r *fastlane.Reply) {
	err := r.Err()
	l.foreseen = err == nil && r.Foreseen
	switch {
	case err == nil && !r.Foreseen:
		l.ln.granted++
		l.ln.closeHandle(string(r.Handle))
	case err != nil && !errors.Is(err, fastlane.ErrFailure):
		l.broken = true
		l.w.gap(l.dir.Path, statusError(err))
	}
}

// wholeEnd judges a listing in one go when all its replies are there.
func (l *listing) wholeEnd() {
	w, first := l.w, &l.ln.first
	switch {
	case l.broken:
		l.close()
		return
	case l.foreseen && l.eof >= 0 && (l.eof == 0 || first.of == l):
		w.sizes.tried(&l.dir.Attr, true)
		if l.eof > 0 {
			first.of = nil
			l.names(&first.names)
		}
		if l.entries == 0 && !l.broken {
			l.isEmpty()
		}
		l.read()
		return
	case l.foreseen:
		w.sizes.tried(&l.dir.Attr, false)
	}
	l.ln.end(l)
	w.large = append(w.large, l.dir)
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

// keep copies a reply, which the session's reader is about to overwrite.
func (k *kept) keep(of *listing, names *fastlane.Names) {
	k.of = of
	k.names, k.bytes = names.Copy(k.bytes)
}
