package repair

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
)

// PlanUndo gives the changes that Undo would make, in its order, if nothing was
// changed since. It asks no server.
func PlanUndo(j *JournalFile) []audit.Change {
	var plan []audit.Change
	for _, p := range j.rec.toUndo() {
		plan = append(plan, audit.Change{Path: p.path, From: p.to, To: p.from, Status: audit.Planned})
	}
	return plan
}

// Undo puts back what the journal says was changed, last change first. It calls
// each once for every entry that it looked at or did not come to: applied if its
// mode is as before again; unchanged if it was already, or was changed since by
// someone else and is left alone; failed or refused, with the reason, if it is
// still to be put back, by calling Undo again. What is settled is noted in the
// journal and not looked at again.
//
// The journal is read anew; the caller holds the lock of its target. The error is
// as that of Apply, or wraps ErrJournalCorrupt.
func Undo(ctx context.Context, c Changer, j *JournalFile, each func(audit.Change)) (Counts, error) {
	f, rec, err := j.reopen()
	if err != nil {
		return nil, err
	}
	counts, err := undo(ctx, c, rec, f, rest, each)
	if closeErr := f.Close(); err == nil {
		err = journalError(closeErr)
	}
	return counts, err
}

// undo is Undo on a journal that was read, and whose file takes further lines.
// rest is how it waits between two looks at what is in doubt.
func undo(ctx context.Context, c Changer, rec *record, f file, rest func(context.Context) error, each func(audit.Change)) (Counts, error) {
	u := &undoer{
		c: c, root: rec.header.Root, log: &log{f: f}, rest: rest, each: each,
		counts: make(Counts), stuck: make(map[string]bool), above: make(map[string]bool),
	}
	list := rec.toUndo()
	if len(list) == 0 {
		return u.counts, nil
	}
	err := u.checkRoot(ctx)
	if err == nil {
		err = u.comeToRest(ctx, list)
	}
	for size := firstBatch; len(list) > 0 && err == nil; size = min(batchGrows*size, maxBatch) {
		n := together(list, size, func(p *pendingIntent) (string, bool) { return p.path, opensOrCloses(p.kind, p.from, p.to) })
		if err = ctx.Err(); err == nil {
			err = u.batch(ctx, list[:n])
			list = list[n:]
		}
	}
	u.putOff(list, err)
	if err == nil {
		err = u.seen.verdict()
	}
	if syncErr := u.log.sync(); err == nil {
		err = syncErr
	}
	return u.counts, err
}

// pendingIntent is an intent that is still to be put back.
type pendingIntent struct {
	*intent
	id int
}

// toUndo gives what is still to be put back, last change first.
func (r *record) toUndo() []pendingIntent {
	var list []pendingIntent
	for i := range slices.Backward(r.intents) {
		if r.intents[i].pending() {
			list = append(list, pendingIntent{&r.intents[i], i + 1})
		}
	}
	return list
}

// undoer is one Undo.
type undoer struct {
	c      Changer
	root   string
	log    *log
	rest   func(context.Context) error
	each   func(audit.Change)
	counts Counts
	seen   compliance
	stuck  map[string]bool // paths that could not be put back
	above  map[string]bool // directories above them
}

// checkRoot makes sure that there is a root to look below. Without one, every
// entry would seem to have been deleted since.
func (u *undoer) checkRoot(ctx context.Context) error {
	looks, err := lstat(ctx, u.c, u.root, []string{"."})
	if err == nil {
		err = looks[0].err
	}
	if err == nil && audit.KindOf(&looks[0].attr) != policy.KindDir {
		err = remote.ErrNotDir
	}
	if err != nil {
		return fmt.Errorf("look at the web root %q: %w", u.root, err)
	}
	return nil
}

// batch puts back entries that together took.
func (u *undoer) batch(ctx context.Context, batch []pendingIntent) error {
	batch = slices.DeleteFunc(slices.Clone(batch), u.heldBack)
	paths := make([]string, len(batch))
	for i, p := range batch {
		paths[i] = p.path
	}
	looks, err := lstat(ctx, u.c, u.root, paths)
	if err != nil {
		u.putOff(batch, err)
		return err
	}
	var todo []pendingIntent
	var reqs []remote.ChangeRequest
	for i, p := range batch {
		if u.settled(p, looks[i]) {
			continue
		}
		todo = append(todo, p)
		reqs = append(reqs, remote.ChangeRequest{Path: p.path, Expect: looks[i].attr, Mode: uint16(p.from)})
		u.log.add(line{Type: typeUndo, ID: p.id, Mode: modeText(looks[i].attr), To: p.from.String()})
	}
	if len(todo) == 0 {
		return u.log.flush()
	}
	if err := u.log.sync(); err != nil {
		u.putOff(todo, err)
		return err
	}
	return u.send(ctx, todo, reqs)
}

