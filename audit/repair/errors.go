package repair

import "errors"

// Errors that callers branch on, with errors.Is.
var (
	// ErrJournal: a line could not be brought to disk. Nothing of its batch was
	// sent, or, at the end of a run, what came of the last batch is not recorded;
	// undo works in either case.
	ErrJournal = errors.New("the journal can't be written")
	// ErrJournalCorrupt: a line that is not the last can't be understood. The
	// error names it.
	ErrJournalCorrupt = errors.New("the journal is damaged")
	// ErrNothingToUndo: no journal holds a change that was not put back.
	ErrNothingToUndo = errors.New("there is nothing to undo")
	// ErrServerIgnores: the server made none of the changes that it was asked for.
	ErrServerIgnores = errors.New("the server ignores changes of mode")
	// ErrLocked: another run holds the lock.
	ErrLocked = errors.New("another run is at work on this target")
	// ErrStateUnsafe: someone else could write to the state directory or journal.
	ErrStateUnsafe = errors.New("not safe to use")
)
