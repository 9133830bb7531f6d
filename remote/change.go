package remote

// ChangeRequest asks for one entry's permission bits to be changed.
type ChangeRequest struct {
	Path   string // relative to the root, "." for the root itself
	Expect Attr   // what the entry must still look like: type, mode, owner, group, size and mtime, as far as Flags has them
	Mode   uint16 // the twelve permission bits to set
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
}
