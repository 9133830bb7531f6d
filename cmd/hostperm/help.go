package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is the column at which help is wrapped.
const helpWidth = 100

// headingKey is the annotation of a flag that says under which heading of the
// help it stands.
const headingKey = "heading"

// section registers flags that stand under one heading of the help.
func section(fs *pflag.FlagSet, heading string, register func(*pflag.FlagSet)) {
	part := pflag.NewFlagSet(heading, pflag.ContinueOnError)
	part.SortFlags = false
	register(part)
	part.VisitAll(func(f *pflag.Flag) { f.Annotations = map[string][]string{headingKey: {heading}} })
	fs.AddFlagSet(part)
}

// usage writes how a command is called. It takes the place of cobra's, which
// knows no headings and does not wrap.
func usage(cmd *cobra.Command) error {
	w := cmd.OutOrStderr()
	line := cmd.CommandPath() + strings.TrimPrefix(cmd.Use, cmd.Name())
	if cmd.HasAvailableSubCommands() {
		line += " COMMAND"
	}
	fmt.Fprintf(w, "Usage:\n  %s\n", line)
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprint(w, "\nCommands:\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				fmt.Fprintf(w, "  %-12s%s\n", sub.Name(), sub.Short)
			}
		}
		fmt.Fprintf(w, "\n%s COMMAND --help explains one.\n", cmd.CommandPath())
		return nil
	}
	flagUsages(w, cmd.LocalFlags())
	return nil
}

// flagUsages lists flags by heading, in the order of their registration.
func flagUsages(w io.Writer, fs *pflag.FlagSet) {
	var headings []string
	lines := make(map[string][][2]string)
	left := 0
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		heading := "Flags"
		if a := f.Annotations[headingKey]; len(a) > 0 {
			heading = a[0]
		}
		if lines[heading] == nil {
			headings = append(headings, heading)
		}
		name, text := flagUsage(f)
		lines[heading] = append(lines[heading], [2]string{name, text})
		left = max(left, len(name))
	})
	for _, heading := range headings {
		fmt.Fprintf(w, "\n%s:\n", heading)
		indent := "\n" + strings.Repeat(" ", left+2)
		for _, l := range lines[heading] {
			text := strings.ReplaceAll(wrap(l[1], helpWidth-left-2), "\n", indent)
			fmt.Fprintf(w, "%-*s  %s\n", left, l[0], text)
		}
	}
}

// flagUsage gives the two columns of one flag.
func flagUsage(f *pflag.Flag) (name, text string) {
	name = "      --" + f.Name
	if f.Shorthand != "" {
		name = "  -" + f.Shorthand + ", --" + f.Name
	}
	value, text := pflag.UnquoteUsage(f)
	if value != "" {
		name += " " + value
	}
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
	default:
		text += " (default " + f.DefValue + ")"
	}
	return name, text
}
