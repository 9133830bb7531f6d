package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hostperm/audit"
	"hostperm/audit/repair"
	"hostperm/audit/report"
	"hostperm/audit/sitecheck"
	"hostperm/policy"
	"hostperm/remote"
)

// auditFlags are the flags of audit, as typed.
type auditFlags struct {
	conn connFlags
	out  outputFlags
	policyFlags

	exclude  []string
	rules    []string
	failOn   string
	progress choice

	fix, yes, loosen, dryRun bool
	stateDir                 string
	checkURLs                []string
	noSniff                  bool

	typed *pflag.FlagSet // for the commands that the report suggests; nil: none were typed
}

func newAuditCommand(a *app) *cobra.Command {
	f := &auditFlags{progress: "auto", out: outputFlags{color: "auto"}}
	cmd := &cobra.Command{
		Use:   "audit [flags] TARGET...",
		Short: "audit a web root; repair it with --fix",
		Long: `Audit one or more web roots. Nothing is changed without --fix.

TARGET is [user@]host[:path], sftp://[user@]host[:port]/abs/path (/~/rel from the
login directory), or an alias of ~/.ssh/config. Without a path, the first of
public_html, httpdocs, htdocs, www, html and web that exists is audited.

A password or a key's passphrase is asked for on the terminal, or taken from
` + envPassword + ` and ` + envPassphrase + `.

Exit status: 0 complete and nothing found, 1 findings remain, 2 wrong usage,
3 incomplete, 4 a change was refused or failed, 130 interrupted.`,
		Example: `  hostperm audit deploy@shop.example.com
  hostperm audit --fix deploy@shop.example.com:htdocs
  hostperm audit --quiet --fail-on high shop blog      from cron
  hostperm audit --format jsonl -o scan.jsonl shop     keep it for hostperm render`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), a, args) },
	}
	f.register(cmd.Flags())
	completeProfiles(cmd)
	return cmd
}

func (f *auditFlags) register(fs *pflag.FlagSet) {
	f.typed = fs
	fs.SortFlags = false
	section(fs, "Connection", func(fs *pflag.FlagSet) {
		f.conn.register(fs)
		f.conn.registerWalk(fs)
	})
	section(fs, "What is checked", func(fs *pflag.FlagSet) {
		f.policyFlags.register(fs)
		fs.StringArrayVar(&f.rules, "rule", nil, "look only for what this rule flags, by its `id` (repeatable); hostperm rules lists them")
		fs.BoolVar(&f.noSniff, "no-sniff", false, "do not read the first bytes of executable files to tell a program, which keeps its execute bits")
		fs.StringArrayVar(&f.exclude, "exclude", nil, "leave out what matches this `glob` (repeatable): cache, wp-content/cache/**")
	})
	section(fs, "Output", func(fs *pflag.FlagSet) {
		f.out.register(fs)
		fs.Var(&f.progress, "progress", "progress line on stderr")
		fs.StringVar(&f.failOn, "fail-on", "low", "exit with 1 from this `severity` on: low, medium, high, critical or never")
	})
	section(fs, "Repair", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.fix, "fix", false, "repair what was found, after asking")
		fs.BoolVarP(&f.yes, "yes", "y", false, "with --fix: do not ask; tighten, and make .htaccess readable")
		fs.BoolVar(&f.loosen, "loosen", false, "with --fix and --yes or --dry-run: also make private entries readable to others")
		fs.BoolVar(&f.dryRun, "dry-run", false, "with --fix: show what --yes would change, and change nothing")
		fs.StringArrayVar(&f.checkURLs, "check-url", nil, "with --fix: fetch this `URL` before and after (repeatable); if it worked and does not any more, put everything back")
		f.conn.registerChange(fs)
		fs.StringVar(&f.stateDir, "state-dir", "", "`directory` of journals and locks (default "+stateDirHint()+")")
	})
}

// stateDirHint is where journals are kept by default, for the help.
func stateDirHint() string {
	dir, err := repair.DefaultStateDir()
	if err != nil {
		return "none on this machine"
	}
	if home, err := os.UserHomeDir(); err == nil {
		if below, ok := strings.CutPrefix(dir, home+string(filepath.Separator)); ok {
			return filepath.Join("~", below)
		}
	}
	return dir
}

