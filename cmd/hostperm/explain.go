package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hostperm/audit"
	"hostperm/policy"
)

// explainFlags are those of policy explain.
type explainFlags struct {
	policyFlags
	mode, kind   string
	owner, group string
}

func newPolicyExplain(a *app) *cobra.Command {
	f := &explainFlags{}
	cmd := &cobra.Command{
		Use:   "explain PATH",
		Short: "say which lines decide for a path, why, and what would be found",
		Long: `Say which lines of a policy decide for PATH, which is relative to the web root,
and . for the root itself. A slash at its end makes it a directory. With --mode
it says what an audit would find; the directories above are taken to let the web
server through. No host is contacted, and nothing is recognised.`,
		Example: `  hostperm policy explain --profile wordpress+cpanel --mode 0664 wp-config.php
  hostperm policy explain --policy site.yaml storage/`,
		Args: exactly(1, "one path"),
		RunE: func(_ *cobra.Command, args []string) error { return f.run(a, args[0]) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	f.policyFlags.register(fs)
	fs.StringVar(&f.mode, "mode", "", "the entry's `mode`, such as 0664 (default: what would be found is not said)")
	fs.StringVar(&f.kind, "kind", "", "what the entry is, file, dir, symlink, fifo, ... (default file, or dir if PATH ends with a slash)")
	fs.StringVar(&f.owner, "owner", "", "the `number` of its owner")
	fs.StringVar(&f.group, "group", "", "the `number` of its group")
	completeProfiles(cmd)
	return cmd
}

func (f *explainFlags) run(a *app, path string) error {
	entry, err := f.entry(path)
	if err != nil {
		return err
	}
	p, err := f.build()
	if err != nil {
		return err
	}
	for _, w := range p.Warnings() {
		a.warn(w)
	}
	_, err = fmt.Fprint(a.stdout, explanation(p, entry, f.mode != ""))
	return fail(exitIncomplete, err)
}

// entry makes what the policy is to look at.
func (f *explainFlags) entry(path string) (*policy.File, error) {
	trimmed := strings.TrimRight(path, "/")
	err := checkPath(trimmed)
	if err != nil {
		return nil, err
	}
	e := policy.EntryAt(trimmed)
	e.Kind, e.ModeKnown = policy.KindFile, f.mode != ""
	if trimmed != path || trimmed == "." {
		e.Kind = policy.KindDir
	}
	if f.kind != "" {
		if e.Kind, err = policy.ParseKind(f.kind); err != nil {
			return nil, usagef("file, dir, symlink, fifo, socket, char-device or block-device", "--kind: %w", err)
		}
	}
	if f.mode != "" {
		if e.Mode, err = policy.ParseMode(f.mode); err != nil {
			return nil, usagef("", "--mode: %w", err)
		}
	}
	if f.owner == "" && f.group == "" {
		return e, nil
	}
	if f.owner == "" || f.group == "" {
		return nil, usagef("--owner 1001 --group 33", "--owner and --group go together, as a server sends them")
	}
	ids, err := parseWebUser(f.owner + ":" + f.group)
	if err != nil || len(ids.GIDs) != 1 {
		return nil, usagef("ls -n prints the numbers", "--owner %q, --group %q: not two numbers", f.owner, f.group)
	}
	e.UID, e.GID, e.OwnerKnown = ids.UID, ids.GIDs[0], true
	return e, nil
}

// checkPath says why a path is none of an entry of a web root.
func checkPath(path string) error {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." && path != "." || part == ".." {
			return usagef("a path relative to the web root, such as wp-content/uploads", "%s is no path below a web root", quote(path))
		}
	}
	return nil
}

// explanation says in words what a policy decides for an entry.
func explanation(p *policy.Policy, e *policy.File, judged bool) string {
	x := p.Explain(e)
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s), profile %s\n\n", quote(e.Path()), e.Kind, audit.SafeText(p.Name()))
	for _, d := range []struct {
		what string
		by   *policy.Decision
	}{{"mode", x.Mode}, {"owner", x.Owner}, {"group", x.Group}} {
		b.WriteString(decision(d.what, d.by))
	}
	if x.Secret != "" {
		fmt.Fprintf(&b, "secret  %s: it is never loosened\n", audit.SafeText(x.Secret))
	}
	if len(x.Later) > 0 {
		fmt.Fprintf(&b, "later   %s would match too\n", audit.SafeText(strings.Join(x.Later, ", ")))
	}
	if !judged {
		return b.String() + "\nWith --mode it says what an audit would find.\n"
	}
	fmt.Fprintf(&b, "\nwith the mode %v:\n", e.Mode)
	found, looks := audit.Explained(e, x.Findings)
	if len(found)+len(x.Ignored) == 0 {
		b.WriteString("  nothing is found\n")
	}
	for _, f := range found {
		to := ""
		if f.Change != policy.None {
			to = fmt.Sprintf(" → %v (%s)", f.Want, f.Change)
		}
		fmt.Fprintf(&b, "  %-8s  %s%s: %s\n", f.Severity, f.Rule, to, audit.SafeText(f.Detail))
	}
	if looks {
		b.WriteString("  an audit looks into it: a program (#! or ELF) keeps its execute bits, and is low\n")
	}
	if e.Kind == policy.KindSymlink {
		b.WriteString("  an audit looks where it leads\n")
	}
	for _, i := range x.Ignored {
		fmt.Fprintf(&b, "  ignored   %s: %s (%s)\n", i.Rule, audit.SafeText(i.Reason), audit.SafeText(i.By.String()))
	}
	return b.String()
}

// decision is one line of an explanation.
func decision(what string, d *policy.Decision) string {
	if d == nil {
		return fmt.Sprintf("%-6s  no line speaks of it\n", what)
	}
	by := "matches " + d.Glob
	if d.Role != "" {
		by += ", which is " + d.Role
	}
	line := fmt.Sprintf("%-6s  %s: %s %s", what, d.Want, d.Origin, by)
	if d.Why != "" {
		line += "; " + d.Why
	}
	return audit.SafeText(line) + "\n"
}
