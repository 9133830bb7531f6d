package repair

import (
	"context"
	"errors"
	"slices"

	"hostperm/audit"
	"hostperm/remote"
)

// batch is what is sent to the server together. Of the first of a run only the
// trial is announced, and changed, before it is clear that the server does what
// it is asked for; the rest is looked at meanwhile.
type batch struct {
	*applier
	steps    []PlannedStep
	ids      []int  // in the journal; 0: not announced
	answered []bool // the result is known
	trial    int    // so many are announced before anything is sent
	stopped  error  // why the rest was not announced
}

func newBatch(a *applier, steps []PlannedStep) *batch {
	return &batch{applier: a, steps: steps, ids: make([]int, len(steps)), answered: make([]bool, len(steps))}
}

// announce brings the intents of the first n steps to disk.
func (b *batch) announce(n int) error {
	b.trial = n
	return b.intend(0, n)
}

// intend brings intents to disk, but for steps that have been refused already
// because of what they look like now: nothing is sent for those.
func (b *batch) intend(from, to int) error {
	for i := from; i < to; i++ {
		if !b.answered[i] {
			b.ids[i] = b.j.intend(&b.steps[i])
		}
	}
	return b.j.sync()
}

// send has the batch changed.
func (b *batch) send(ctx context.Context) error {
	reqs := make([]remote.ChangeRequest, len(b.steps))
	for i := range b.steps {
		s := &b.steps[i]
		reqs[i] = remote.ChangeRequest{Path: s.Path, Expect: s.Attr, Mode: uint16(s.Target)}
	}
	if b.trial < len(reqs) {
		lines := make(chan []byte, 1)
		first := b.j.last + 1
		go func() { lines <- intentLines(first, b.steps[b.trial:]) }()
		reqs[b.trial].Gate = func() error {
			b.stopped = b.goOn(ctx, lines)
			return b.stopped
		}
	}
	err := change(ctx, b.c, b.j.header.Root, reqs, b.result)
	if err == nil {
		err = b.stopped
	}
	if flushErr := b.j.flush(); err == nil {
		err = flushErr
	}
	if err == nil {
		err = b.seen.stop()
	}
	return err
}

// goOn announces what is behind the trial, unless that speaks against it. lines
// gives its lines, made while the trial was under way: they hold as long as none
// of it has been refused meanwhile.
func (b *batch) goOn(ctx context.Context, lines <-chan []byte) error {
	if err := b.seen.stop(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if slices.Contains(b.answered[b.trial:], true) {
		return b.intend(b.trial, len(b.steps))
	}
	for i := b.trial; i < len(b.steps); i++ {
		b.ids[i] = b.j.last + 1 + i - b.trial
	}
	b.j.intendLines(<-lines, len(b.steps)-b.trial)
	return b.j.sync()
}

// result takes what came of a step.
func (b *batch) result(i int, r remote.ChangeResult) {
	s := &b.steps[i]
	b.answered[i] = true
	if b.stopped != nil && errors.Is(r.Err, b.stopped) {
		b.report(s, audit.Refused, notTried(b.stopped))
		return
	}
	status, out, detail := b.judge(s, r)
	if b.ids[i] != 0 {
		b.seen.count(s.From, r)
		b.j.done(b.ids[i], out, r.Now, detail)
	}
	b.report(s, status, detail)
}
