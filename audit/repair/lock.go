package repair

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"hostperm/remote"
)

// Lock keeps a second run off a target. The operating system lets go of it when
// the process ends, however it ends.
type Lock struct {
	file *flock.Flock
	root *os.Root
	note string
}

// holder is who has a lock. It stands in a file of its own, since Windows lets
// nobody read one that is locked.
type holder struct {
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// Lock takes the lock for key without waiting. A repair and the undo of its
// journal exclude each other if both use the target of the journal's header as
// the key. The error wraps ErrLocked if it is held, in this process or another,
// and then says by whom, if that can be known.
func (s *State) Lock(key string) (*Lock, error) {
	sum := sha256.Sum256([]byte(key))
	base := filepath.Join(locksDir, hex.EncodeToString(sum[:16]))
	root, err := s.root.OpenRoot(".")
	if err != nil {
		return nil, fmt.Errorf("lock %q: %w", key, err)
	}
	// The file stays when the lock is let go of: removing it would let two
	// runs each hold the lock on a file of that name.
	l := &Lock{flock.New(filepath.Join(s.dir, base+".lock")), root, base + ".holder"}
	ok, err := l.file.TryLock()
	if err == nil && !ok {
		err = remote.WithHint(fmt.Errorf("%w%s", ErrLocked, l.heldBy()), "wait for it to end, or end it")
	}
	if err == nil {
		err = l.sign()
	}
	if err != nil {
		l.file.Close()
		root.Close()
		return nil, fmt.Errorf("lock %q: %w", key, err)
	}
	return l, nil
}

// sign says who holds the lock.
func (l *Lock) sign() error {
	raw, err := json.Marshal(holder{os.Getpid(), time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	return l.root.WriteFile(l.note, raw, 0o600)
}

// heldBy gives the holder as the end of a sentence, "" if it isn't known.
func (l *Lock) heldBy() string {
	raw, err := l.root.ReadFile(l.note)
	var h holder
	if err != nil || json.Unmarshal(raw, &h) != nil || h.PID == 0 {
		return ""
	}
	return fmt.Sprintf(" (process %d, since %s)", h.PID, h.Since.Format(time.RFC3339))
}

// Unlock lets go of the lock.
func (l *Lock) Unlock() error {
	l.root.Remove(l.note) // a note left behind only misnames the next holder, for an instant
	err := l.file.Close()
	l.root.Close()
	return err
}
