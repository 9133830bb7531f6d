package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"hostperm/policy"
)

// docWidth is the column at which a rule's text is wrapped.
const docWidth = 76

func newRulesCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rules [ID]",
		Short: "list the rules, or explain one",
		Args:  atMost(1, "at most one rule"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, r := range policy.Rules() {
				ids = append(ids, r.ID+"\t"+r.Title)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fail(exitIncomplete, listRules(a.stdout))
			}
			for _, r := range policy.Rules() {
				if r.ID == args[0] {
					return fail(exitIncomplete, explainRule(a.stdout, r))
				}
			}
			return usagef("hostperm rules lists them", "there is no rule %q", args[0])
		},
	}
}

func listRules(w io.Writer) error {
	for _, r := range policy.Rules() {
		if _, err := fmt.Fprintf(w, "%-20s  %-8s  %s\n", r.ID, r.Severity, r.Title); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, "\nhostperm rules ID explains one.")
	return err
}

func explainRule(w io.Writer, r *policy.Rule) error {
	_, err := fmt.Fprintf(w, "%s (%s): %s\n\n%s\n", r.ID, r.Severity, r.Title, wrap(r.Doc, docWidth))
	return err
}

// wrap breaks text into lines of at most width bytes, at blanks.
func wrap(text string, width int) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case column+1+len(word) > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
