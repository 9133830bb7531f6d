package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"hostperm/audit/report"
)

// outputFlags say what the result looks like and where it goes.
type outputFlags struct {
	format string
	file   string
	quiet  bool
	all    bool
	color  choice
}

func (f *outputFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.format, "format", "table", "`format` of the result: "+strings.Join(report.Formats(), ", "))
	fs.StringVarP(&f.file, "output", "o", "", "write the result to `file` instead of stdout, once it is whole")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "for cron: print nothing if all was seen, nothing is at or above --fail-on, and nothing was changed")
	f.registerLook(fs)
}

// registerLook registers the flags that only change how a table looks.
func (f *outputFlags) registerLook(fs *pflag.FlagSet) {
	fs.BoolVar(&f.all, "all", false, "no limit on the number of rows")
	fs.Var(&f.color, "color", "colours")
}

func (f *outputFlags) check() error {
	if !slices.Contains(report.Formats(), f.format) {
		return usagef("one of "+strings.Join(report.Formats(), ", "), "--format %q is not known", f.format)
	}
	return nil
}

// output is where the result goes: stdout, or a file that appears under its
// name only once it is whole.
type output struct {
	io.Writer
	name string   // of the file when it is whole; "" for stdout
	temp *os.File // nil for stdout or what is no regular file
	file *os.File // a device or a pipe, written directly
}

// open opens the output before any host is contacted.
func (f *outputFlags) open(a *app) (*output, error) {
	if f.file == "" {
		return &output{Writer: a.stdout}, nil
	}
	cannot := func(err error) (*output, error) { // without the temporary name
		return nil, usagef("", "--output %s: %w", quote(f.file), reason(err))
	}
	if info, err := os.Stat(f.file); err == nil && !info.Mode().IsRegular() {
		file, err := os.OpenFile(f.file, os.O_WRONLY, 0)
		if err != nil {
			return cannot(err)
		}
		return &output{Writer: file, file: file}, nil
	}
	// Not os.CreateTemp: the file gets the mode that the umask gives any other.
	temp, err := os.OpenFile(fmt.Sprintf("%s.%d.tmp", f.file, os.Getpid()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return cannot(err)
	}
	return &output{Writer: temp, temp: temp, name: f.file}, nil
}

// reason is an error of the file system without the operation and the name.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// empty reports whether nothing was written yet to a file that is to be put in
// its place.
func (o *output) empty() bool {
	if o.temp == nil {
		return false
	}
	at, err := o.temp.Seek(0, io.SeekCurrent)
	return err == nil && at == 0
}

// close puts the file in its place.
func (o *output) close() error {
	if o.file != nil {
		return o.failed(o.file.Close())
	}
	if o.temp == nil {
		return nil
	}
	err := o.temp.Close()
	if err == nil {
		err = os.Rename(o.temp.Name(), o.name)
	}
	if err == nil {
		o.temp = nil
	}
	return o.failed(err)
}

// failed gives the error of a result that could not be delivered its status.
func (o *output) failed(err error) error {
	return fail(exitIncomplete, writing(err))
}

// writing says that the result could not be delivered; nil stays nil.
func writing(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("writing the result: %w", err)
}

// discard removes a file that was not closed.
func (o *output) discard() {
	if o.temp != nil {
		o.temp.Close()
		os.Remove(o.temp.Name())
	}
}

// renderer makes the handler for the messages of all targets.
func (f *outputFlags) renderer(a *app, out *output, o report.Options) (report.Renderer, error) {
	o.All, o.Color = f.all, f.color == "always"
	if out.Writer == a.stdout {
		o.Width, o.Color = widthOf(a.stdout), colorOn(f.color, a.stdout)
	}
	h, err := report.New(f.format, out, o)
	return h, fail(exitUsage, err)
}
