package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"hostperm/remote"
)

// Environment variables for unattended use. A secret never goes in argv, where
// every user of the machine can read it.
const (
	envPassword   = "HOSTPERM_PASSWORD"
	envPassphrase = "HOSTPERM_KEY_PASSPHRASE"
)

// maxPasswordFile bounds what is read of --password-file, in bytes.
const maxPasswordFile = 4096

// reconnectTries is how often in a row a lost connection is tried to be made
// anew: with pauses that grow, long enough for a server to restart its sshd, or
// a laptop to find its network again.
const reconnectTries = 5

// connFlags are the flags that say how to reach and trust a server.
type connFlags struct {
	options      remote.Options
	passwordFile string
	timeout      time.Duration // of the whole run against one target; 0: none
	window       int           // 0: automatic
	foresee      string        // "auto" or "never"
}

func (c *connFlags) register(fs *pflag.FlagSet) {
	o := &c.options
	fs.IntVarP(&o.Port, "port", "p", 0, "`port` of the SSH server")
	fs.StringArrayVarP(&o.Identities, "identity", "i", nil, "private key `file` (repeatable)")
	fs.StringVarP(&o.Jump, "jump", "J", "", "jump host, as ssh -J: `[user@]host[:port]`, several with commas")
	fs.StringVarP(&o.ConfigFile, "ssh-config", "F", "", "ssh configuration `file`, or none (default ~/.ssh/config)")
	fs.StringArrayVar(&o.KnownHosts, "known-hosts", nil, "known_hosts `file` (repeatable; default: as ssh)")
	fs.BoolVar(&o.AcceptNewHostKey, "accept-new-host-key", false, "save the key of a host not seen before; a changed key is still refused")
	fs.StringVar(&o.HostKey, "host-key", "", "the host key must have this `fingerprint`, SHA256:...")
	fs.StringVar(&c.passwordFile, "password-file", "", "read the password from the first line of `file`")
	fs.DurationVar(&c.timeout, "timeout", 0, "end the run against one target after this `duration`, such as 10m")
}

// registerWalk registers the flags that say how a web root is walked.
func (c *connFlags) registerWalk(fs *pflag.FlagSet) {
	fs.IntVar(&c.options.Sessions, "sessions", 0, "open at most `n` SFTP sessions (default automatic)")
	fs.IntVar(&c.window, "window", 0, "ask for at most `n` directories at once in each session (default automatic)")
	fs.StringVar(&c.foresee, "foresee", "auto", "list a directory in one round trip where the server's handles can be foreseen: `auto|never`")
}

// registerChange registers the flag that says how modes may be changed.
func (c *connFlags) registerChange(fs *pflag.FlagSet) {
	fs.BoolVar(&c.options.PathChmod, "allow-path-chmod", false,
		"change also by path what the server offers no other way for; an entry that is exchanged for a symlink at that moment leads the change elsewhere")
}

// finish checks the flags and reads the secrets, before any host is contacted.
func (c *connFlags) finish(a *app) error {
	o := &c.options
	switch {
	case o.Port < 0 || o.Port > 65535:
		return usagef("", "--port %d is not a port: 1 to 65535", o.Port)
	case o.HostKey != "" && !strings.HasPrefix(o.HostKey, "SHA256:"):
		return usagef("ssh-keyscan HOST | ssh-keygen -lf - prints it", "--host-key %q is not a fingerprint of the form SHA256:...", o.HostKey)
	case c.timeout < 0:
		return usagef("", "--timeout %s is negative", c.timeout)
	case o.Sessions < 0:
		return usagef("", "--sessions %d is negative", o.Sessions)
	case c.foresee != "" && c.foresee != "auto" && c.foresee != "never":
		return usagef("", "--foresee %q: want auto or never", c.foresee)
	case c.window < 0:
		return usagef("", "--window %d is negative", c.window)
	}
	o.Password = os.Getenv(envPassword)
	o.KeyPassphrase = os.Getenv(envPassphrase)
	o.Warn = a.warn
	o.Reconnect, o.ReconnectPause = reconnectTries, a.reconnectPause
	o.Reconnecting = a.reconnecting
	if c.passwordFile == "" {
		return nil
	}
	password, err := readPassword(c.passwordFile)
	if err != nil {
		return usagef("the file holds the password in its first line", "--password-file: %w", err)
	}
	o.Password = password
	return nil
}

// readPassword gives the first line of a file.
func readPassword(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPasswordFile))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", fmt.Errorf("%s: the first line is empty", name)
	}
	return line, nil
}

// reconnecting tells of a connection that was lost, and of one that is there
// again.
func (a *app) reconnecting(n remote.Reconnect) {
	if n.Lost == nil {
		a.warn("connected again, and going on where it was")
		return
	}
	a.warn(fmt.Sprintf("%v; connecting again in %v (try %d of %d)", n.Lost, n.Pause, n.Try, n.Tries))
}

// bound gives a context that ends when --timeout does.
func (c *connFlags) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, c.timeout, errTimeout)
}

// connect dials one target. around and into are for remote.Options. The caller
// closes the client.
func (c *connFlags) connect(ctx context.Context, t remote.Target, around []string, into func(dir string) bool, tty *terminal) (*remote.Client, error) {
	o := c.options
	if c.foresee != "never" { // what is looked at early is listed so
		o.Around = around
		if c.window == 0 { // nor is it held to a window
			o.Into = into
		}
	}
	if tty != nil {
		o.Prompter = tty
	}
	return remote.Dial(ctx, t, o)
}
