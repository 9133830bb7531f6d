package fastlane

import "encoding/binary"

// handleTable foresees the handles that a server will give out. OpenSSH numbers
// them from 0, four bytes with the highest first, and gives out the one that
// was given back last (sftp-server.c, handle_new and handle_unused); it serves
// a session's requests in order, so the table can be kept here.
//
// The table assumes that every OPEN and every lone OPENDIR on its way succeeds.
// One that is denied takes no handle: the server then has one more to give than
// the table knows of, and never one less, so that what the table foresees is
// not open on anything. The surplus handle shows when a listing in one go is
// given it, and is in the table again once that has been closed.
//
// A server that numbers them in another way is found out by its first handle.
// One that gives them out in another order is found out by the first that
// differs where no open was denied before, and else by a listing in one go: its
// caller has to know which servers to foresee anything of.
type handleTable struct {
	off    bool
	proven bool     // a handle was as foreseen
	free   []uint32 // given back; the last is given out next
	next   uint32   // the smallest that was never given out
	denied int      // opens that took none, listings in one go not counted
	missed int      // listings in one go whose handle was another
}

// maxHandleNumber is far above what any server can have open.
const maxHandleNumber = 1 << 20

// foresee gives the handle that the next open gets.
func (t *handleTable) foresee() uint32 {
	if n := len(t.free); n > 0 {
		return t.free[n-1]
	}
	return t.next
}

// take notes an open that is sent, and gives the handle foreseen for it.
func (t *handleTable) take() uint32 {
	h := t.foresee()
	if n := len(t.free); n > 0 {
		t.free = t.free[:n-1]
	} else {
		t.next++
	}
	return h
}

// giveBack notes a CLOSE that is sent.
func (t *handleTable) giveBack(handle string) {
	if !t.off && len(handle) == 4 {
		t.free = append(t.free, binary.BigEndian.Uint32([]byte(handle)))
	}
}

// refused notes an open that failed; whole: it was a listing in one go.
func (t *handleTable) refused(whole bool) {
	if !whole {
		t.denied++
	}
}

// granted compares a handle with the one foreseen for it.
func (t *handleTable) granted(handle []byte, foreseen uint32, whole bool) bool {
	if len(handle) != 4 || binary.BigEndian.Uint32(handle) > maxHandleNumber {
		t.giveUp()
		return false
	}
	if binary.BigEndian.Uint32(handle) == foreseen {
		t.proven = true
		return true
	}
	if whole {
		t.missed++
	}
	if t.missed > t.denied || t.denied == 0 {
		t.giveUp() // no denial explains it
	}
	return false
}

// giveUp has nothing foreseen any more.
func (t *handleTable) giveUp() { *t = handleTable{off: true} }
