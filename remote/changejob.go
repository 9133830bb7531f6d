package remote

import (
	"errors"
	"fmt"

	"hostperm/remote/fastlane"
)

// step is where a changeJob stands: what its outstanding requests are for. It
// travels as the tag of each.
type step int

const (
	stepLook      step = iota // look: is it the entry that was audited?
	stepOpen                  // OPEN
	stepGuess                 // FSTAT of the handle foreseen for OPEN
	stepCheck                 // FSTAT: is what was opened the entry that was audited?
	stepSet                   // FSETSTAT, or lsetstat by path
	stepSeeHandle             // FSTAT: has it the mode now?
	stepSeePath               // LSTAT: and does the path still name it?
	stepLookAgain             // look before lsetstat
)

// changeJob is one change on its way. It is guarded by the changer's mu.
type changeJob struct {
	c       *changer
	ln      *changeLane
	i       int // index of the request
	req     *ChangeRequest
	in      *above // the directory that the entry lies in; nil: it is the root
	itself  *above // the entry, if others lie in it
	path    string
	handle  string
	hurried bool // counts in changer.hurried
	needs   bool // counts in changer.needing
	holds   bool // counts as holding a handle
	asked   bool // stepGuess was sent
	guess   bool // and counts: the handle is the one that was foreseen

	look    look
	now     Attr  // last seen
	handled error // why it could not be done by handle; nil: it was not tried, or done so
	sent    bool  // a change is on its way, or was made
	waiting int   // replies to stepSet and what follows it
	setErr  error
	seeErr  error
	touched bool // a second look did not show the audited mode
	follows bool // the change was sent as one that would follow a symlink
	made    bool // it was sent on a connection that has ended, and a look shows it

	failedAhead bool // it is not to be opened before its Gate
}

// start begins the job.
func (j *changeJob) start() {
	j.ln.going++
	j.lookFirst()
}

// lookFirst looks at the entry. If it is the audited one, OPEN comes next.
func (j *changeJob) lookFirst() {
	j.ln.unsent = true
	j.look.send(j.ln.s, j, int(stepLook), j.path)
}

// Reply implements fastlane.Handler.
func (j *changeJob) Reply(op fastlane.Op, tag int, r *fastlane.Reply) {
	j.c.mu.Lock()
	defer j.c.mu.Unlock()
	if j.c.over {
		return
	}
	switch err := r.Err(); step(tag) {
	case stepLook:
		if j.look.take(op, r) && j.mayOpen() {
			j.c.wasLooked(j)
		}
	case stepOpen:
		j.opened(r, err)
	case stepGuess:
		if j.guess {
			j.checked(r, err)
		}
	case stepCheck:
		j.checked(r, err)
	case stepLookAgain:
		if j.look.take(op, r) && j.isAudited() {
			j.setByPath()
		}
	default:
		j.set(step(tag), r, err)
	}
	j.c.pump(j.ln)
}

// open opens the entry, unless the way to it is none.
func (j *changeJob) open() {
	way, err := j.c.outside.way, j.c.outside.err
	if j.in != nil {
		way, err = j.in.way, j.in.none
	}
	if err == nil {
		err = guard(j.req, &j.c.top.attr, way)
	}
	if err != nil {
		j.unreached(err)
		return
	}
	j.calm()
	if j.made {
		j.end(ChangeApplied, nil)
		return
	}
	j.sent = false
	j.holds = true
	j.ln.holding++
	j.c.holding++
	j.ln.unsent = true
	j.asked = j.ln.s.OpenStat(j, int(stepOpen), int(stepGuess), j.path)
}

// release lets another job open.
func (j *changeJob) release() {
	if j.holds {
		j.holds = false
		j.ln.holding--
		j.c.holding--
	}
}

func (j *changeJob) end(outcome ChangeOutcome, err error) {
	if j.handle != "" {
		j.closeHandle()
	}
	j.release()
	j.c.end(j, ChangeResult{Outcome: outcome, Now: j.now, Err: err, ByPath: j.follows})
}

