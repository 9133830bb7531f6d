package remote

import (
	"context"
	"fmt"
	"slices"

	"hostperm/remote/fastlane"
)

// Around is what lies around a web root.
type Around struct {
	Above        []Above     // as of Client.Above
	Identities   *Identities // as of Client.Identities; nil: see NoIdentities
	NoIdentities error       // wraps ErrNoIdentities
}

// Around looks at what the audit of a web root needs to know before it begins,
// all of it at once: it does what Above and Identities do, and Lstat for paths,
// in the round trips that the slowest of them takes. What Options.Around had
// looked at while ResolveRoot found the root is not looked at again.
//
// An error of Around itself is ctx's, or wraps ErrDisconnected or
// fastlane.ErrProtocol; or it is one of the paths, before anything is sent.
func (c *Client) Around(ctx context.Context, root string, paths []string, each func(i int, a Attr, err error)) (*Around, error) {
	j, err := newAroundJob(root, paths, each)
	if err != nil {
		return nil, err
	}
	if early, err := c.seenAround(ctx, root, paths); early != nil || err != nil {
		if err != nil {
			return nil, err
		}
		for i := range paths {
			each(i, early.attrs[i], early.errs[i])
		}
		return early.job.result(), nil
	}
	if err := c.run(ctx, root, j.op, j.begin); err != nil {
		return nil, err
	}
	return j.result(), nil
}

// aroundJob is a running Around.
type aroundJob struct {
	op       *operation // of the two that follow
	files    *filesReader
	looker   *looker
	above    []Above
	accounts identityFiles
}

func newAroundJob(root string, paths []string, each func(i int, a Attr, err error)) (*aroundJob, error) {
	dirs, err := dirsAbove(root)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(dirs)
	for _, rel := range paths {
		p, err := absolute(root, rel)
		if err != nil {
			return nil, fmt.Errorf("look at an entry: %w", err)
		}
		all = append(all, p)
	}
	j := &aroundJob{above: make([]Above, len(dirs))}
	j.files = newFilesReader(maxIdentities, identityPaths(), j.accounts.take)
	j.looker = newLookup(all, func(i int, a Attr, err error) {
		if i < len(dirs) {
			j.above[i] = newAbove(dirs[i], a, err)
			return
		}
		each(i-len(dirs), a, err)
	})
	j.op = together(j.files, j.looker)
	return j, nil
}

// begin sends the first requests. op.mu is held.
func (j *aroundJob) begin(all []*fastlane.Session) {
	j.looker.beginIn(all)
	j.files.begin(all)
}

// result says what was seen, once op has finished.
func (j *aroundJob) result() *Around {
	around := &Around{Above: j.above}
	around.Identities, around.NoIdentities = j.accounts.identities()
	return around
}

// together makes one operation of reading files and of looking at entries: that
// of f.
func together(f *filesReader, l *looker) *operation {
	op, each := &f.operation, l.each
	l.op = op
	l.each = func(i int, a Attr, err error) {
		op.steps++
		each(i, a, err)
	}
	ended := func() {
		if l.left == 0 && f.done == len(f.paths) {
			op.finish(nil)
		}
	}
	f.through, l.done = ended, ended
	op.again = func(sessions []*fastlane.Session) {
		l.goOn(sessions)
		f.begin(sessions)
	}
	return op
}

// earlyAround is a look around where the root may be, before it is known whether
// the server calls it so.
type earlyAround struct {
	root  string
	paths []string
	attrs []Attr
	errs  []error
	job   *aroundJob
	s     *fastlane.Session
}

// lookAround sends the look in a session of which nothing else is expected yet;
// nil: there is no looking so.
func lookAround(s *fastlane.Session, root string, paths []string) *earlyAround {
	e := &earlyAround{root: root, paths: paths, attrs: make([]Attr, len(paths)), errs: make([]error, len(paths)), s: s}
	var err error
	e.job, err = newAroundJob(root, paths, func(i int, a Attr, err error) { e.attrs[i], e.errs[i] = a, err })
	if err != nil {
		return nil
	}
	op := e.job.op
	op.mu.Lock()
	defer op.mu.Unlock()
	op.open()
	e.job.begin([]*fastlane.Session{s})
	s.Flush()
	return e
}

// seenAround gives what the first session has seen around the root, nil if it
// has not looked there, or not for these paths, or has ended before it was
// through. The error is ctx's.
func (c *Client) seenAround(ctx context.Context, root string, paths []string) (*earlyAround, error) {
	if err := c.take(ctx); err != nil {
		return nil, err
	}
	defer c.give()
	c.around, c.into = nil, nil
	first := c.lanes.first
	if first == nil {
		return nil, nil
	}
	defer context.AfterFunc(ctx, c.conn.abort)()
	defer context.AfterFunc(c.closing, c.conn.abort)()
	defer c.awaitAnswers()()
	select {
	case <-first.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	e := first.around
	first.around = nil
	if e == nil || e.root != root || !slices.Equal(e.paths, paths) {
		return nil, nil
	}
	select {
	case <-e.job.op.finished:
		return e, nil
	case <-e.s.Done():
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
