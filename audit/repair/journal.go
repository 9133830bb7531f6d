package repair

import (
	"fmt"
	"unicode/utf8"

	"hostperm/policy"
	"hostperm/remote"
)

// file is what a journal needs of an open file.
type file interface {
	Write(p []byte) (int, error)
	Sync() error
	Close() error
}

// log appends lines to a file. After an error it stays in error: what stands
// behind a line that was cut off would be read as part of it.
type log struct {
	f   file
	buf []byte
	err error
}

func (l *log) add(ln line) {
	if l.err == nil {
		l.buf = ln.appendTo(l.buf)
	}
}

// flush hands the lines to the operating system: they outlive the process, not
// the machine.
func (l *log) flush() error {
	if l.err == nil && len(l.buf) > 0 {
		_, l.err = l.f.Write(l.buf)
		l.buf = l.buf[:0]
	}
	return journalError(l.err)
}

// sync returns once the lines are on disk.
func (l *log) sync() error {
	if l.flush() == nil {
		l.err = l.f.Sync()
	}
	return journalError(l.err)
}

// close closes the file, having synced what is left.
func (l *log) close() error {
	err := l.sync()
	if closeErr := l.f.Close(); err == nil {
		err = journalError(closeErr)
	}
	return err
}

func journalError(err error) error {
	if err == nil {
		return nil
	}
	return remote.WithHint(fmt.Errorf("%w: %w", ErrJournal, err),
		"nothing is changed without its line there: make room, or give another --state-dir")
}

// Journal is the journal of a running repair. It is for one goroutine.
type Journal struct {
	log
	header  Header
	path    string
	last    int  // id of the last intent
	stopped bool // an Apply ended early: there will be no end line
}

// newJournal writes the begin line and brings it to disk.
func newJournal(f file, h Header) (*Journal, error) {
	j := &Journal{log: log{f: f}, header: h}
	j.add(h.line())
	return j, j.sync()
}

// Path is where the journal is.
func (j *Journal) Path() string { return j.path }

// Header gives the journal's first line.
func (j *Journal) Header() Header { return j.header }

// Close ends the journal. It says so in it, unless an Apply on it ended early. It
// wraps ErrJournal.
func (j *Journal) Close() error {
	if !j.stopped {
		j.add(line{Type: typeEnd})
	}
	return j.close()
}

// intend writes a step as an intent, and gives its id. It may be sent once sync
// has returned.
func (j *Journal) intend(s *PlannedStep) (id int) {
	j.last++
	j.add(intentLine(j.last, s))
	return j.last
}

// intendLines is intend for the n steps that intentLines made lines of, with the
// ids that come next. It keeps lines.
func (j *Journal) intendLines(lines []byte, n int) {
	j.last += n
	if j.flush() == nil {
		j.buf = lines
	}
}

// intentLines makes the lines of steps as intents, with ids from first on.
func intentLines(first int, steps []PlannedStep) (lines []byte) {
	for i := range steps {
		ln := intentLine(first+i, &steps[i])
		lines = ln.appendTo(lines)
	}
	return lines
}

// done notes what came of a step. Nothing waits for it to be on disk.
func (j *Journal) done(id int, o outcome, now remote.Attr, detail string) {
	j.add(line{Type: typeDone, ID: id, Status: o, Mode: modeText(now), Detail: detail})
}

// modeText is the mode in now, "" if it has none.
func modeText(now remote.Attr) string {
	if !now.HasMode() {
		return ""
	}
	return policy.Mode(now.Perm()).String()
}

// clip bounds a text that may come from a server, so that it can't fill a
// journal: 20,000 failures may each carry one.
func clip(s string) string {
	const most = 400 // bytes
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
