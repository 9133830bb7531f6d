package remote

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// errAskedOnce is what a question comes to while a lost connection is made anew:
// what was typed before is used again, and nobody is waiting to type more.
var errAskedOnce = errors.New("the server wants an answer that only a person can give, and nobody is asked twice in a run")

// redial connects again the same way, once the connection has ended. Each
// server on it must show the host key that it showed first, before it is told
// anything. Keys that were decrypted and passwords that were typed are used
// again; nothing is asked.
func (c *connection) redial(ctx context.Context) (transport, error) {
	ask := &asker{refusal: errAskedOnce}
	before := c.way
	ring := &keyring{passphrase: before.ring.passphrase, ask: ask, warn: before.ring.warn, files: before.ring.files}
	d := &dialer{password: before.password, ask: ask, warn: before.warn, ring: ring}
	var links []*link
	defer func() { closeAgents(links) }()
	for _, l := range c.links {
		ids, err := ring.identities(ctx, l.hop)
		if err != nil {
			return nil, err
		}
		keys := &hostKeys{hop: l.hop, ask: ask, warn: before.warn, name: l.keys.name, accepted: l.keys.accepted}
		links = append(links, &link{hop: l.hop, keys: keys, ids: ids, password: l.password})
	}
	next, err := d.through(ctx, links)
	if err != nil {
		var none *ssh.AlgorithmNegotiationError
		if errors.As(err, &none) && none.What == whatHostKey {
			err = otherKey(c.at.Host, "it has none of that kind any more")
		}
		return nil, err
	}
	return next, nil
}

// whatHostKey is how the SSH library calls host keys in a failed negotiation.
const whatHostKey = "host key"

// otherKey is a server whose host key is not the one that it showed first.
func otherKey(host, what string) error {
	return WithHint(wordedError{fmt.Sprintf("host key of %s has changed while connected: %s", host, what), ErrHostKeyChanged},
		"somebody may be listening in; until the host confirms it, do not connect")
}

// sameKind gives the algorithms that a key like this one can be shown by.
func sameKind(key ssh.PublicKey) []string {
	var list []string
	for _, a := range ssh.SupportedAlgorithms().HostKeys {
		if keyType(a) == key.Type() {
			list = append(list, a)
		}
	}
	return list
}
