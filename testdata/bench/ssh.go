package main

import (
	"context"
	"fmt"
	"strings"
)

// sshArgs is ssh with the options that make it trust the one server and use
// the one key. sshfs and lftp take them too.
func (b *bench) sshArgs() []string {
	args := []string{"ssh", "-F", "none"}
	for _, option := range b.sshOptions() {
		args = append(args, "-o", option)
	}
	return args
}

func (b *bench) sshOptions() []string {
	return []string{
		"UserKnownHostsFile=" + b.server.knownHosts(),
		"GlobalKnownHostsFile=none",
		"StrictHostKeyChecking=yes",
		"IdentitiesOnly=yes",
		"IdentityFile=" + b.server.keyFile(),
		"BatchMode=yes",
		"LogLevel=ERROR",
	}
}

// remoteCommand has the server's shell run a command on the tree, and counts
// the lines that come back.
func (b *bench) remoteCommand(ctx context.Context, l lane, line string) (sample, int, error) {
	args := append(b.sshArgs(), "-p", fmt.Sprint(l.port), b.user+"@127.0.0.1", line)
	var lines lineCounter
	s, err := measure(ctx, command{args, b.env, &lines})
	return s, lines.n, err
}

// sshFindList has find list the tree on the server.
func (b *bench) sshFindList(t *tree) contender {
	return contender{name: sshFind, tree: t, run: func(ctx context.Context, l lane, t *tree) (sample, error) {
		s, seen, err := b.remoteCommand(ctx, l, "find "+shellQuote(t.root)+` -printf '%m %U %G %y %s %T@ %p\n'`)
		return s, checkSeen(err, seen, t.entries())
	}}
}

// sshFindChmod has find change what others can write.
func (b *bench) sshFindChmod(ctx context.Context, l lane, t *tree) (sample, error) {
	s, _, err := b.remoteCommand(ctx, l, "find "+shellQuote(t.root)+" -type f -perm -o+w -exec chmod 644 {} +")
	return s, err
}

func checkSeen(err error, seen, want int) error {
	if err == nil && seen != want {
		err = fmt.Errorf("saw %d entries of %d", seen, want)
	}
	return err
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
