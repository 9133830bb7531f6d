package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hostperm/policy"
)

func newPolicyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "print a profile, validate a policy file, say which lines decide",
		Args:  cobra.ArbitraryArgs,

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(newPolicyShow(a), newPolicyCheck(a), newPolicyExplain(a))
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		hint := "hostperm policy --help lists the commands"
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean: hostperm policy " + near[0]
		}
		return usagef(hint, "unknown command %q of policy", args[0])
	}
	return cmd
}

func newPolicyShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show [PROFILE|FILE]",
		Short: "print all that a profile or a file comes to, each line with where it is from",
		Long: `Print what a profile, several with + between them, or a policy file comes to
with all that it extends, as one policy file. Without an argument, the default.`,
		Example: `  hostperm policy show wordpress+cpanel
  hostperm policy show ./site.yaml`,
		Args: atMost(1, "at most one profile or file"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return profileNames(typed), cobra.ShellCompDirectiveDefault
		},
		RunE: func(_ *cobra.Command, args []string) error {
			f := &policyFlags{}
			if len(args) == 1 {
				f = named(args[0])
			}
			p, err := f.build()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(a.stdout, p.Text())
			return fail(exitIncomplete, err)
		},
	}
}

// named takes an argument for a profile if it can be one, or else for a file.
func named(arg string) *policyFlags {
	if policy.IsFile(arg) {
		return &policyFlags{file: arg}
	}
	return &policyFlags{profile: arg}
}

// build makes the policy that the flags name, with nothing recognised.
func (f *policyFlags) build() (*policy.Policy, error) {
	o, err := f.options(nil)
	if err != nil {
		return nil, err
	}
	return newPolicy(o)
}

func newPolicyCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE...",
		Short: "validate policy files, and list all that is wrong with them",
		Long: `Validate policy files and what they extend. The exit status is 0 if all of them
are valid, or else 2.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("hostperm "+cmd.Use, "no policy file given")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			bad := 0
			for _, name := range args {
				ok, err := checkPolicy(a, name)
				if err != nil {
					return fail(exitIncomplete, err)
				}
				if !ok {
					bad++
				}
			}
			if bad > 0 {
				a.raise(exitUsage)
			}
			return nil
		},
	}
}

// checkPolicy validates one file; the error is that of writing.
func checkPolicy(a *app, name string) (bool, error) {
	p, err := (&policyFlags{file: name}).build()
	if err == nil {
		for _, w := range p.Warnings() {
			a.warn(w)
		}
		_, err = fmt.Fprintf(a.stdout, "%s: valid\n", quote(name))
		return true, err
	}
	var ps policy.Problems
	if !errors.As(err, &ps) {
		a.complain(err)
		return false, nil
	}
	for _, p := range ps {
		a.complain(p)
	}
	return false, nil
}
