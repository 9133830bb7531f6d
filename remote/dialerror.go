package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

// dialError says in one line why there is no socket.
func dialError(ctx context.Context, h *hop, err error) error {
	if ctx.Err() != nil {
		return ctxError(ctx, h)
	}
	var name *net.DNSError
	var refused *ssh.OpenChannelError
	var system *os.SyscallError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return WithHint(fmt.Errorf("host name %s does not resolve", printable(h.host)),
			"check its spelling; an alias must stand in the ssh configuration")
	case errors.As(err, &name):
		return fmt.Errorf("look up host name %s: %s", printable(h.host), printable(name.Err))
	case errors.As(err, &refused):
		return fmt.Errorf("connect to %s: the jump host says: %s", h.addr(), printable(refused.Message))
	case errors.As(err, &system):
		return WithHint(fmt.Errorf("connect to %s: %w", h.addr(), system.Err), "check the host name and the port (-p)")
	}
	return fmt.Errorf("connect to %s: %s", h.addr(), plainReason(err))
}

func ctxError(ctx context.Context, h *hop) error {
	if cause := context.Cause(ctx); !errors.Is(cause, errTimeout) {
		return fmt.Errorf("connect to %s: %w", h.addr(), cause)
	}
	return WithHint(
		wordedError{fmt.Sprintf("connect to %s: no answer within %s", h.addr(), h.timeout), os.ErrDeadlineExceeded},
		"check the host name and the port (-p); ConnectTimeout in the ssh configuration gives it longer")
}

// handshakeError says in one line why there is a socket but no connection.
func (d *dialer) handshakeError(ctx context.Context, l *link, conn *watchedConn, err error) error {
	var failed *AuthError
	var none *ssh.AlgorithmNegotiationError
	switch {
	case ctx.Err() != nil:
		return ctxError(ctx, l.hop)
	case l.keys.refused != nil && !errors.As(err, &none):
		return l.keys.refused
	case errors.As(err, &failed):
		return failed
	case errors.As(err, &none):
		return negotiationError(l.hop, none)
	case l.keys.accepted != nil:
		return fmt.Errorf("log in as %s: %w", l.hop.display(), quoted(err))
	}
	if line := conn.firstLine(); line != "" && !strings.HasPrefix(line, "SSH-") {
		return WithHint(fmt.Errorf("%s is not an SSH server: it says %s", l.hop.addr(), strconv.Quote(line)),
			"check the port (-p)")
	}
	var system *os.SyscallError
	if errors.Is(err, io.EOF) || errors.As(err, &system) {
		return WithHint(fmt.Errorf("%s closed the connection before the key exchange", l.hop.addr()),
			"check the port (-p); a server also does this to an address that it has blocked")
	}
	return fmt.Errorf("connect to %s: %w", l.hop.addr(), quoted(err))
}

func negotiationError(h *hop, err *ssh.AlgorithmNegotiationError) error {
	const most = 8
	offered := err.RequestedAlgorithms
	if len(offered) > most {
		offered = append(slices.Clone(offered[:most]), "...")
	}
	text := fmt.Sprintf("%s has no %s in common with hostperm that is still safe: it offers %s",
		h.host, printable(err.What), printable(strings.Join(offered, ", ")))
	return WithHint(wordedError{text, err}, "the server needs an update: ask the host")
}

// quotedError is another error with its text made safe to show.
type quotedError struct{ error }

func (e quotedError) Error() string { return plainReason(e.error) }
func (e quotedError) Unwrap() error { return e.error }

func quoted(err error) error { return quotedError{err} }

// plainReason gives an error's text, safe to show and without the prefixes of
// the SSH library.
func plainReason(err error) string {
	if err == nil || errors.Is(err, io.EOF) {
		return "the server closed the connection"
	}
	var system *os.SyscallError
	if errors.As(err, &system) {
		return system.Err.Error() // without both ends' addresses
	}
	text := err.Error()
	for _, prefix := range []string{"ssh: ", "handshake failed: ", "ssh: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return printable(text)
}
