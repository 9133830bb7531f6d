package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hostperm/audit/repair"
	"hostperm/audit/report"
	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/remotetest"
)

// demoUser is the account of the demo's server.
const demoUser = "demo"

// demoFlags are the flags of demo.
type demoFlags struct {
	fix, yes, serve bool
	all             bool
	color           choice
}

func newDemoCommand(a *app) *cobra.Command {
	f := &demoFlags{color: "auto"}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "audit a sample site with broken permissions, served by hostperm itself",
		Long: `Start an SSH and SFTP server on loopback, with a random host key and password,
lay out a sample site with every kind of defect in a temporary directory, and
audit it as any remote host. The server and the directory are gone afterwards.`,
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), a) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.BoolVar(&f.fix, "fix", false, "go on: plan, ask, repair, audit again, and undo")
	fs.BoolVarP(&f.yes, "yes", "y", false, "with --fix: do not ask; tighten and loosen")
	fs.BoolVar(&f.serve, "serve", false, "only serve, until interrupted, and print the command to audit it with")
	fs.BoolVar(&f.all, "all", false, "no limit on the number of rows")
	fs.Var(&f.color, "color", "colours")
	return cmd
}

func (f *demoFlags) run(ctx context.Context, a *app) (err error) {
	if f.yes && !f.fix {
		return usagef("hostperm demo --fix --yes", "--yes does nothing without --fix")
	}
	if f.fix && f.serve {
		return usagef("serve in one terminal, and run the printed command with --fix in another", "--fix and --serve don't go together")
	}
	d, err := startDemo()
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() {
		if closeErr := d.close(); closeErr != nil && err == nil {
			err = fmt.Errorf("demo: %w", closeErr)
		}
	}()
	if f.serve {
		return f.serveUntil(ctx, a, d)
	}
	a.note("a sample site with broken permissions is served at sftp://%s@%s, until this command ends", demoUser, d.server.Addr())
	return f.audit(ctx, a, d)
}

// serveUntil keeps the server up until the context ends. Ctrl-C is how it is
// meant to end, and still gives 130.
func (f *demoFlags) serveUntil(ctx context.Context, a *app, d *demo) error {
	_, err := fmt.Fprintf(a.stdout, "%s=%s %s audit --port %d --host-key %s %s@%s:public_html\n", envPassword, d.password,
		invocation(), d.server.Port(), d.server.Fingerprint(), demoUser, d.server.Host())
	if err != nil {
		return fail(exitIncomplete, writing(err))
	}
	a.note("serving the sample site; type the line above in another terminal, Ctrl-C ends")
	<-ctx.Done()
	return nil
}

// audit audits the sample site, and repairs and undoes if asked to.
func (f *demoFlags) audit(ctx context.Context, a *app, d *demo) error {
	flags := d.auditFlags(f)
	target := demoUser + "@" + d.server.Host() + ":public_html"
	typed := ""
	if f.fix {
		typed = "--fix "
	}
	if f.yes {
		typed += "--yes --loosen "
	}
	a.note("$ hostperm audit --profile %s %s%s\n", policy.DefaultProfile, typed, target)
	job, err := flags.check(a, []string{target})
	if err != nil {
		return err
	}
	job.conn.options.Password = d.password
	job.conn.options.Warn = a.warn
	job.next = func(*session) report.Commands { return report.Commands{Fix: invocation() + " demo --fix"} }
	if err := job.run(ctx); err != nil || ctx.Err() != nil {
		return interrupted(ctx, err)
	}
	if job.failed || a.status == exitRefused {
		return nil
	}
	a.status = exitClean // what is wrong with the site, and what cannot be read, is what the demo is about
	if f.fix {
		if err := d.undo(ctx, a, &job.conn); err != nil {
			return interrupted(ctx, err)
		}
		a.note("\nnext, on a host of yours: hostperm audit deploy@shop.example.com")
	}
	return nil
}

// demo is a running server with its temporary directory.
type demo struct {
	dir      string // holds the site and the state directory
	password string
	server   *remotetest.Server
}

func startDemo() (*demo, error) {
	dir, err := os.MkdirTemp("", "hostperm-demo-")
	if err != nil {
		return nil, err
	}
	d := &demo{dir: dir, password: rand.Text()}
	if err := remotetest.WriteSite(d.site()); err != nil {
		return nil, errors.Join(err, d.close())
	}
	// Without accounts, as in a chroot; with lsetstat as OpenSSH has it: the sample has an entry that its owner
	// cannot open.
	d.server, err = remotetest.Start(remotetest.Config{Dir: dir, Etc: d.state(), User: demoUser, Password: d.password, LSetstat: true})
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *demo) site() string  { return filepath.Join(d.dir, "public_html") }
func (d *demo) state() string { return filepath.Join(d.dir, "state") }

// close ends the server and removes what was laid out.
func (d *demo) close() error {
	var err error
	if d.server != nil {
		err = d.server.Close()
	}
	return errors.Join(err, remotetest.RemoveSite(d.site()), os.RemoveAll(d.dir))
}

// auditFlags are those that a person would type, and an empty configuration.
func (d *demo) auditFlags(f *demoFlags) *auditFlags {
	flags := &auditFlags{progress: "auto", policyFlags: policyFlags{profile: policy.DefaultProfile}, failOn: "low", stateDir: d.state(),
		fix: f.fix, yes: f.yes, loosen: f.yes, out: outputFlags{format: "table", all: f.all, color: f.color}}
	flags.conn.options = remote.Options{Port: d.server.Port(), HostKey: d.server.Fingerprint(), ConfigFile: "none"}
	return flags
}

// undo puts back what the demo's fix changed.
func (d *demo) undo(ctx context.Context, a *app, conn *connFlags) error {
	state, err := openState(d.state())
	if err != nil {
		return err
	}
	defer state.Close()
	journal, err := state.Newest()
	if errors.Is(err, repair.ErrNothingToUndo) {
		return nil
	}
	if err != nil {
		return err
	}
	a.note("\n$ hostperm undo\n")
	u := &undoRun{app: a, conn: conn, state: state, yes: true}
	return u.run(ctx, journal)
}

// invocation is how this program was started: go run builds it in a directory
// that is gone afterwards.
func invocation() string {
	if self, err := os.Executable(); err == nil && strings.Contains(filepath.ToSlash(self), "/go-build") {
		return "go run ./cmd/hostperm"
	}
	return "hostperm"
}
