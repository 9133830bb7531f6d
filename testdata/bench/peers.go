package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// absent gives why a peer cannot take part, or "".
func absent(program string) string {
	if _, err := findProgram(program); err != nil {
		return err.Error()
	}
	return ""
}

// listers gives the peers that list a tree over SFTP.
func (b *bench) listers(l lane, t *tree) []contender {
	all := []contender{
		b.pkgSFTP(l, t),
		{name: rclone8, tree: t, run: b.rclone(8), peer: true, absent: absent("rclone")},
		{name: rclone64, tree: t, run: b.rclone(64), peer: true, absent: absent("rclone")},
	}
	if l.rtt > 0 {
		return all // a quarter of an hour and more for the others
	}
	return append(all,
		contender{name: "lftp find -l", tree: t, run: b.lftp, once: true, absent: absent("lftp")},
		contender{name: "sshfs + find", tree: t, run: b.sshfs, once: true, absent: absent("sshfs")})
}

// pkgSFTP lists as many directories at once as serve it best at the distance.
func (b *bench) pkgSFTP(l lane, t *tree) contender {
	c := contender{name: library, tree: t, run: b.client(1024), peer: true}
	if l.rtt == 0 {
		c.name, c.run = "pkg/sftp, 64 at once", b.client(64)
	} else if limit := b.server.openFiles(); limit < 1100 {
		c.absent = fmt.Sprintf("it does not list again what fails, and a server process may have only %d files open", limit)
	}
	return c
}

// rclone lists names only, without the modes that the others get.
func (b *bench) rclone(checkers int) runner {
	return func(ctx context.Context, l lane, t *tree) (sample, error) {
		var lines lineCounter
		s, err := measure(ctx, command{[]string{"rclone", "lsf", "-R", "--config", "", "--checkers", fmt.Sprint(checkers),
			"--sftp-host", "127.0.0.1", "--sftp-port", fmt.Sprint(l.port), "--sftp-user", b.user,
			"--sftp-key-file", b.server.keyFile(), "--sftp-known-hosts-file", b.server.knownHosts(),
			"--sftp-shell-type", "none", "--sftp-disable-hashcheck", ":sftp:" + t.root}, b.env, &lines})
		return s, checkSeen(err, lines.n+1, t.entries()) // it does not list the root itself
	}
}

func (b *bench) lftp(ctx context.Context, l lane, t *tree) (sample, error) {
	args := b.sshArgs()
	for i, arg := range args {
		args[i] = shellQuote(arg)
	}
	script := fmt.Sprintf(`set cmd:fail-exit yes; set net:max-retries 1; set sftp:connect-program "%s -a -x"; `+
		`open -u %s, -p %d sftp://127.0.0.1; find -l %s`, strings.Join(args, " "), b.user, l.port, shellQuote(t.root))
	var lines lineCounter
	s, err := measure(ctx, command{[]string{"lftp", "-c", script}, b.env, &lines})
	return s, checkSeen(err, lines.n, t.entries())
}

// sshfs mounts the tree and has find list it. The processor time is that of
// both, the memory that of the larger.
func (b *bench) sshfs(ctx context.Context, l lane, t *tree) (sample, error) {
	point, err := os.MkdirTemp(b.scratch, "mount-")
	if err != nil {
		return sample{}, fmt.Errorf("make a mount point: %w", err)
	}
	defer os.Remove(point)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begin := time.Now()
	ended := b.serveMount(ctx, l, t, point)
	if err := waitMounted(ctx, point, ended); err != nil {
		cancel()
		unmount(point)
		return sample{}, err
	}
	var lines lineCounter
	s, err := measure(ctx, command{[]string{"find", point, "-printf", `%m %U %G %y %s %T@ %p\n`}, b.env, &lines})
	s.wall = time.Since(begin)
	if unmountErr := unmount(point); unmountErr != nil {
		cancel()
		err = errors.Join(err, unmountErr)
	}
	mount := <-ended
	s.cpu += mount.cpu
	s.peak = max(s.peak, mount.peak)
	return s, checkSeen(errors.Join(err, mount.err), lines.n, t.entries())
}

// ending is how a process that ran beside another ended.
type ending struct {
	sample
	err error
}

// serveMount runs sshfs until the tree is unmounted.
func (b *bench) serveMount(ctx context.Context, l lane, t *tree, point string) <-chan ending {
	args := []string{"sshfs", "-f", "-p", fmt.Sprint(l.port), "-F", "none"}
	for _, option := range b.sshOptions() {
		args = append(args, "-o", option)
	}
	args = append(args, b.user+"@127.0.0.1:"+t.root, point)
	ended := make(chan ending, 1)
	go func() {
		s, err := measure(ctx, command{args, b.env, nil})
		ended <- ending{s, err}
	}()
	return ended
}

// waitMounted waits until the mount point is on a device of its own.
func waitMounted(ctx context.Context, point string, ended <-chan ending) error {
	var above, here syscall.Stat_t
	if err := syscall.Stat(point, &above); err != nil {
		return fmt.Errorf("look at the mount point: %w", err)
	}
	for {
		if err := syscall.Stat(point, &here); err == nil && here.Dev != above.Dev {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case end := <-ended:
			return unable{fmt.Sprintf("it cannot mount: %v", end.err)}
		case <-time.After(time.Millisecond):
		}
	}
}

func unmount(point string) error {
	program := "fusermount3"
	if _, err := exec.LookPath(program); err != nil {
		program = "fusermount"
	}
	if said, err := exec.Command(program, "-u", point).CombinedOutput(); err != nil {
		return fmt.Errorf("unmount: %w: %s", err, said)
	}
	return nil
}
