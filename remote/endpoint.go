package remote

// Endpoint is where a connection really goes, after the ssh configuration.
type Endpoint struct {
	User    string
	Alias   string // the host as the target named it
	Host    string // as dialled
	Port    int
	HostKey string // fingerprint of the host key that was accepted, "SHA256:..."
}

// Server gives the server that the client is connected to.
func (c *Client) Server() Endpoint { return c.conn.server() }

// Display gives user@host, with the host as the target named it.
func (c *Client) Display() string {
	at := c.conn.server()
	return at.User + "@" + at.Alias
}
