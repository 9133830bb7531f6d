package repair

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"hostperm/policy"
	"hostperm/remote"
)

// record is what a journal says.
type record struct {
	header  Header
	begun   bool // the first line is whole; without it, nothing was changed
	intents []intent
	ended   bool
	lines   int
	valid   int64 // bytes up to the end of the last whole line
	torn    bool  // something stands behind it
}

// intent is one change as the journal tells it; its id is its index plus one.
type intent struct {
	path     string
	kind     policy.Kind
	from, to policy.Mode
	uid, gid uint32
	status   outcome       // of its done line, "" if there is none
	undoing  bool          // its last undo line has no undone line behind it
	undone   outcome       // of its last undone line, "" if there is none
	seen     []policy.Mode // modes that were seen right after an own change that did not work out
}

// pending reports whether undo has something to do for in: it may have been
// changed, and it was neither put back nor found to be changed since.
func (in *intent) pending() bool {
	switch in.status {
	case outRefused, outUnchanged:
		return false
	case outFailed:
		if len(in.seen) > 0 && in.seen[0] == in.from {
			return false
		}
	}
	switch in.undone {
	case outApplied, outUnchanged, outLeft:
		return false
	}
	return true
}

// maxLine bounds a line, in bytes: a path as long as an SFTP packet, escaped.
const maxLine = 4 << 20

// parseJournal reads a journal. A last line that is cut off or no JSON is
// ignored; an error about any other wraps ErrJournalCorrupt and names the line.
func parseJournal(r io.Reader) (*record, error) {
	rec := new(record)
	br := bufio.NewReaderSize(r, 1<<16)
	for {
		raw, err := readLine(br)
		if err == io.EOF {
			rec.torn = len(raw) > 0
			return rec, nil
		}
		if err != nil && err != errLongLine {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		var l line
		if err == nil {
			err = json.Unmarshal(raw, &l)
		}
		if err != nil {
			if _, next := br.Peek(1); next == io.EOF {
				rec.torn = true
				return rec, nil
			}
		} else {
			err = rec.add(l)
		}
		if err != nil {
			return nil, corrupt(rec.lines+1, err)
		}
		rec.lines++
		rec.valid += int64(len(raw))
	}
}

func corrupt(n int, err error) error {
	err = fmt.Errorf("%w: line %d: %w", ErrJournalCorrupt, n, err)
	return remote.WithHint(err, fmt.Sprintf("nothing was put back; look at line %d, mend or remove it, and run undo again: "+
		"an entry whose line is removed stays as it is", n))
}

var errLongLine = errors.New("the line is too long")

// readLine reads up to and with a newline. With io.EOF it gives what stands
// behind the last one.
func readLine(br *bufio.Reader) ([]byte, error) {
	var raw []byte
	long := false
	for {
		part, err := br.ReadSlice('\n')
		if len(raw)+len(part) <= maxLine {
			raw = append(raw, part...)
		} else {
			long = true
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil && long:
			return raw, errLongLine
		default:
			return raw, err
		}
	}
}

// add takes one whole line in.
func (r *record) add(l line) error {
	if (l.Type == typeBegin) == r.begun {
		return errors.New("the journal must begin with one begin line")
	}
	switch l.Type {
	case typeBegin:
		return r.begin(l)
	case typeIntent:
		return r.intent(l)
	case typeDone:
		return r.done(l)
	case typeUndo:
		return r.undo(l)
	case typeUndone:
		return r.undone(l)
	case typeEnd:
		r.ended = true
		return nil
	}
	return fmt.Errorf("%q is not a type of line", l.Type)
}

func (r *record) begin(l line) error {
	if l.Journal != journalVersion {
		return fmt.Errorf("it is of version %d, and this hostperm knows %d", l.Journal, journalVersion)
	}
	h := Header{User: l.User, Host: l.Host, Port: l.Port, RootUID: l.RootUID, HostKey: l.HostKey, Version: l.Version}
	var errs [3]error
	h.Target, errs[0] = untext(l.Target, l.TargetBase64)
	h.Root, errs[1] = untext(l.Root, l.RootBase64)
	h.Started, errs[2] = time.Parse(time.RFC3339Nano, l.Started)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	if !strings.HasPrefix(h.Root, "/") {
		return errors.New("the root is not absolute")
	}
	h.Started = h.Started.UTC()
	r.header, r.begun = h, true
	return nil
}

func (r *record) intent(l line) error {
	var in intent
	var errs [4]error
	in.path, errs[0] = untext(l.Path, l.PathBase64)
	in.kind, errs[1] = policy.ParseKind(l.Kind)
	in.from, errs[2] = parseMode(l.From)
	in.to, errs[3] = parseMode(l.To)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	switch {
	case l.ID != len(r.intents)+1:
		return fmt.Errorf("id %d, where %d is next", l.ID, len(r.intents)+1)
	case !validPath(in.path) || inSSH(in.path):
		return errors.New("the path is none that hostperm changes")
	case in.kind != policy.KindFile && in.kind != policy.KindDir:
		return errors.New("the kind is none that hostperm changes")
	case l.UID == nil || l.GID == nil:
		return errors.New("the owner is missing")
	}
	in.uid, in.gid = *l.UID, *l.GID
	r.intents = append(r.intents, in)
	return nil
}

func (r *record) done(l line) error {
	in, err := r.at(l.ID)
	if err != nil {
		return err
	}
	switch l.Status {
	case outApplied, outRefused, outFailed, outUnchanged, outUnknown:
	default:
		return fmt.Errorf("%q is not a status", l.Status)
	}
	if in.status != "" {
		return errors.New("a second done line for one id")
	}
	in.status = l.Status
	return in.saw(l)
}

func (r *record) undo(l line) error {
	in, err := r.at(l.ID)
	if err == nil {
		in.undoing = true
	}
	return err
}

func (r *record) undone(l line) error {
	in, err := r.at(l.ID)
	if err != nil {
		return err
	}
	switch l.Status {
	case outApplied, outRefused, outFailed, outUnchanged, outUnknown, outLeft:
	default:
		return fmt.Errorf("%q is not a status", l.Status)
	}
	in.undone, in.undoing = l.Status, false
	return in.saw(l)
}

// saw keeps the mode that an own change led to where that is not the one asked
// for: a server that drops setgid leaves an entry that is neither as planned nor
// as it was, and it is still to be put back.
func (in *intent) saw(l line) error {
	if l.Mode == "" {
		return nil
	}
	m, err := parseMode(l.Mode)
	if err == nil && (l.Status == outFailed || l.Status == outUnknown) {
		in.seen = append(in.seen, m)
	}
	return err
}

func (r *record) at(id int) (*intent, error) {
	if id < 1 || id > len(r.intents) {
		return nil, fmt.Errorf("there is no intent with id %d before it", id)
	}
	return &r.intents[id-1], nil
}
