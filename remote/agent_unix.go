//go:build !windows

package remote

import (
	"context"
	"io"
	"net"

	sshagent "github.com/xanzy/ssh-agent"
	"golang.org/x/crypto/ssh/agent"
)

// dialAgent connects to the agent at a socket, or to the one that
// SSH_AUTH_SOCK names. The client is nil if there is none.
func dialAgent(ctx context.Context, address string) (agent.Agent, io.Closer, error) {
	if address != "" {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", address)
		if err != nil {
			return nil, nil, err
		}
		return agent.NewClient(conn), conn, nil
	}
	if !sshagent.Available() {
		return nil, nil, nil
	}
	client, conn, err := sshagent.New()
	if err != nil {
		return nil, nil, err
	}
	return client, conn, nil
}
