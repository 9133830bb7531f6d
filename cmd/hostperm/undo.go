package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hostperm/audit"
	"hostperm/audit/repair"
	"hostperm/audit/report"
	"hostperm/remote"
)

// undoFlags are the flags of undo.
type undoFlags struct {
	conn        connFlags
	stateDir    string
	yes, dryRun bool
	quiet, all  bool
}

func newUndoCommand(a *app) *cobra.Command {
	f := &undoFlags{}
	cmd := &cobra.Command{
		Use:   "undo [flags] [JOURNAL]",
		Short: "put back what audit --fix changed",
		Long: `Put back the modes that a journal of audit --fix recorded, last change first.
Without JOURNAL, the newest one that still has something to put back. What was
changed by somebody else since is left alone, and said.

The host is the journal's. Give the connection flags (-i, -J, -F, ...) again that
the fix needed.`,
		Args: atMost(1, "at most one journal"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), a, args) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	section(fs, "Connection", f.conn.register)
	section(fs, "Undo", func(fs *pflag.FlagSet) {
		fs.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
		fs.BoolVar(&f.dryRun, "dry-run", false, "show what would be put back, and change nothing")
		fs.BoolVarP(&f.quiet, "quiet", "q", false, "print only what could not be put back")
		fs.BoolVar(&f.all, "all", false, "no limit on the number of lines")
		f.conn.registerChange(fs)
		fs.StringVar(&f.stateDir, "state-dir", "", "`directory` of journals and locks (default "+stateDirHint()+")")
	})
	return cmd
}

func (f *undoFlags) run(ctx context.Context, a *app, args []string) error {
	if err := f.conn.finish(a); err != nil {
		return err
	}
	state, err := openState(f.stateDir)
	if err != nil {
		return fail(exitRefused, fmt.Errorf("nothing was put back: %w", err))
	}
	defer state.Close()
	journal, err := f.journal(state, args)
	if errors.Is(err, repair.ErrNothingToUndo) {
		a.note("nothing to undo in %s", quote(state.Dir()))
		return nil
	}
	if err != nil {
		return err
	}
	u := &undoRun{app: a, conn: &f.conn, state: state, yes: f.yes, dryRun: f.dryRun, quiet: f.quiet, all: f.all}
	if u.tty = a.openTerminal(ctx); u.tty != nil {
		defer u.tty.Close()
	}
	if u.tty == nil && !u.yes && !u.dryRun {
		return usagef("add --yes to undo without being asked, or --dry-run to see the plan",
			"undo asks before it changes anything, and there is no terminal to ask on")
	}
	return u.run(ctx, journal)
}

// journal opens the one that was named, or the newest with something to undo.
func (f *undoFlags) journal(state *repair.State, args []string) (*repair.JournalFile, error) {
	if len(args) == 0 {
		j, err := state.Newest()
		return j, fail(exitRefused, err)
	}
	j, err := state.OpenJournal(args[0])
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("hostperm journal lists them", "there is no journal %q", args[0])
	}
	return j, fail(exitRefused, err)
}

// undoRun puts back one journal.
type undoRun struct {
	app                *app
	conn               *connFlags
	state              *repair.State
	yes, dryRun, quiet bool
	all                bool      // no limit on the number of lines
	tty                *terminal // nil: no terminal

	lines    map[audit.Status]int // of the changes so far
	writeErr error                // the first of stdout
}

// undoLines is how many changes of one status are listed: as many as in a table.
// Those that did not work are all listed.
const undoLines = 50

func (u *undoRun) run(ctx context.Context, journal *repair.JournalFile) error {
	if journal.Pending == 0 {
		u.app.note("nothing to undo: %s was put back before", quote(journal.Name))
		return nil
	}
	if u.dryRun {
		for _, c := range repair.PlanUndo(journal) {
			u.show(c)
		}
		u.rest()
		return fail(exitIncomplete, writing(u.writeErr))
	}
	ctx, cancel := u.conn.bound(ctx)
	defer cancel()
	u.tty.within(ctx)
	if err := u.restore(ctx, journal); err != nil {
		if err = interrupted(ctx, err); errors.Is(err, errInterrupted) {
			return err
		}
		return fmt.Errorf("%s: %w", journal.Header.Target, err)
	}
	return fail(exitIncomplete, writing(u.writeErr))
}

