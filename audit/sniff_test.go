package audit

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"hostperm/policy"
	"hostperm/remote"
)

// heads are what files begin with, by path; a path that is missing cannot be
// read.
type heads struct {
	of    map[string]string
	calls []int // how many files each call asked for
	err   error
}

func (h *heads) Heads(_ context.Context, _ string, n int, reqs []remote.HeadRequest, each func(int, []byte, error)) error {
	h.calls = append(h.calls, len(reqs))
	for i, r := range reqs {
		text, readable := h.of[r.Path]
		if !readable {
			each(i, nil, errors.New("permission denied\x1b"))
			continue
		}
		each(i, []byte(text)[:min(n, len(text))], nil)
	}
	return h.err
}

// TestSniff: programs keep their execute bits where they are readable, and
// nothing else does.
func TestSniff(t *testing.T) {
	h := &heads{of: map[string]string{"script.cgi": "#!/bin/sh", "elf": "\x7fELF\x02", "page.php": "<?php", "empty": "", "open.sh": "#!/bin/sh",
		"setid": "#!/bin/sh", "owner-only": "#!/bin/sh", "almost": "#", "x.sh": "#!"}}
	nodes := []node{dir(".", 0o755), file("script.cgi", 0o755), file("elf", 0o755), file("page.php", 0o755), file("empty", 0o711), file("almost", 0o755),
		file("open.sh", 0o777), file("setid", 0o4755), file("owner-only", 0o744), file("unreadable", 0o755), file("plain", 0o644), file("x.sh", 0o600),
		dir("cgi-bin", 0o755), file("cgi-bin/form", 0o755), dir("vendor", 0o755), dir("vendor/bin", 0o755), file("vendor/bin/tool", 0o775),
		file("bin", 0o755), dir("robin", 0o755), file("robin/hood", 0o755)}
	h.of["bin"], h.of["robin/hood"] = "text", "text"
	r := run(t, &tree{nodes: nodes}, Options{})
	if err := r.Sniff(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	want := map[string]policy.Mode{"script.cgi": 0o755, "elf": 0o755, "page.php": 0o644, "empty": 0o644, "almost": 0o644, "open.sh": 0o755, "setid": 0o755,
		"owner-only": 0o744, "unreadable": 0o644, "x.sh": 0o644, "cgi-bin/form": 0o755, "vendor/bin/tool": 0o755, "bin": 0o644, "robin/hood": 0o644}
	seen := make(map[string]bool)
	for _, f := range r.Findings {
		seen[f.Path] = true
		if f.Want != want[f.Path] || f.Change != policy.DirectionOf(f.Mode, f.Want) || f.Clear&^(f.Mode&^f.Want) != 0 {
			t.Errorf("%s, %s: %v → %v (%s), clear %v", f.Path, f.Rule, f.Mode, f.Want, f.Change, f.Clear)
		}
		if f.Change == policy.None && f.Severity != policy.Low {
			t.Errorf("%s, %s is %v", f.Path, f.Rule, f.Severity)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("findings at %v", seen)
	}
	if fmt.Sprint(h.calls) != "[11]" {
		t.Errorf("calls for %v files", h.calls)
	}
}

// TestSniffNothing reads nothing where there is nothing to tell, or nobody wants
// to.
func TestSniffNothing(t *testing.T) {
	h := &heads{}
	r := run(t, &tree{nodes: []node{dir(".", 0o777), file("a", 0o666), file("b", 0o600)}}, Options{})
	if err := r.Sniff(t.Context(), h); err != nil || len(h.calls) > 0 {
		t.Errorf("%v, error %v", h.calls, err)
	}
	r = run(t, &tree{nodes: []node{dir(".", 0o755), file("a", 0o755), dir("cgi-bin", 0o755), file("cgi-bin/b", 0o755)}}, Options{})
	if err := r.Sniff(t.Context(), nil); err != nil {
		t.Error(err)
	}
	for _, f := range r.Findings {
		if kept := f.Want == 0o755; kept != (f.Path == "cgi-bin/b") {
			t.Errorf("%s: %v", f.Path, f.Want)
		}
	}
}

// TestSniffBatches asks for many files a batch at a time, and gives up with the
// error of one.
func TestSniffBatches(t *testing.T) {
	nodes := []node{dir(".", 0o755)}
	for i := range sniffBatch + 10 {
		nodes = append(nodes, file(fmt.Sprint("f", i), 0o755))
	}
	h := &heads{}
	if err := run(t, &tree{nodes: nodes}, Options{}).Sniff(t.Context(), h); err != nil || fmt.Sprint(h.calls) != fmt.Sprint([]int{sniffBatch, 10}) {
		t.Errorf("calls for %v files, error %v", h.calls, err)
	}
	h = &heads{err: remote.ErrDisconnected}
	if err := run(t, &tree{nodes: nodes}, Options{}).Sniff(t.Context(), h); !errors.Is(err, remote.ErrDisconnected) || len(h.calls) != 1 {
		t.Errorf("calls for %v files, error %v", h.calls, err)
	}
}