// closeHandle gives the handle back. Another may be opened at once, unless
// handles are short: the CLOSE must then be known to have been served.
func (j *changeJob) closeHandle() {
	j.ln.s.Close(nil, 0, j.handle)
	j.handle = ""
	if j.c.window >= changeWindow {
		j.release()
	}
}

// isAudited judges a look before the change. It refuses the job, and reports
// false, unless what was seen is what was audited.
func (j *changeJob) isAudited() bool {
	err := j.look.err
	if err == nil {
		j.now = j.look.attr
		err = sameEntry(&j.req.Expect, &j.now)
	}
	if err != nil {
		j.end(ChangeRefused, err)
	}
	return err == nil
}

func (j *changeJob) opened(r *fastlane.Reply, err error) {
	switch {
	case err == nil:
		j.handle = string(r.Handle)
		j.c.dirsOpened = j.c.dirsOpened || j.req.Expect.Type() == typeDir
		if j.guess = j.asked && r.Foreseen; !j.guess {
			j.ln.s.FStat(j, int(stepCheck), j.handle)
		}
	case j.giveUpAhead():
	case errors.Is(err, fastlane.ErrNoSuchFile):
		j.end(ChangeRefused, statusError(err))
	case errors.Is(err, fastlane.ErrFailure) && j.c.openFailed(j):
	default:
		j.byPath(fmt.Errorf("cannot be opened: %w", statusError(err)))
	}
}

// checked takes the FSTAT of the open handle.
func (j *changeJob) checked(r *fastlane.Reply, err error) {
	if err != nil {
		if !j.giveUpAhead() {
			j.closeHandle()
			j.byPath(fmt.Errorf("cannot be looked at by handle: %w", statusError(err)))
		}
		return
	}
	j.now = r.Attr
	if err := sameEntry(&j.req.Expect, &r.Attr); err != nil {
		j.end(ChangeRefused, fmt.Errorf("swapped while it was opened: %w", err))
		return
	}
	j.c.wasChecked(j)
}

// setByHandle has the change and both second looks go out in one go: the server
// serves them in order.
func (j *changeJob) setByHandle() {
	j.served()
	j.sent, j.waiting = true, 3
	j.ln.unsent = true
	j.ln.s.FSetStat(j, int(stepSet), j.handle, j.req.Mode)
	j.ln.s.FStat(j, int(stepSeeHandle), j.handle)
	j.closeHandle()
	j.ln.s.LStat(j, int(stepSeePath), j.path)
}

// byPath goes on without a handle, for the reason given.
func (j *changeJob) byPath(reason error) {
	j.handled = reason
	j.served()
	j.release()
	if !j.ln.s.Has(fastlane.LSetStatExtension) && !j.c.client.pathChmod {
		err := fmt.Errorf("it %w, and %w", reason, errNoSafeWay)
		j.end(ChangeRefused, WithHint(err, fmt.Sprintf("have its owner or the host run chmod %04o on it, or see --allow-path-chmod", j.req.Mode)))
		return
	}
	j.look.send(j.ln.s, j, int(stepLookAgain), j.path)
}

func (j *changeJob) setByPath() {
	j.sent, j.waiting = true, 2
	if j.ln.s.Has(fastlane.LSetStatExtension) {
		j.ln.s.LSetStat(j, int(stepSet), j.path, j.req.Mode)
	} else {
		j.follows = true
		j.ln.s.SetStat(j, int(stepSet), j.path, j.req.Mode)
	}
	j.ln.s.LStat(j, int(stepSeePath), j.path)
}

// set takes the replies to the change and to the second looks, and judges when
// the last is there.
func (j *changeJob) set(at step, r *fastlane.Reply, err error) {
	j.waiting--
	switch {
	case at == stepSet:
		j.setErr = statusError(err)
	case err != nil:
		j.touched = true
		if j.seeErr == nil {
			j.seeErr = statusError(err)
		}
	default:
		j.saw(at, &r.Attr)
	}
	if j.waiting == 0 {
		j.judge()
	}
}