// restore connects to the journal's host, asks, and puts everything back.
func (u *undoRun) restore(ctx context.Context, journal *repair.JournalFile) error {
	t, err := remote.ParseTarget(journal.Header.Target)
	if err != nil {
		return fail(exitRefused, fmt.Errorf("the journal's target: %w", err))
	}
	client, err := u.conn.connect(ctx, t, nil, nil, u.tty)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := u.sameHost(client, journal.Header); err != nil {
		return err
	}
	lock, err := u.state.Lock(lockKey(client, journal.Header.Root))
	if err != nil {
		return fail(exitIncomplete, err)
	}
	defer lock.Unlock()
	if agreed, err := u.agree(journal); err != nil || !agreed {
		return err
	}
	counts, err := u.putBack(ctx, client, journal)
	u.rest()
	if !u.quiet {
		u.app.note("%s", undoTotal(counts))
	}
	return err
}

func (u *undoRun) putBack(ctx context.Context, client *remote.Client, journal *repair.JournalFile) (repair.Counts, error) {
	var done atomic.Int64
	defer u.app.progress(choice("auto").on(u.app.stderr), changeText("putting back", &done, journal.Pending))()
	return repair.Undo(ctx, client, journal, func(c audit.Change) {
		done.Add(1)
		u.show(c)
	})
}

// sameHost refuses a server other than the one that was changed: another host
// key under another name.
func (u *undoRun) sameHost(client *remote.Client, h repair.Header) error {
	is := client.Server()
	sameName := is.Host == h.Host && is.Port == h.Port
	sameKey := h.HostKey != "" && is.HostKey == h.HostKey
	if is.User == h.User && (sameName || sameKey) {
		return nil
	}
	return fail(exitRefused, remote.WithHint(
		fmt.Errorf("the journal is about %s@%s port %d, and this is %s@%s port %d", h.User, h.Host, h.Port, is.User, is.Host, is.Port),
		"give the connection flags that the fix was given"))
}

// agree asks whether to go on. The end of input is a no.
func (u *undoRun) agree(journal *repair.JournalFile) (bool, error) {
	if u.yes {
		return true, nil
	}
	agreed, err := askUndo(u.tty, journal)
	if err == nil && !agreed {
		u.app.note("nothing was put back")
	}
	return agreed, err
}

func askUndo(t asker, journal *repair.JournalFile) (bool, error) {
	t.Print(fmt.Sprintf("%s on %s %s, changed %s\n", report.Count(journal.Pending, "mode", "modes"),
		quote(journal.Header.Target), quote(journal.Header.Root), journal.Header.Started.Local().Format("2006-01-02 15:04")))
	for {
		answer, err := t.Line("put back? [y]es, [n]o, [l]ist: ")
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		case "l", "list":
			for _, c := range repair.PlanUndo(journal) {
				t.Print(fmt.Sprintf("  %s → %s  %s\n", c.From, c.To, quote(c.Path)))
			}
		default:
			t.Print("answer y, n or l\n")
		}
	}
}

// show prints one change.
func (u *undoRun) show(c audit.Change) {
	if u.lines == nil {
		u.lines = make(map[audit.Status]int)
	}
	u.lines[c.Status]++
	if c.Status == audit.Failed || c.Status == audit.Refused {
		u.app.raise(exitRefused)
	} else if u.quiet || !u.all && u.lines[c.Status] > undoLines {
		return
	}
	line := fmt.Sprintf("%-9s  %s → %s  %s", undoWord(c.Status), c.From, c.To, quote(c.Path))
	if c.Detail != "" {
		line += "  (" + audit.SafeText(c.Detail) + ")"
	}
	u.print(line)
}

// rest says how many changes were not listed.
func (u *undoRun) rest() {
	if u.quiet || u.all {
		return
	}
	for _, status := range []audit.Status{audit.Planned, audit.Applied, audit.Unchanged} {
		if n := u.lines[status] - undoLines; n > 0 {
			u.print(fmt.Sprintf("%-9s  … %s (--all lists every one)", undoWord(status), report.Count(n, "more", "more")))
		}
	}
}

func (u *undoRun) print(line string) {
	u.app.line.Load().clear()
	if _, err := fmt.Fprintln(u.app.stdout, line); err != nil && u.writeErr == nil {
		u.writeErr = err
	}
}

// undoWord says what became of an entry.
func undoWord(s audit.Status) string {
	switch s {
	case audit.Applied:
		return "restored"
	case audit.Unchanged:
		return "left"
	}
	return string(s)
}

// undoTotal is the last line of an undo.
func undoTotal(counts repair.Counts) string {
	text := report.Count(counts[audit.Applied], "mode", "modes") + " put back"
	if n := counts[audit.Unchanged]; n > 0 {
		text += fmt.Sprintf(", %d left as they are", n)
	}
	if n := counts[audit.Failed] + counts[audit.Refused]; n > 0 {
		text += fmt.Sprintf(", %d could not be put back: run it again once the cause is gone", n)
	}
	return text
}
