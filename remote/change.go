package remote

import "context"

// ChangeRequest asks for one entry's permission bits to be changed.
type ChangeRequest struct {
	Path   string // relative to the root, "." for the root itself
	Expect Attr   // what the entry must still look like: type, mode, owner, group, size and mtime, as far as Flags has them
	Mode   uint16 // the twelve permission bits to set

	// Gate, if not nil, is called once all requests before this one have had
	// their answer. Until it has returned, this entry and all behind it are
	// looked at, and opened at most, and nothing is changed; an error refuses
	// those that are left, and is their error. It is called as each is, never
	// twice at a time.
	Gate func() error
}

// ChangeOutcome is what came of a ChangeRequest.
type ChangeOutcome uint8

const (
	ChangeApplied ChangeOutcome = iota + 1 // done, and seen on a second look
	ChangeRefused                          // not tried: the entry is not the one audited, or there is no safe way
	ChangeFailed                           // tried: the server said no, or the second look shows another mode
	ChangeUnknown                          // sent, but the connection ended before the second look
)

// ChangeResult is the answer to a ChangeRequest. Now is the last that was seen
// of the entry; its Flags is 0 if nothing was.
type ChangeResult struct {
	Outcome ChangeOutcome
	Now     Attr
	Err     error // nil if applied; errors.Is(Err, ErrPermission) if the account may not
	ByPath  bool  // it was changed, or may have been, by SETSTAT, as Options.PathChmod allows
}

const (
	// changeWindow is how many changes of a session hold a handle, or wait for
	// one, at once. It stays below the 1,024 descriptors that a server's process
	// commonly may have; where there are fewer, fewer are on their way.
	changeWindow = 768
	// changesAhead is how many changes of a session are on their way at once,
	// those included of which only the entry is looked at: the next ones are
	// looked at while those before them are made.
	changesAhead = 4 * changeWindow
	// changesPerSession is how many changes are asked for, for each session that
	// is opened.
	changesPerSession = 256
)

// Change changes the permission bits of entries below root, an absolute path
// that the server has resolved. How, and against what it is proof, stands in
// the package's comment. Many are on their way at once, and started in the
// order of reqs; one waits for those before it on the same path, and for those
// on a directory above or below it while the search bits of that directory
// are changed.
//
// each is called exactly once for every request, in any order, never twice at
// a time, with the index in reqs. If the connection is lost or ctx cancelled
// on the way, what was sent and not seen to be done is ChangeUnknown, and what
// was not sent is ChangeRefused; the error then is ctx's, or wraps
// ErrDisconnected or fastlane.ErrProtocol. It is nil if every request has had
// its answer, whatever that was.
func (c *Client) Change(ctx context.Context, root string, reqs []ChangeRequest, each func(i int, r ChangeResult)) error {
	if len(reqs) == 0 {
		return nil
	}
	ch := newChanger(root, reqs, each)
	err := c.run(ctx, root, &ch.operation, ch.begin)
	if err != nil {
		ch.abandon(err)
	}
	return err
}
