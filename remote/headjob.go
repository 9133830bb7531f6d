package remote

import (
	"errors"
	"fmt"

	"hostperm/remote/fastlane"
)

// What an outstanding request of a headJob is for: the tag of each.
const (
	headLook   = iota // LSTAT: is it the entry that was listed?
	headOpen          // OPEN
	headGuess         // FSTAT of the handle foreseen for OPEN
	headCheck         // FSTAT: is what was opened that entry?
	headRead          // READ
	headClosed        // CLOSE, where it matters when the handle is free
)

// headJob is one file on its way. It is used again for another once nothing of
// it is outstanding.
type headJob struct {
	h      *header
	ln     *headLane
	i      int // index of the request
	path   string
	handle []byte
	left   int  // replies outstanding
	holds  bool // counts as holding a handle
	asked  bool // headGuess was sent
	guess  bool // and counts: the handle is the one that was foreseen
	done   bool // has its answer
	look   look
	least  uint64 // bytes that the head must have
}

// lookFirst looks at the entry. If it is the one that was listed, OPEN is next.
func (j *headJob) lookFirst() {
	j.ln.unsent = true
	j.look.send(j.ln.s, j, headLook, j.path)
	j.left += j.look.left
}

// open opens the file, unless the way to it is none.
func (j *headJob) open() {
	if err := j.h.ways.to(j.h.reqs[j.i].Path); err != nil {
		j.end(nil, err)
		j.recycle()
		return
	}
	j.holds = true
	j.ln.holding++
	j.h.holding++
	j.ln.unsent = true
	j.left++
	if j.asked = j.ln.s.OpenStat(j, headOpen, headGuess, j.path); j.asked {
		j.left++
	}
}

// release lets another job open.
func (j *headJob) release() {
	if j.holds {
		j.holds = false
		j.ln.holding--
		j.h.holding--
	}
}

// recycle keeps the job for another file, if nothing more comes for it.
func (j *headJob) recycle() {
	if j.done && j.left == 0 {
		j.h.free = append(j.h.free, j)
	}
}

// Reply implements fastlane.Handler.
func (j *headJob) Reply(op fastlane.Op, tag int, r *fastlane.Reply) {
	h, ln := j.h, j.ln
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return
	}
	j.left--
	switch tag {
	case headLook:
		if j.look.take(op, r) {
			j.looked()
		}
	case headOpen:
		j.opened(r)
	case headGuess:
		if j.guess {
			j.checked(r)
		}
	case headCheck:
		j.checked(r)
	case headRead:
		j.read(r)
	case headClosed:
		j.release()
	}
	j.recycle()
	h.pump(ln)
}

// looked takes what LSTAT showed.
func (j *headJob) looked() {
	err := j.look.err
	if err == nil {
		err = sameEntry(&j.h.reqs[j.i].Expect, &j.look.attr)
	}
	if err != nil {
		j.end(nil, err)
		return
	}
	j.ln.ready = append(j.ln.ready, j)
}

func (j *headJob) opened(r *fastlane.Reply) {
	switch err := r.Err(); {
	case err == nil:
		j.handle = append(j.handle, r.Handle...)
		if j.guess = j.asked && r.Foreseen; !j.guess {
			j.left++
			j.ln.s.FStat(j, headCheck, string(j.handle))
		}
	case errors.Is(err, fastlane.ErrFailure) && j.h.openFailed(j):
	default:
		j.release()
		j.end(nil, fmt.Errorf("cannot be opened: %w", statusError(err)))
	}
}

// checked takes the FSTAT of the open file. If it is the listed one it is read,
// and closed in the same go: the server serves the two in order.
func (j *headJob) checked(r *fastlane.Reply) {
	err := r.Err()
	if err != nil {
		err = fmt.Errorf("cannot be looked at by handle: %w", statusError(err))
	} else if err = sameEntry(&j.h.reqs[j.i].Expect, &r.Attr); err != nil {
		err = fmt.Errorf("swapped while it was opened: %w", err)
	}
	if err == nil {
		if r.Attr.Flags&fastlane.AttrSize != 0 {
			j.least = min(uint64(j.h.n), r.Attr.Size)
		}
		j.left++
		j.ln.s.Read(j, headRead, string(j.handle), 0, j.h.n)
	}
	j.closeHandle()
	if err != nil {
		j.end(nil, err)
	}
}

// closeHandle gives the handle back. Another file may be opened at once, unless
// handles are short: the CLOSE must then be known to have been served.
func (j *headJob) closeHandle() {
	if j.h.window >= headWindow {
		j.ln.s.Close(nil, 0, string(j.handle))
		j.release()
		return
	}
	j.left++
	j.ln.s.Close(j, headClosed, string(j.handle))
}

// read takes the first bytes. A server that sends fewer than the file has is
// not taken to have sent the beginning: what is missing may be what matters.
func (j *headJob) read(r *fastlane.Reply) {
	var err error
	if !r.EOF() {
		err = r.Err()
	}
	switch {
	case err != nil:
		j.end(nil, fmt.Errorf("cannot be read: %w", statusError(err)))
	case uint64(len(r.Data)) < j.least:
		j.end(nil, fmt.Errorf("the server sent %d of its first %d bytes", len(r.Data), j.least))
	default:
		j.end(r.Data, nil)
	}
}

// end gives the request its answer.
func (j *headJob) end(head []byte, err error) {
	j.done = true
	j.ln.going--
	j.h.answer(j.i, head, err)
}
