package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"hostperm/audit"
	"hostperm/audit/report"
)

// connectionFlags are those that a later command needs to reach the same
// server and the same journals.
func connectionFlags() []string {
	return []string{"identity", "jump", "ssh-config", "known-hosts", "accept-new-host-key", "host-key", "password-file", "state-dir", "allow-path-chmod"}
}

// auditAgain are those that a later audit needs, to judge alike; a journal
// holds the port.
func auditAgain() []string {
	return append(connectionFlags(), "port", "profile", "policy", "exclude", "web-user", "rule", "no-sniff")
}

// commands are what to type next, with the flags that were typed.
func (s *session) commands() report.Commands {
	flags := again(s.typed, auditAgain())
	target := flags + shellQuote(s.target.String())
	c := report.Commands{Fix: "hostperm audit --fix " + target, Loosen: "hostperm audit --fix --loosen " + target}
	if s.journal != nil {
		c.Undo = s.undoCommand()
	}
	return c
}

// undoCommand is what puts back what this session changed.
func (s *session) undoCommand() string {
	return "hostperm undo " + again(s.typed, connectionFlags()) + shellQuote(filepath.Base(s.journal.Path()))
}

// undoTarget is the target as undo has to name it. The port is part of it, since
// undo may be run without the flag.
func (s *session) undoTarget() string {
	t := s.target
	if s.conn.options.Port != 0 {
		t.Port = s.conn.options.Port
	}
	return t.String()
}

// again gives those of the flags that were typed and stand in names, for a
// command line, with a blank behind each.
func again(typed *pflag.FlagSet, names []string) string {
	if typed == nil {
		return ""
	}
	var b strings.Builder
	typed.Visit(func(flag *pflag.Flag) {
		if !slices.Contains(names, flag.Name) {
			return
		}
		if flag.Value.Type() == "bool" {
			b.WriteString("--" + flag.Name)
			if on := flag.Value.String(); on != "true" {
				b.WriteString("=" + on)
			}
			b.WriteByte(' ')
			return
		}
		values := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			b.WriteString("--" + flag.Name + " " + shellQuote(value) + " ")
		}
	})
	return b.String()
}

// quote shows a name from a server or an argument on a terminal.
func quote(name string) string { return audit.Quote(name) }

// shellQuote makes a word that a POSIX shell reads back as s.
func shellQuote(s string) string { return audit.ShellQuote(s) }
