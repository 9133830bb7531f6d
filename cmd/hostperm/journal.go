package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"hostperm/audit"
	"hostperm/audit/repair"
	"hostperm/audit/report"
)

func newJournalCommand(a *app) *cobra.Command {
	var stateDir string
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "list the journals of what audit --fix changed",
		Args:  exactly(0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			state, err := openState(stateDir)
			if err != nil {
				return fail(exitIncomplete, err)
			}
			defer state.Close()
			return listJournals(a, state)
		},
	}
	cmd.Flags().StringVar(&stateDir, "state-dir", "", "`directory` of journals and locks (default "+stateDirHint()+")")
	return cmd
}

// openState opens the state directory, the default one if none is named.
func openState(dir string) (*repair.State, error) {
	if dir == "" {
		var err error
		if dir, err = repair.DefaultStateDir(); err != nil {
			return nil, err
		}
	}
	return repair.OpenState(dir)
}

// listJournals prints a line for each journal, newest first.
func listJournals(a *app, state *repair.State) error {
	journals, err := state.Journals()
	if err != nil {
		return fail(exitIncomplete, err)
	}
	if len(journals) == 0 {
		a.note("no journals in %s", quote(state.Dir()))
		return nil
	}
	for _, j := range journals {
		line := quote(j.Name) + "\n    " + describeJournal(j)
		if _, err := fmt.Fprintln(a.stdout, line); err != nil {
			return fail(exitIncomplete, writing(err))
		}
	}
	a.note("hostperm undo JOURNAL puts one back")
	return nil
}

// describeJournal says what a journal is about and where it stands.
func describeJournal(j repair.JournalInfo) string {
	switch {
	case j.Err != nil:
		return "cannot be read: " + audit.SafeText(j.Err.Error())
	case j.Header.Target == "":
		return "empty: the run was killed before it changed anything"
	}
	text := fmt.Sprintf("%s  %s %s  %s", j.Header.Started.Local().Format("2006-01-02 15:04:05"),
		quote(j.Header.Target), quote(j.Header.Root), report.Count(j.Steps, "change", "changes"))
	switch {
	case j.Undone:
		text += ", undone"
	case j.Pending == 0:
		text += ", nothing to undo"
	case j.Pending < j.Steps:
		text += fmt.Sprintf(", %d to undo", j.Pending)
	}
	if j.Interrupted {
		text += ", ended early"
	}
	return text
}
