package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// noAgent is a hop.agent that no socket can be named.
const noAgent = "\x00none"

// agentPatience bounds the wait for an agent's list of keys. Signing is not
// bounded: a person may be asked to confirm it.
const agentPatience = 10 * time.Second

var errAgentSilent = errors.New("it does not answer")

// agentKey is a key that an agent holds.
type agentKey struct {
	signer  ssh.Signer
	pub     ssh.PublicKey
	comment string
}

// openedAgent is a connection to an agent, and the keys that it listed.
type openedAgent struct {
	keys   []agentKey
	closer io.Closer // nil if there is nothing to close
}

func (a *openedAgent) close() {
	if a.closer != nil {
		a.closer.Close()
	}
}

// openAgent connects to the agent of a hop, and lists its keys. Without an
// agent the list is empty.
func openAgent(ctx context.Context, address string) (*openedAgent, error) {
	if address == noAgent {
		return &openedAgent{}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, agentPatience, errAgentSilent)
	defer cancel()
	client, closer, err := dialAgent(ctx, address)
	if err != nil || client == nil {
		return &openedAgent{}, err
	}
	a := &openedAgent{closer: closer}
	type listing struct {
		keys []agentKey
		err  error
	}
	listed := make(chan listing, 1)
	go func() {
		keys, err := listAgent(client)
		listed <- listing{keys, err}
	}()
	select {
	case l := <-listed:
		a.keys, err = l.keys, l.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		a.close() // also ends a listing that still waits
	}
	return a, err
}

func listAgent(client agent.Agent) ([]agentKey, error) {
	listed, err := client.List()
	if err != nil {
		return nil, err
	}
	signers, err := client.Signers()
	if err != nil {
		return nil, err
	}
	comments := make(map[string]string)
	for _, key := range listed {
		comments[string(key.Blob)] = key.Comment
	}
	var keys []agentKey
	for _, s := range signers {
		pub, err := ssh.ParsePublicKey(s.PublicKey().Marshal())
		if err != nil {
			continue // a kind of key that x/crypto could not sign with
		}
		keys = append(keys, agentKey{s, pub, comments[string(pub.Marshal())]})
	}
	return keys, nil
}

// label names an agent's key in messages.
func (k agentKey) label() string {
	return fmt.Sprintf("agent key %q (%s)", k.comment, fingerprint(k.pub))
}

// fingerprint names a key, and says so if it is a certificate.
func fingerprint(key ssh.PublicKey) string {
	if _, ok := key.(*ssh.Certificate); ok {
		return "certificate for " + ssh.FingerprintSHA256(plainKey(key))
	}
	return ssh.FingerprintSHA256(key)
}