// putOff reports what is not come to because of err.
func (u *undoer) putOff(rest []pendingIntent, err error) {
	for _, p := range rest {
		u.report(p, p.to, audit.Refused, notTried(err))
	}
}

// heldBack refuses what must wait for something else: an entry of which a later
// change could not be put back, and a directory that would become unreachable
// inside while something below it is still to be put back.
func (u *undoer) heldBack(p pendingIntent) bool {
	switch {
	case u.stuck[p.path]:
		u.unsettled(p, outRefused, remote.Attr{}, "a later change of it could not be put back")
	case u.above[p.path] && closes(p.kind, p.to, p.from):
		u.unsettled(p, outRefused, remote.Attr{}, "something below it could not be put back, and would be out of reach")
	default:
		return false
	}
	return true
}

// settled looks at what became of an entry, and reports whether there is nothing
// to send for it.
func (u *undoer) settled(p pendingIntent, now look) bool {
	a := now.attr
	mode := policy.Mode(a.Perm())
	switch {
	case errors.Is(now.err, remote.ErrNotExist), errors.Is(now.err, remote.ErrNotDir):
		u.settle(p, outLeft, a, "gone since")
	case errors.Is(now.err, remote.ErrPermission) && p.status == outFailed && len(p.seen) == 0:
		u.settle(p, outLeft, a, "it was out of reach already when it was to be changed")
	case now.err != nil:
		u.unsettled(p, outFailed, a, errorText(now.err))
	case !sameEntry(p.kind, p.uid, p.gid, a):
		u.settle(p, outLeft, a, "changed since: now "+describe(a)+", left alone")
	case mode == p.from:
		u.settle(p, outUnchanged, a, "already as before")
	case mode != p.to && !slices.Contains(p.seen, mode):
		u.settle(p, outLeft, a, "changed since: now "+mode.String()+", left alone")
	default:
		return false
	}
	return true
}

// describe says what an entry is that isn't the one that was changed.
func describe(a remote.Attr) string {
	switch {
	case !a.HasMode():
		return "without a mode"
	case !hasOwner(a):
		return "a " + audit.KindOf(&a).String() + " without an owner"
	}
	return fmt.Sprintf("a %s of uid %d, gid %d", audit.KindOf(&a), a.UID, a.GID)
}

// send has one batch put back, whose undo lines are on disk.
func (u *undoer) send(ctx context.Context, todo []pendingIntent, reqs []remote.ChangeRequest) error {
	err := change(ctx, u.c, u.root, reqs, func(i int, r remote.ChangeResult) {
		p := todo[i]
		u.seen.count(policy.Mode(reqs[i].Expect.Perm()), r)
		switch r.Outcome {
		case remote.ChangeApplied:
			u.note(p, outApplied, r.Now, wayOf(r))
			u.report(p, policy.Mode(reqs[i].Expect.Perm()), audit.Applied, wayOf(r))
		case remote.ChangeRefused:
			u.unsettled(p, outRefused, r.Now, errorText(r.Err))
		case remote.ChangeFailed:
			u.unsettled(p, outFailed, r.Now, failure(Header{Root: u.root}, p.path, p.from, p.uid, r))
		default:
			u.unsettled(p, outUnknown, r.Now, "it may or may not have been put back: "+errorText(r.Err))
		}
	})
	if flushErr := u.log.flush(); err == nil {
		err = flushErr
	}
	if err == nil {
		err = u.seen.stop()
	}
	return err
}

// settle notes that nothing is left to do for p, which has not been touched.
func (u *undoer) settle(p pendingIntent, o outcome, now remote.Attr, detail string) {
	u.note(p, o, now, detail)
	mode := p.to
	if now.HasMode() {
		mode = policy.Mode(now.Perm())
	}
	u.report(p, mode, audit.Unchanged, detail)
}

// unsettled notes that p is still to be put back.
func (u *undoer) unsettled(p pendingIntent, o outcome, now remote.Attr, detail string) {
	u.stuck[p.path] = true
	for dir := p.path; dir != "."; {
		dir = path.Dir(dir)
		u.above[dir] = true
	}
	u.note(p, o, now, detail)
	status := audit.Failed
	if o == outRefused {
		status = audit.Refused
	}
	u.report(p, p.to, status, detail)
}

func (u *undoer) note(p pendingIntent, o outcome, now remote.Attr, detail string) {
	u.log.add(line{Type: typeUndone, ID: p.id, Status: o, Mode: modeText(now), Detail: detail})
}

func (u *undoer) report(p pendingIntent, now policy.Mode, status audit.Status, detail string) {
	u.counts[status]++
	u.each(audit.Change{Path: p.path, From: now, To: p.from, Status: status, Detail: detail})
}
