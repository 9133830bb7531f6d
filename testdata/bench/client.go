package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"sync"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"hostperm/remote"
)

// asClient is the first argument of this program when it is a client itself, in
// a process that can be measured; the second is an order.
const asClient = "client"

// order says what a client is to do: walk the tree with hostperm's own walk, or
// list it with pkg/sftp. It prints how many entries it saw.
type order struct {
	AtOnce     int // listings at once by pkg/sftp; 0: hostperm's walk
	User, Addr string
	KeyFile    string
	KnownHosts string
	Root       string
}

func (b *bench) client(atOnce int) runner {
	return func(ctx context.Context, l lane, t *tree) (sample, error) {
		text, err := json.Marshal(order{atOnce, b.user, l.addr(), b.server.keyFile(), b.server.knownHosts(), t.root})
		if err != nil {
			return sample{}, fmt.Errorf("write the client's order: %w", err)
		}
		var last lastLine
		s, err := measure(ctx, command{[]string{b.self, asClient, string(text)}, b.env, &last})
		if err != nil {
			return s, err
		}
		var seen int
		_, err = fmt.Sscan(string(last.line), &seen)
		return s, checkSeen(err, seen, t.entries())
	}
}

func (b *bench) bareWalk(t *tree) contender {
	return contender{name: bareWalk, tree: t, run: b.client(0)}
}

func runClient(ctx context.Context, text string, stdout io.Writer) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	do := o.list
	if o.AtOnce == 0 {
		do = o.walk
	}
	seen, err := do(ctx)
	if err == nil {
		_, err = fmt.Fprintln(stdout, seen)
	}
	return err
}

// walk is hostperm's walk with a visitor that does nothing.
func (o order) walk(ctx context.Context) (seen int, err error) {
	address := url.URL{Scheme: "sftp", User: url.User(o.User), Host: o.Addr, Path: o.Root}
	target, err := remote.ParseTarget(address.String())
	if err != nil {
		return 0, err
	}
	c, err := remote.Dial(ctx, target, remote.Options{
		Identities: []string{o.KeyFile}, KnownHosts: []string{o.KnownHosts}, ConfigFile: "none",
	})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	root, err := c.ResolveRoot(ctx, target)
	if err != nil {
		return 0, err
	}
	var gap error
	err = c.Walk(ctx, root.Path, remote.Visitor{
		Entry: func(*remote.Dir, *remote.Entry) bool { seen++; return true },
		Gap:   func(path string, err error) { gap = fmt.Errorf("list %q: %w", path, err) },
	}, remote.WalkOptions{})
	if err == nil {
		err = gap
	}
	return seen, err
}

// list has pkg/sftp list AtOnce directories at a time, on one connection.
func (o order) list(ctx context.Context) (seen int, err error) {
	c, err := o.dial()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	s, err := sftp.NewClient(c)
	if err != nil {
		return 0, fmt.Errorf("start SFTP: %w", err)
	}
	defer s.Close()
	l := newLister(o.Root)
	var workers sync.WaitGroup
	for range o.AtOnce {
		workers.Go(func() {
			for dir, ok := l.next(); ok; dir, ok = l.next() {
				entries, err := s.ReadDirContext(ctx, dir)
				l.listed(dir, entries, err)
			}
		})
	}
	workers.Wait()
	return l.seen, l.err
}

func (o order) dial() (*ssh.Client, error) {
	text, err := os.ReadFile(o.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("parse the key: %w", err)
	}
	known, err := knownhosts.New(o.KnownHosts)
	if err != nil {
		return nil, fmt.Errorf("read known_hosts: %w", err)
	}
	c, err := ssh.Dial("tcp", o.Addr, &ssh.ClientConfig{
		User: o.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: known,
	})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", o.Addr, err)
	}
	return c, nil
}
