package remote

import (
	"errors"
	"fmt"
	"slices"

	"hostperm/remote/fastlane"
)

// laneEnded hands what a session that has ended was doing to the others, and
// reports whether there are any.
func (w *walker) laneEnded(s *fastlane.Session) bool {
	at := slices.IndexFunc(w.lanes, func(ln *lane) bool { return ln.s == s })
	if at < 0 {
		return true
	}
	noRoot := !w.rooted && s == w.asker // nobody looks for it any more
	if len(w.lanes) == 1 || noRoot || errors.Is(s.Err(), fastlane.ErrProtocol) {
		return false
	}
	ln := w.lanes[at]
	w.lanes = slices.Delete(w.lanes, at, at+1)
	w.takeBack(ln)
	w.pump(nil)
	return true
}

// takeBack has everything that a session was doing when it ended done anew, but
// for what was shown of a directory and not remembered: that would be shown twice.
func (w *walker) takeBack(ln *lane) {
	w.paused = slices.DeleteFunc(w.paused, func(l *listing) bool { return l.ln == ln })
	for l := range ln.listings {
		ln.end(l)
		w.looking -= l.looking
		l.looking = 0
		if l == w.alone.trying {
			w.alone.trying = nil
		}
		switch {
		case l.early.waits:
			w.ahead.forget(l)
		case l.broken: // what is missing of it was said
			w.memory.forget(l.dir)
			w.progress.Waiting.Add(-1)
		case (!l.whole || l.entries == 0) && w.memory.breakOff(l.dir):
			w.large = append(w.large, l.dir)
		default:
			w.lost(l.dir, fmt.Errorf("listed in part only: %w", w.client.lost(ln.s.Err())))
		}
	}
	for _, r := range ln.refused {
		w.large = append(w.large, r.dir)
	}
}

// goOn goes on with new sessions, once all before have ended: what they had
// begun is listed anew, and of that only what was not shown before is shown.
func (w *walker) goOn(all []*fastlane.Session) {
	for _, ln := range w.lanes {
		w.takeBack(ln)
	}
	w.lanes = nil
	w.large = append(w.large, w.alone.waiting...)
	w.alone.waiting = nil
	w.waitHandles = w.waitHandles || !w.client.conn.server().isOpenSSH()
	if !w.rooted {
		w.begin(all, w.starts)
		return
	}
	for _, s := range all[:min(len(all), w.mostLanes)] {
		w.addLane(s)
	}
	w.pump(nil)
}
