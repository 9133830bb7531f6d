package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
)

// summary is the last line of hostperm's jsonl.
type summary struct {
	Type     string         `json:"type"`
	Dirs     int            `json:"dirs"`
	Files    int            `json:"files"`
	Changes  map[string]int `json:"changes"`
	Complete bool           `json:"complete"`
}

// audit runs hostperm audit with more flags, and expects all of the tree to be
// seen, nothing to remain, and as many changes as said.
func (b *bench) audit(changes func(*tree) int, flags ...string) runner {
	return func(ctx context.Context, l lane, t *tree) (sample, error) {
		state, err := os.MkdirTemp(b.scratch, "state-")
		if err != nil {
			return sample{}, fmt.Errorf("make a state directory: %w", err)
		}
		defer os.RemoveAll(state)
		target := url.URL{Scheme: "sftp", User: url.User(b.user), Host: l.addr(), Path: t.root}
		args := []string{b.hostperm, "audit", "--format", "jsonl", "--profile", "default", "--fail-on", "never", "-F", "none",
			"-i", b.server.keyFile(), "--known-hosts", b.server.knownHosts(), "--progress", "never", "--state-dir", state}
		var last lastLine
		s, err := measure(ctx, command{append(append(args, flags...), target.String()), b.env, &last})
		if err != nil {
			return s, err
		}
		return s, last.check(t, changes(t))
	}
}

func noChanges(*tree) int { return 0 }

func (l *lastLine) check(t *tree, changes int) error {
	var sum summary
	if err := json.Unmarshal(l.line, &sum); err != nil || sum.Type != "summary" {
		return fmt.Errorf("the last line is no summary: %.100q", l.line)
	}
	seen := sum.Dirs + sum.Files
	if seen != t.entries() || !sum.Complete || sum.Changes["applied"] != changes {
		return fmt.Errorf("saw %d entries of %d (complete: %v), made %d changes of %d",
			seen, t.entries(), sum.Complete, sum.Changes["applied"], changes)
	}
	return nil
}

// hostperms gives hostperm as it is, and with handles waited for if it can
// tell handles before it is told.
func (b *bench) hostperms(t *tree) []contender {
	all := []contender{{name: hostperm, tree: t, run: b.audit(noChanges)}}
	if b.foresees {
		all = append(all, contender{name: waited, tree: t, run: b.audit(noChanges, "--foresee", "never")})
	}
	return all
}
