//go:build unix

package repair

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// TestJournalIsNoFIFO: something that waits for a writer is refused, not opened.
func TestJournalIsNoFIFO(t *testing.T) {
	s := openTestState(t)
	if err := syscall.Mkfifo(filepath.Join(s.Dir(), "journals", "x.jsonl"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenJournal("x"); !errors.Is(err, ErrStateUnsafe) {
		t.Errorf("error %v", err)
	}
}
