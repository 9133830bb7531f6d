package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hostperm/audit/report"
)

func newRenderCommand(a *app) *cobra.Command {
	f := &outputFlags{color: "auto"}
	cmd := &cobra.Command{
		Use:   "render FILE",
		Short: "render a saved --format json or jsonl again, in any format, offline",
		Long: `Render a saved scan again. FILE is what audit --format json or jsonl wrote, or -
for stdin. The exit status says whether the file could be rendered, not what is
in it.`,
		Example: `  hostperm render scan.jsonl
  hostperm render --format csv -o scan.csv scan.jsonl`,
		Args: exactly(1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error { return f.render(a, args[0]) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.format, "format", "table", "`format` of the result: "+strings.Join(report.Formats(), ", "))
	fs.StringVarP(&f.file, "output", "o", "", "write the result to `file` instead of stdout, once it is whole")
	f.registerLook(fs)
	return cmd
}

func (f *outputFlags) render(a *app, name string) error {
	if err := f.check(); err != nil {
		return err
	}
	in := a.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return usagef("", "%w", err)
		}
		defer file.Close()
		in = file
	}
	out, err := f.open(a)
	if err != nil {
		return err
	}
	defer out.discard()
	h, err := f.renderer(a, out, report.Options{})
	if err != nil {
		return err
	}
	readErr := report.Read(in, h)
	closeErr := h.Close()
	if readErr != nil {
		return fail(exitIncomplete, fmt.Errorf("%s: %w", name, readErr))
	}
	if closeErr != nil {
		return out.failed(closeErr)
	}
	return out.close()
}
