package audit

import (
	"bytes"
	"context"
	"strings"

	"hostperm/policy"
	"hostperm/remote"
)

const (
	executeBits policy.Mode = 0o111
	readBits    policy.Mode = 0o444

	// sniffBatch is how many files are looked into in one go: what is held for
	// them is bounded so.
	sniffBatch = 8192
)

// Heads reads the first bytes of files; *remote.Client does.
type Heads interface {
	Heads(ctx context.Context, root string, n int, reqs []remote.HeadRequest, each func(i int, head []byte, err error)) error
}

// Sniff finds the programs among the files that r would take execute bits from:
// what lies in a directory called bin or cgi-bin, and what begins as a script
// with its interpreter does (#!) or as an ELF program. They keep an execute bit
// wherever they are to be readable; what is left of such a finding is low.
// Anything else loses them, also a file that its own account cannot read. With h
// nil nothing is read, and only directories count.
//
// The error is that of h. What was not looked into is then as before.
func (r *Result) Sniff(ctx context.Context, h Heads) error {
	var files [][]Finding // of one path each
	for rest := r.Findings; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Path == rest[0].Path {
			n++
		}
		group := rest[:n]
		rest = rest[n:]
		switch {
		case losesExecute(&group[0]) == 0:
		case inProgramDir(group[0].Path):
			keepExecute(group, "programs lie in such a directory")
		case h != nil:
			files = append(files, group)
		}
		if len(files) == sniffBatch || len(files) > 0 && len(rest) == 0 {
			if err := sniff(ctx, h, r.Root, files); err != nil {
				return err
			}
			files = files[:0]
		}
	}
	return nil
}

func sniff(ctx context.Context, h Heads, root string, files [][]Finding) error {
	reqs := make([]remote.HeadRequest, len(files))
	for i, group := range files {
		reqs[i] = remote.HeadRequest{Path: group[0].Path, Expect: group[0].Attr}
	}
	return h.Heads(ctx, root, remote.MinHead, reqs, func(i int, head []byte, err error) {
		switch {
		case err != nil:
		case bytes.HasPrefix(head, []byte("#!")):
			keepExecute(files[i], "it is a script (#!)")
		case bytes.HasPrefix(head, []byte("\x7fELF")):
			keepExecute(files[i], "it is a program (ELF)")
		}
	})
}

// Explained gives what an audit makes of what a policy has found of an entry,
// without looking into it; looks: it would, and may keep its execute bits.
func Explained(f *policy.File, found []policy.Finding) (group []Finding, looks bool) {
	r := &Result{}
	for i := range found {
		r.Findings = append(r.Findings, NewFinding(f.Path(), f, &found[i]))
	}
	_ = r.Sniff(context.Background(), nil) // reads nothing
	return r.Findings, len(r.Findings) > 0 && losesExecute(&r.Findings[0]) != 0
}

// losesExecute gives the execute bits that a repair would take from a file and
// that a program would keep.
func losesExecute(f *Finding) policy.Mode {
	if f.Kind != policy.KindFile || !f.ModeKnown {
		return 0
	}
	return f.Mode & executeBits &^ f.Want & (f.Want & readBits >> 2)
}

// inProgramDir reports whether a path lies in a directory where files are
// programs: cgi-bin, and bin, vendor/bin among them.
func inProgramDir(path string) bool {
	dirs := strings.Split(path, "/")
	for _, dir := range dirs[:len(dirs)-1] {
		if dir == "bin" || dir == "cgi-bin" {
			return true
		}
	}
	return false
}

// keepExecute withdraws from all findings of a file that it is to lose its
// execute bits.
func keepExecute(group []Finding, why string) {
	keep := losesExecute(&group[0])
	for i := range group {
		f := &group[i]
		f.Want |= keep
		f.Change = policy.DirectionOf(f.Mode, f.Want)
		if f.Change == policy.None {
			f.Held = ""
		}
		if f.Clear&keep == 0 {
			continue
		}
		if f.Clear &^= keep; f.Clear|f.Set == 0 {
			f.Severity = policy.Low
			f.Detail = "execute bits, which stay: " + why
		} else {
			f.Detail += "; its execute bits stay: " + why
		}
	}
}
