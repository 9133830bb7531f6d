// Package report turns the message stream of an audit into what people and
// programs read: a table, JSON, JSON lines, and CSV; and reads saved JSON back.
//
// A renderer is an audit.Handler. It takes the messages in the order that
// audit.Handler promises, and sorts nothing that comes sorted. One renderer
// takes the streams of several targets, one after the other. Renderers never
// decide an exit status.
//
// Everything that comes from a server, or from a saved file, is taken to be
// hostile: it is quoted before a terminal or a spreadsheet sees it (Quote,
// SafeText, ShellQuote, and the CSV rules beside csvText). A stream that did
// not see everything, or that ends before its summary, is never shown as clean.
//
// The first error of the writer is returned once by Handle, or by Close if no
// Handle came after it; nothing is written after it.
//
// Renderers are not safe for concurrent use; the messages of an audit are
// serialised.
package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"hostperm/audit"
	"hostperm/remote"
)

// Options say how a renderer writes. The zero value is right for a pipe.
type Options struct {
	// Width is the number of terminal columns that a table has to fit. 0: not a
	// terminal; nothing is shortened or wrapped.
	Width int
	// Color lets a table use ANSI colours.
	Color bool
	// All makes a table list every entry by itself, without grouping or limit.
	All bool
	// Fixing says that the audit was one with --fix: the next command is then
	// about what the repair left.
	Fixing bool
	// Commands says what to type next about a target. Nil: made from the target
	// and root of each stream.
	Commands func(audit.Start) Commands
}

// Commands are what a person can type next, each a whole command line quoted for
// a shell; an empty one is not shown.
type Commands struct {
	Fix    string // repairs
	Loosen string // repairs, private entries included
	Undo   string // puts back what this run changed
}

// A Renderer writes the messages that it receives. Close ends the last stream:
// one that had no summary is then shown as incomplete. Close does not close the
// writer.
type Renderer interface {
	audit.Handler
	io.Closer
}

type format struct {
	name string
	open func(s *sink, o Options) streamHandler
}

func formats() []format {
	return []format{
		{"table", newTable},
		{"json", newDocument},
		{"jsonl", newLines},
		{"csv", newSheet},
	}
}

// Formats lists the names that New takes, the one for people first.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// New gives a renderer of the named format that writes to w. An unknown format
// is an error that is remote.ErrUsage and lists the known ones.
func New(name string, w io.Writer, o Options) (Renderer, error) {
	all := formats()
	i := slices.IndexFunc(all, func(f format) bool { return f.name == name })
	if i < 0 {
		err := fmt.Errorf("%w: %s is not an output format", remote.ErrUsage, audit.Quote(name))
		return nil, remote.WithHint(err, "the formats are "+strings.Join(Formats(), ", "))
	}
	out := newSink(w)
	return &frame{out: out, h: all[i].open(out, o)}, nil
}

// streamHandler is one format. The renderer around it sees to order, missing
// summaries and errors: it gets start, any number of others, and end,
// for each stream. None of them reports the writer's errors: the sink keeps
// them.
type streamHandler interface {
	start(audit.Start) error
	message(audit.Message) error
	// end closes a stream. cut says that its summary is missing: s then has
	// only what was counted on the way, and is not complete.
	end(s audit.Summary, cut bool) error
}

// frame is the part that all formats share.
type frame struct {
	out *sink
	h   streamHandler

	order order
	count tally
}

// errClosed is what a message after Close gets.
var errClosed = errors.New("report is closed")

// Handle implements audit.Handler.
func (r *frame) Handle(m audit.Message) error {
	if r.order.closed {
		return errClosed
	}
	if _, ok := m.(audit.Start); ok && r.order.open() {
		if err := r.cut(); err != nil {
			return err
		}
	}
	if err := r.order.accept(m); err != nil {
		return err
	}
	if err := r.dispatch(m); err != nil {
		return err
	}
	if !r.order.open() {
		return r.out.flush()
	}
	return r.out.check()
}

func (r *frame) dispatch(m audit.Message) error {
	switch m := m.(type) {
	case audit.Start:
		r.count = tally{}
		return r.h.start(m)
	case audit.Summary:
		return r.h.end(m, false)
	default:
		r.count.add(m)
		return r.h.message(m)
	}
}

// cut ends a stream that has no summary.
func (r *frame) cut() error {
	r.order.end()
	if err := r.h.end(r.count.summary(), true); err != nil {
		return err
	}
	return r.out.flush()
}

// Close implements io.Closer. It may be called more than once.
func (r *frame) Close() error {
	if r.order.closed {
		return nil
	}
	defer func() { r.order.closed = true }()
	if r.order.open() && r.out.err == nil {
		return r.cut()
	}
	return r.out.flush()
}

// Clean reports whether a summary says that everything was seen, nothing is
// wrong, and nothing was changed.
func Clean(s audit.Summary) bool {
	for _, n := range s.Changes {
		if n > 0 {
			return false
		}
	}
	zero := audit.Counts{}
	return s.Complete && !s.Interrupted && s.Gaps == 0 && s.Findings == zero && s.Remaining == zero
}
