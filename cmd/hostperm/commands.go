package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "hostperm",
		Short: "audit and repair the permissions of a web root over SFTP",
		Long: `hostperm connects to a hosting server over SFTP, walks a web root, and flags
directories that aren't 0755, files that aren't 0644, entries that anyone can
write, .htaccess files that the web server cannot read, and more. It changes
nothing unless asked to, and what it changed it can put back.`,
		Example: `  hostperm demo                                 see it work, without a server
  hostperm audit deploy@shop.example.com        audit the web root of an account
  hostperm audit --fix deploy@shop.example.com  repair it, after asking
  hostperm undo                                 put back what that changed`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,

		SuggestionsMinimumDistance: 2,
	}
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(root, args[0])
		}
		return cmd.Help()
	}
	root.SetUsageFunc(usage)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef(cmd.CommandPath()+" --help lists the flags", "%s", oneLine(err.Error()))
	})
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND]",
		Short: "show the help of a command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, _, err := root.Find(args)
			if err != nil || (cmd == root && len(args) > 0) {
				return unknownCommand(root, strings.Join(args, " "))
			}
			return cmd.Help()
		},
	})
	root.AddCommand(newAuditCommand(a), newUndoCommand(a), newJournalCommand(a), newRulesCommand(a), newPolicyCommand(a),
		newRenderCommand(a), newDemoCommand(a), newVersionCommand(a))
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Short, completion.Args = "print the completion script of a shell", cobra.ArbitraryArgs
		completion.RunE = func(*cobra.Command, []string) error {
			return usagef("hostperm completion bash, zsh, fish or powershell", "no shell given that is known")
		}
	}
	return root
}

// unknownCommand says what was probably meant.
func unknownCommand(root *cobra.Command, arg string) error {
	hint := "hostperm --help lists the commands"
	if near := root.SuggestionsFor(arg); len(near) > 0 {
		hint = "did you mean: hostperm " + near[0]
	} else if strings.ContainsAny(arg, "@:") {
		hint = "to audit a host: hostperm audit " + arg
	}
	return usagef(hint, "unknown command %q", arg)
}

// oneLine is the first line of what a library made of several.
func oneLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// exactly and atMost are cobra's checks with this program's wording.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("hostperm "+cmd.Use, "%s takes %s; %d given", cmd.CommandPath(), what, len(args))
		}
		return nil
	}
}

func atMost(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usagef("hostperm "+cmd.Use, "%s takes %s; %d given", cmd.CommandPath(), what, len(args))
		}
		return nil
	}
}

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  exactly(0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.stdout, "hostperm %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return fail(exitIncomplete, err)
		},
	}
}

// version is the module's version as the Go command recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
