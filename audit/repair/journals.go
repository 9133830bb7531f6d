package repair

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// JournalInfo is what a list of journals says of one.
type JournalInfo struct {
	Name        string // of the file; State.OpenJournal takes it
	Header      Header // zero if the run was killed before the first line was written
	Steps       int    // changes that were to be made
	Pending     int    // changes that undo still has to look at
	Interrupted bool   // the run was killed or ended early
	Undone      bool   // there was something to undo, and it is settled
	Err         error  // the journal can't be read; the rest is then zero
}

// Journals lists the journals, newest first. One that can't be read has its Err
// set and doesn't hide the others.
func (s *State) Journals() ([]JournalInfo, error) {
	names, err := s.names()
	if err != nil {
		return nil, fmt.Errorf("list journals in %q: %w", s.dir, err)
	}
	infos := make([]JournalInfo, len(names))
	for i, name := range names {
		j, err := s.OpenJournal(name)
		if err != nil {
			infos[i] = JournalInfo{Name: name, Err: err}
			continue
		}
		infos[i] = j.JournalInfo
	}
	return infos, nil
}

// Newest opens the newest journal that has something to undo, or gives
// ErrNothingToUndo. A newer one that can't be read is an error: it may hold
// changes that have to be put back first.
func (s *State) Newest() (*JournalFile, error) {
	names, err := s.names()
	if err != nil {
		return nil, fmt.Errorf("list journals in %q: %w", s.dir, err)
	}
	for _, name := range names {
		j, err := s.OpenJournal(name)
		if err != nil {
			return nil, err
		}
		if j.Pending > 0 {
			return j, nil
		}
	}
	return nil, ErrNothingToUndo
}

// JournalFile is a journal that was written, as it was when it was opened.
type JournalFile struct {
	JournalInfo
	rec  *record
	open func(flag int) (*os.File, error)
}

// OpenJournal reads a journal: one of s by its name, with or without .jsonl, or
// any by a path, which has a separator in it. The error wraps fs.ErrNotExist,
// ErrStateUnsafe or ErrJournalCorrupt. The file is closed again.
func (s *State) OpenJournal(name string) (*JournalFile, error) {
	open := func(flag int) (*os.File, error) { return os.OpenFile(name, flag, 0) }
	if !strings.ContainsRune(filepath.ToSlash(name), '/') {
		name = strings.TrimSuffix(name, journalExt) + journalExt
		open = func(flag int) (*os.File, error) {
			return s.root.OpenFile(filepath.Join(journalsDir, name), flag, 0)
		}
	}
	j := &JournalFile{open: open}
	j.Name = name
	f, err := openFile(open, os.O_RDONLY)
	if err == nil {
		defer f.Close()
		j.rec, err = parseJournal(f)
	}
	if err != nil {
		return nil, fmt.Errorf("open journal %q: %w", name, err)
	}
	j.count()
	return j, nil
}

// count fills in what is counted from the record.
func (j *JournalFile) count() {
	j.Header, j.Steps, j.Interrupted = j.rec.header, len(j.rec.intents), !j.rec.ended
	undone := 0
	for i := range j.rec.intents {
		in := &j.rec.intents[i]
		if in.pending() {
			j.Pending++
		}
		if in.undone != "" {
			undone++
		}
	}
	j.Undone = undone > 0 && j.Pending == 0
}

// reopen reads the journal anew and gives it for appending, without what a run
// that died left behind the last whole line.
func (j *JournalFile) reopen() (*os.File, *record, error) {
	f, err := openFile(j.open, os.O_RDWR|appendFlag)
	if err != nil {
		return nil, nil, fmt.Errorf("open journal %q: %w", j.Name, err)
	}
	rec, err := parseJournal(f)
	if err == nil {
		err = journalError(cut(f, rec.valid))
	}
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("open journal %q: %w", j.Name, err)
	}
	return f, rec, nil
}
