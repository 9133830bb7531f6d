package remote

import (
	"context"
	"io"
	"os"

	sshagent "github.com/xanzy/ssh-agent"
	"golang.org/x/crypto/ssh/agent"
)

// dialAgent connects to the agent at a named pipe, or to Pageant or the agent
// of Windows. The client is nil if there is none.
func dialAgent(_ context.Context, address string) (agent.Agent, io.Closer, error) {
	if address != "" {
		pipe, err := os.OpenFile(address, os.O_RDWR, 0)
		if err != nil {
			return nil, nil, err
		}
		return agent.NewClient(pipe), pipe, nil
	}
	if !sshagent.Available() {
		return nil, nil, nil
	}
	client, _, err := sshagent.New() // gives no connection to close here
	return client, nil, err
}
