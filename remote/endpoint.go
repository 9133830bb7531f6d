package remote

import "strings"

// Endpoint is where a connection really goes, after the ssh configuration.
type Endpoint struct {
	User    string
	Alias   string // the host as the target named it
	Host    string // as dialled
	Port    int
	HostKey string // fingerprint of the host key that was accepted, "SHA256:..."

	Software string // the server's identification, "SSH-2.0-..." (RFC 4253, section 4.2); any bytes
}

// isOpenSSH reports whether the server says that it is OpenSSH. What its handles
// look like must fit as well before any is foreseen; but a server that numbers
// them alike and gives them out in another order would only be found out when
// entries have gone to the wrong listing, so that no other is tried.
func (e Endpoint) isOpenSSH() bool { return strings.HasPrefix(e.Software, "SSH-2.0-OpenSSH_") }

// isModSFTP reports whether the server says that it is ProFTPD's mod_sftp.
func (e Endpoint) isModSFTP() bool { return strings.HasPrefix(e.Software, "SSH-2.0-mod_sftp") }

// sessions is how many sessions for pipelined work are opened on a server at
// most, where nobody says how many. ProFTPD serves all of a connection in one
// process, so that more than one gain nothing; and with several that have many
// requests outstanding, version 1.3.8 was seen to stop answering all of them, with
// everything that was sent received.
func (e Endpoint) sessions() int {
	if e.isModSFTP() {
		return 1
	}
	return autoSessions
}

// Server gives the server that the client is connected to.
func (c *Client) Server() Endpoint { return c.conn.server() }

// Display gives user@host, with the host as the target named it.
func (c *Client) Display() string {
	at := c.conn.server()
	return at.User + "@" + at.Alias
}