// saw compares a second look with what was asked for.
func (j *changeJob) saw(at step, a *Attr) {
	was := j.now
	j.now = *a
	j.touched = j.touched || !a.HasMode() || a.Perm() != j.req.Expect.Perm()
	switch {
	case j.seeErr != nil:
	case !a.HasMode():
		j.seeErr = errors.New("it was changed, and the server does not tell its mode since")
	case a.Type() != j.req.Expect.Type() || a.UID != was.UID || a.GID != was.GID:
		j.seeErr = errors.New("it was changed, and the path names another entry since")
	case a.Perm() == j.req.Mode:
	case a.Perm() == j.req.Expect.Perm():
		j.seeErr = fmt.Errorf("the server accepted the change and did not make it: the mode is still %04o", a.Perm())
	default:
		j.seeErr = fmt.Errorf("the server made the mode %04o, not %04o", a.Perm(), j.req.Mode)
	}
}

func (j *changeJob) judge() {
	byHandle := j.handled == nil
	err := j.setErr
	switch {
	case err == nil && j.seeErr == nil:
		j.end(ChangeApplied, nil)
	case err == nil:
		j.end(ChangeFailed, j.seeErr)
	case j.touched: // the server said no, and yet it may have made the change
		j.end(ChangeFailed, err)
	case byHandle && (errors.Is(err, fastlane.ErrUnsupported) || errors.Is(err, fastlane.ErrFailure)):
		j.sent, j.setErr, j.seeErr = false, nil, nil
		j.byPath(fmt.Errorf("cannot be changed by handle: %w", err))
	default:
		j.end(ChangeFailed, err)
	}
}

// sameEntry says in which way now is not the entry that was audited. What the
// audit did not learn is not compared, but for the type and the mode: without
// them nothing shows what it is. Of a directory, size and times are left out:
// they change with its contents, and every repair inside would outdate them.
func sameEntry(audited, now *Attr) error {
	kind := audited.Type()
	switch {
	case !audited.HasMode():
		return errors.New("its mode was not known when it was audited")
	case kind != typeDir && kind != fastlane.TypeRegular:
		return errors.New("only files and directories are changed")
	case now.Type() != kind:
		return fmt.Errorf("it was %s when it was audited, and is %s now", kindName(kind), kindName(now.Type()))
	case now.Flags&audited.Flags&compared(kind) != audited.Flags&compared(kind):
		return errors.New("the server tells less of it than when it was audited")
	case now.Perm() != audited.Perm():
		return fmt.Errorf("its mode was %04o when it was audited, and is %04o now", audited.Perm(), now.Perm())
	}
	owner := audited.Flags&fastlane.AttrUIDGID != 0
	if owner && (now.UID != audited.UID || now.GID != audited.GID) {
		return fmt.Errorf("it belonged to %d:%d when it was audited, and to %d:%d now", audited.UID, audited.GID, now.UID, now.GID)
	}
	if kind == typeDir {
		return nil
	}
	if audited.Flags&fastlane.AttrSize != 0 && now.Size != audited.Size ||
		audited.Flags&fastlane.AttrACModTime != 0 && now.Mtime != audited.Mtime {
		return errors.New("its content has changed since it was audited")
	}
	return nil
}

// compared are the fields of an entry that must be there to compare.
func compared(kind uint32) uint32 {
	if kind == typeDir {
		return fastlane.AttrPermissions | fastlane.AttrUIDGID
	}
	return fastlane.AttrPermissions | fastlane.AttrUIDGID | fastlane.AttrSize | fastlane.AttrACModTime
}

func kindName(kind uint32) string {
	switch kind {
	case fastlane.TypeRegular:
		return "a file"
	case fastlane.TypeDir:
		return "a directory"
	case fastlane.TypeSymlink:
		return "a symlink"
	case fastlane.TypeFIFO:
		return "a FIFO"
	case fastlane.TypeSocket:
		return "a socket"
	case fastlane.TypeCharDevice, fastlane.TypeBlockDevice:
		return "a device"
	}
	return "of unknown type"
}