// auditJob is what the flags mean: everything checked before a host is contacted.
type auditJob struct {
	*auditFlags
	app     *app
	targets []remote.Target
	options policy.Options // what the policy was built from
	policy  *policy.Policy
	failAt  policy.Severity // 0: never
	tty     *terminal       // nil: no terminal
	current *session        // of the target at work
	failed  bool            // an error was printed
	next    func(*session) report.Commands
	pages   *sitecheck.Checker // nil: no --check-url
}

func (f *auditFlags) run(ctx context.Context, a *app, args []string) error {
	job, err := f.check(a, args)
	if err != nil {
		return err
	}
	return job.run(ctx)
}

// run audits the targets in turn.
func (job *auditJob) run(ctx context.Context) error {
	if job.tty = job.app.openTerminal(ctx); job.tty != nil {
		defer job.tty.Close()
	}
	if job.fix && !job.yes && !job.dryRun && job.tty == nil {
		return usagef("add --yes to fix without being asked, or --dry-run to see the plan",
			"--fix asks before it changes anything, and there is no terminal to ask on")
	}
	out, err := job.out.open(job.app)
	if err != nil {
		return err
	}
	defer out.discard()
	h, err := job.out.renderer(job.app, out, report.Options{Fixing: job.fix,
		Commands: func(audit.Start) report.Commands { return job.next(job.current) }})
	if err != nil {
		return err
	}
	for _, t := range job.targets {
		if err := job.auditTarget(ctx, t, h); err != nil {
			job.failed = true
			job.app.raise(codeOf(err))
			job.app.complain(err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if err := h.Close(); err != nil {
		return out.failed(err)
	}
	if job.failed && out.empty() {
		return nil // no host was reached: what an earlier run wrote stays
	}
	return out.close()
}

// check turns flags and arguments into a job. Every error is one of usage.
func (f *auditFlags) check(a *app, args []string) (*auditJob, error) {
	if len(args) == 0 {
		return nil, usagef("hostperm audit [user@]host[:path], or try: hostperm demo", "no target given")
	}
	job := &auditJob{auditFlags: f, app: a, next: (*session).commands}
	for _, arg := range args {
		t, err := remote.ParseTarget(arg)
		if err != nil {
			return nil, fail(exitUsage, err)
		}
		job.targets = append(job.targets, t)
	}
	if err := f.checkFix(); err != nil {
		return nil, err
	}
	var err error
	if job.pages, err = f.parsePages(len(job.targets)); err != nil {
		return nil, err
	}
	for _, glob := range f.exclude {
		if err := audit.ValidateExclude(glob); err != nil {
			return nil, usagef("", "--exclude: %w", err)
		}
	}
	if f.failOn != "never" {
		s, err := policy.ParseSeverity(f.failOn)
		if err != nil {
			return nil, usagef("", "--fail-on %q: want low, medium, high, critical or never", f.failOn)
		}
		job.failAt = s
	}
	o, err := f.policyFlags.options(f.rules)
	if err != nil {
		return nil, err
	}
	if job.policy, err = newPolicy(o); err != nil {
		return nil, err
	}
	job.options = o
	for _, w := range job.policy.Ended() {
		a.warn(w)
	}
	if err := f.out.check(); err != nil {
		return nil, err
	}
	return job, f.conn.finish(a)
}

// checkFix refuses flags that would do nothing, since whoever typed them
// expects them to.
func (f *auditFlags) checkFix() error {
	for _, flag := range []struct {
		on   bool
		name string
	}{{f.yes, "--yes"}, {f.loosen, "--loosen"}, {f.dryRun, "--dry-run"}, {f.conn.options.PathChmod, "--allow-path-chmod"}} {
		if flag.on && !f.fix {
			return usagef("hostperm audit --fix "+flag.name+" TARGET", "%s does nothing without --fix", flag.name)
		}
	}
	return nil
}
