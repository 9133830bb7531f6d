package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// connection is an open and authenticated connection to a target.
type connection struct {
	client *ssh.Client // for the target itself
	at     Endpoint
	way    *dialer // how it was made, and through which servers, for redial
	links  []*link

	base  net.Conn     // the one socket, to the first hop
	last  *watchedConn // what the target's own SSH runs over: base, or a channel of the hop before
	life  context.Context
	end   context.CancelCauseFunc
	group sync.WaitGroup
}

// server says where the connection goes.
func (c *connection) server() Endpoint { return c.at }

// abort closes the socket at once. It never waits, and may be called more than
// once, from any goroutine.
func (c *connection) abort() { c.fail(net.ErrClosed) }

// wait returns when the connection has ended and with it all its goroutines.
func (c *connection) wait() { c.group.Wait() }

// fail ends the connection for a reason. The first reason is kept.
func (c *connection) fail(reason error) {
	c.end(reason)
	c.base.Close()
}

// ended gives the reason why the connection has ended; nil while it has not.
func (c *connection) ended() error {
	if c.life.Err() == nil {
		return nil
	}
	return context.Cause(c.life)
}

// link is a hop with what is needed to trust it and to log in.
type link struct {
	hop      *hop
	keys     *hostKeys
	ids      *identities
	password string // that it took, or that is to be tried; "": none
}

// connect opens a connection to a target, through jump hosts if there are any.
// The context bounds connecting only: a connection, once open, lasts until it
// is aborted or breaks.
//
// Each hop has its timeout, which covers finding the address, the socket, the
// key exchange and logging in, but stands still while a person is asked. What
// can be wrong with options, configuration, key files and known_hosts files is
// found before any host is contacted, and wraps ErrUsage.
func connect(ctx context.Context, t Target, o Options) (*connection, error) {
	r, err := newResolver(o)
	if err != nil {
		return nil, err
	}
	hops, err := r.route(t)
	if err != nil {
		return nil, err
	}
	d := &dialer{password: o.Password, ask: &asker{prompter: o.Prompter}, warn: r.warn}
	links, err := d.prepare(ctx, hops, o.KeyPassphrase)
	if err != nil {
		return nil, err
	}
	defer func() { closeAgents(links) }()
	return d.through(ctx, links)
}

func closeAgents(links []*link) {
	for _, l := range links {
		l.ids.agent.close()
	}
}

// through connects to one server after the other, each through the one before.
func (d *dialer) through(ctx context.Context, links []*link) (*connection, error) {
	var client *ssh.Client
	var last *watchedConn
	var err error
	for _, l := range links {
		if client, last, err = d.open(ctx, client, l); err != nil {
			if d.base != nil {
				d.base.Close()
			}
			return nil, err
		}
	}
	c := newConnection(client, last, d.base, links[len(links)-1])
	c.way, c.links = d, links
	return c, nil
}

func newConnection(client *ssh.Client, last *watchedConn, base net.Conn, l *link) *connection {
	h := l.hop
	at := Endpoint{User: h.user, Alias: h.alias, Host: h.host, Port: h.port, HostKey: ssh.FingerprintSHA256(plainKey(l.keys.accepted)),
		Software: string(client.ServerVersion())}
	c := &connection{client: client, base: base, last: last, at: at}
	c.life, c.end = context.WithCancelCause(context.Background())
	c.group.Go(func() {
		err := client.Wait()
		c.fail(wordedError{fmt.Sprintf("connection to %s lost: %s", c.at.Host, plainReason(err)), ErrDisconnected})
	})
	if h.aliveEvery > 0 {
		c.group.Go(func() {
			ticker := time.NewTicker(h.aliveEvery)
			defer ticker.Stop()
			c.keepAlive(ticker.C, h.aliveMax)
		})
	}
	return c
}

// keepAlive asks the server for a sign of life at every tick, unless something
// came from it since the last one, and ends the connection when it has been
// silent for one tick more than most (ssh_config(5), ServerAliveCountMax).
func (c *connection) keepAlive(ticks <-chan time.Time, most int) {
	seen, silent := c.last.reads.Load(), 0
	var asking atomic.Bool
	for {
		select {
		case <-c.life.Done():
			return
		case <-ticks:
		}
		if n := c.last.reads.Load(); n != seen {
			seen, silent = n, 0
			continue
		}
		if silent++; silent > most {
			c.fail(wordedError{fmt.Sprintf("connection to %s lost: the server does not answer", c.at.Host), ErrDisconnected})
			return
		}
		if asking.Swap(true) {
			continue // requests are answered in order: a second one tells no more
		}
		c.group.Go(func() {
			// Whatever the answer, "no such request" included, it is read, and
			// that is what counts.
			_, _, _ = c.client.SendRequest("keepalive@openssh.com", true, nil)
			asking.Store(false)
		})
	}
}

// openSFTP opens a session channel and starts the server's SFTP on it. A
// cancelled context closes the whole connection, since that is the only way to
// end a call that the server does not answer. It may be called several times,
// for several sessions, and from several goroutines.
//
// With confirm, it waits for the server to say that it offers SFTP. Without,
// that costs no round trip, and a server that does not will never answer.
func (c *connection) openSFTP(ctx context.Context, confirm bool) (io.ReadWriteCloser, error) {
	stop := context.AfterFunc(ctx, func() { c.fail(context.Cause(ctx)) })
	defer stop()
	channel, requests, err := c.client.OpenChannel("session", nil)
	if err != nil {
		return nil, c.sessionError(err)
	}
	c.group.Go(func() { ssh.DiscardRequests(requests) })
	// What a server says on the side counts against the same window as the
	// data: unread, it would stop the data.
	c.group.Go(func() { io.Copy(io.Discard, channel.Stderr()) })
	ok, err := channel.SendRequest("subsystem", confirm, ssh.Marshal(struct{ Name string }{"sftp"}))
	if err == nil && (ok || !confirm) {
		return channel, nil
	}
	if err != nil {
		return nil, c.sessionError(err)
	}
	channel.Close()
	return nil, WithHint(wordedError{fmt.Sprintf("%s offers no SFTP", c.at.Host), ErrNoSFTP},
		"ask the host to enable SFTP for this account")
}

// refusedError is a session that the server does not open, as it does when the
// connection has as many as it allows.
type refusedError struct{ error }

func (e refusedError) Unwrap() error { return e.error }

func isRefused(err error) bool {
	var refused refusedError
	return errors.As(err, &refused)
}

func (c *connection) sessionError(err error) error {
	if reason := c.ended(); reason != nil {
		return fmt.Errorf("open an SFTP session: %w", reason)
	}
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) {
		return refusedError{wordedError{fmt.Sprintf("%s refuses a session: %s", c.at.Host, printable(refused.Message)), ErrNoSFTP}}
	}
	return wordedError{fmt.Sprintf("open an SFTP session on %s: %s", c.at.Host, plainReason(err)), ErrDisconnected}
}
