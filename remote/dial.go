package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
)

// clientVersion is what servers log (RFC 4253, section 4.2).
const clientVersion = "SSH-2.0-hostperm"

var errTimeout = errors.New("timeout")

// dialer opens hop after hop.
type dialer struct {
	password string // for the target only: no jump host is told it
	ask      *asker
	warn     func(string)
	ring     *keyring
	base     net.Conn // the socket to the first hop; nil before that
}

// prepare reads everything that is on this machine.
func (d *dialer) prepare(ctx context.Context, hops []*hop, passphrase string) (links []*link, err error) {
	d.ring = &keyring{passphrase: passphrase, ask: d.ask, warn: d.warn, files: make(map[string]*keyFile)}
	defer func() {
		if err != nil {
			closeAgents(links)
		}
	}()
	for _, h := range hops {
		keys, err := newHostKeys(h, d.ask, d.warn)
		if err != nil {
			return links, err
		}
		ids, err := d.ring.identities(ctx, h)
		if err != nil {
			return links, err
		}
		l := &link{hop: h, keys: keys, ids: ids}
		if h.target {
			l.password = d.password
		}
		links = append(links, l)
	}
	return links, nil
}

// open connects to a hop, checks its host key and logs in. A server has several
// host keys and shows one: with a fingerprint given, it is asked for the next
// kind until one fits.
func (d *dialer) open(ctx context.Context, previous *ssh.Client, l *link) (*ssh.Client, *watchedConn, error) {
	for {
		client, conn, err := d.try(ctx, previous, l)
		if err == nil || len(l.keys.shown) == 0 || ctx.Err() != nil {
			return client, conn, err
		}
		var none *ssh.AlgorithmNegotiationError
		if errors.As(err, &none) {
			return nil, nil, l.keys.refused // every kind that it has was seen
		}
		if !errors.Is(err, ErrHostKeyChanged) || len(l.keys.algorithms()) == 0 {
			return nil, nil, err
		}
	}
}

func (d *dialer) try(ctx context.Context, previous *ssh.Client, l *link) (*ssh.Client, *watchedConn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := startClock(l.hop.timeout, func() { cancel(errTimeout) })
	defer c.stop()
	d.ask.during(ctx, c)
	socket, err := d.dial(ctx, previous, l.hop)
	if err != nil {
		return nil, nil, dialError(ctx, l.hop, err)
	}
	if previous == nil {
		d.base = socket
	}
	// Closing the one socket ends every hop's calls, and the agent's socket
	// those that wait for a signature.
	stop := context.AfterFunc(ctx, func() {
		d.base.Close()
		l.ids.agent.close()
	})
	conn := &watchedConn{Conn: socket}
	client, err := d.handshake(l, conn, c)
	if !stop() || err != nil {
		conn.Close()
		return nil, nil, d.handshakeError(ctx, l, conn, err)
	}
	return client, conn, nil
}

func (d *dialer) dial(ctx context.Context, previous *ssh.Client, h *hop) (net.Conn, error) {
	if previous == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", h.addr())
	}
	stop := context.AfterFunc(ctx, func() { d.base.Close() })
	defer stop()
	return previous.DialContext(ctx, "tcp", h.addr())
}

func (d *dialer) handshake(l *link, conn *watchedConn, c *clock) (*ssh.Client, error) {
	entry := newLogin(l.hop, l.ids, l.password, d.ask, c, conn.failure)
	sshConn, channels, requests, err := ssh.NewClientConn(conn, l.hop.addr(), &ssh.ClientConfig{
		User:              l.hop.user,
		ClientVersion:     clientVersion,
		HostKeyAlgorithms: l.keys.algorithms(),
		HostKeyCallback:   l.keys.check,
		AuthCallback:      entry.choose,
	})
	if err == nil {
		if entry.typed != "" {
			l.password = entry.typed
		}
		return ssh.NewClient(sshConn, channels, requests), nil
	}
	if entry.stop != nil {
		return nil, entry.stop
	}
	var failed *AuthError
	if !errors.As(err, &failed) && l.keys.accepted != nil && len(entry.tried) > len(l.ids.notes) {
		failed = entry.failure("the server ended the attempt: " + plainReason(err))
		failed.cut = isCut(err) || isCut(conn.failure())
		return nil, failed
	}
	return nil, err
}

// isCut reports whether an error is that of a connection that has ended, and
// not something that the server said.
func isCut(err error) bool {
	var system *os.SyscallError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &system)
}
