package repair

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"hostperm/remote"
)

// State is the directory that holds journals and locks. It may be used by
// several goroutines and processes at once.
type State struct {
	dir  string
	root *os.Root
}

// Names in the state directory.
const (
	journalsDir = "journals"
	locksDir    = "locks"
	journalExt  = ".jsonl"
)

// DefaultStateDir is where state is kept unless told otherwise:
// $XDG_STATE_HOME/hostperm or ~/.local/state/hostperm, as the XDG base directory
// specification has it; ~/Library/Application Support/hostperm on macOS;
// %LocalAppData%\hostperm on Windows.
func DefaultStateDir() (string, error) {
	const name = "hostperm"
	switch runtime.GOOS {
	case "windows":
		if dir := os.Getenv("LocalAppData"); dir != "" {
			return filepath.Join(dir, name), nil
		}
		return "", remote.WithHint(errors.New("%LocalAppData% is not set"), "pass --state-dir")
	case "darwin":
	default:
		// "All paths set in these environment variables must be absolute."
		if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
			return filepath.Join(dir, name), nil
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", remote.WithHint(fmt.Errorf("find the state directory: %w", err), "pass --state-dir")
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", name), nil
	}
	return filepath.Join(home, ".local", "state", name), nil
}

// OpenState opens the state directory and creates what is missing of it, with
// mode 0700. The error wraps ErrStateUnsafe if it, or a directory in it, belongs
// to someone else or others may write to it. What is above it is not looked at:
// whoever may rename it could hide it, but not put one of their own in its place,
// since that would not belong to the current user.
func OpenState(dir string) (*State, error) {
	s, err := openState(dir)
	if err != nil {
		return nil, fmt.Errorf("open state directory %q: %w", dir, err)
	}
	return s, nil
}

func openState(dir string) (_ *State, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			root.Close()
		}
	}()
	for _, name := range []string{".", journalsDir, locksDir} {
		if name != "." {
			if err := root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return nil, err
			}
		}
		info, err := root.Lstat(name)
		if err != nil {
			return nil, err
		}
		if err := safe(info, info.IsDir()); err != nil {
			return nil, fmt.Errorf("%q is %w", name, err)
		}
	}
	return &State{dir, root}, nil
}

// safe returns an error that wraps ErrStateUnsafe if info, which is of the right
// kind or isn't, is nothing to keep state in.
func safe(info fs.FileInfo, rightKind bool) error {
	err := errors.New("it is a " + info.Mode().Type().String())
	if rightKind {
		err = private(info)
	}
	if err == nil {
		return nil
	}
	return remote.WithHint(fmt.Errorf("%w: %w", ErrStateUnsafe, err),
		"make it your own and writable by nobody else, or pass another --state-dir")
}

// Close ends the use of s. Journals and locks that were opened go on.
func (s *State) Close() error { return s.root.Close() }

// Dir is the directory that s was opened with.
func (s *State) Dir() string { return s.dir }

// Create opens a journal for a repair that is about to begin, with its first
// line on disk. The error wraps ErrJournal.
func (s *State) Create(h Header) (*Journal, error) {
	name, err := s.newName(h)
	if err != nil {
		return nil, journalError(err)
	}
	f, err := s.root.OpenFile(filepath.Join(journalsDir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL|appendFlag, 0o600)
	if err != nil {
		return nil, journalError(err)
	}
	j, err := newJournal(f, h)
	if err == nil {
		err = journalError(s.syncNames())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	j.path = filepath.Join(s.dir, journalsDir, name)
	return j, nil
}

// syncNames brings the directories that lead to a new journal to disk.
func (s *State) syncNames() error {
	for _, name := range []string{journalsDir, "."} {
		d, err := s.root.Open(name)
		if err != nil {
			return err
		}
		err = syncDir(d)
		if err = errors.Join(err, d.Close()); err != nil {
			return err
		}
	}
	return nil
}

// nameTime sorts as text as its times do.
const nameTime = "20060102T150405.000000Z"

// newName names a journal. Names sort by creation even if the clock was put
// back in between: "the newest journal" must not depend on that.
func (s *State) newName(h Header) (string, error) {
	at := h.Started.UTC().Truncate(time.Microsecond)
	names, err := s.names()
	if err != nil {
		return "", err
	}
	for _, name := range names {
		stamp, _, _ := strings.Cut(name, "-")
		if last, err := time.Parse(nameTime, stamp); err == nil {
			if !at.After(last) {
				at = last.Add(time.Microsecond)
			}
			break
		}
	}
	return at.Format(nameTime) + "-" + slug(login(h)) + "-" + strings.ToLower(rand.Text()[:8]) + journalExt, nil
}

// login names whose server a journal is about.
func login(h Header) string {
	if h.Host == "" {
		return h.Target
	}
	return h.User + "@" + h.Host
}

// slug keeps of a target what is harmless in a file name anywhere.
func slug(target string) string {
	out := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-@", r) {
			return r
		}
		return '-'
	}, target)
	return strings.Trim(out[:min(len(out), 40)], "-.")
}

// names lists the journals, newest first.
func (s *State) names() ([]string, error) {
	d, err := s.root.Open(journalsDir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	all, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(all, func(n string) bool { return !strings.HasSuffix(n, journalExt) })
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(b, a) })
	return names, nil
}

// openFile opens a file that only the current user may have written.
func openFile(open func(flag int) (*os.File, error), flag int) (*os.File, error) {
	f, err := open(flag | noBlock)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = safe(info, info.Mode().IsRegular())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// cut makes f end after size bytes, and leaves it there for writing.
func cut(f *os.File, size int64) error {
	if err := f.Truncate(size); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekEnd)
	return err
}
