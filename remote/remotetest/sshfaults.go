package remotetest

import (
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSHFault is a way to misbehave below SFTP. A nil hook lets everything be as
// usual. Hooks are called once for each connection, or channel, from goroutines
// of their own; what they are given is closed by Server.Close, and so ends.
type SSHFault struct {
	// Socket is called in place of all else with each connection, which is
	// closed when it returns.
	Socket func(net.Conn)

	// Login may change how clients are let in.
	Login func(*ssh.ServerConfig)

	// Connected runs beside everything once a client has logged in.
	Connected func(*ssh.ServerConn)

	// Session is asked about each session channel that a client wants to open
	// and gives true if it has dealt with it.
	Session func(ssh.NewChannel) bool

	// Subsystem is called in place of SFTP with the channel on which it was
	// started, which is closed when it returns.
	Subsystem func(ssh.Channel)
}

// Says is a Socket hook that writes text over and over, times times (for ever if
// 0), and then says nothing more.
func Says(text string, times int) func(net.Conn) {
	return func(c net.Conn) {
		for n := 0; times == 0 || n < times; n++ {
			if _, err := c.Write([]byte(text)); err != nil {
				return
			}
		}
		listen(c)
	}
}

// Drips is a Socket hook that writes text a byte at a time, with a pause behind
// each, and then again from its beginning.
func Drips(text string, pause time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		for n := 0; ; n++ {
			if _, err := c.Write([]byte{text[n%len(text)]}); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
}

// listen reads until the other side ends the connection.
func listen(c net.Conn) {
	buf := make([]byte, 4096)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}

// AsksForEver is a Login hook: keyboard-interactive has no end, in rounds of
// the given questions. rounds may be nil; it is called for each.
func AsksForEver(instruction string, questions []string, rounds func()) func(*ssh.ServerConfig) {
	return func(c *ssh.ServerConfig) {
		c.PasswordCallback = nil
		c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			for {
				if rounds != nil {
					rounds()
				}
				if _, err := ask("", instruction, questions, make([]bool, len(questions))); err != nil {
					return nil, err
				}
			}
		}
	}
}

// FloodsRequests is a Connected hook that sends global requests without end,
// which want an answer or not.
func FloodsRequests(wantReply bool, payload []byte) func(*ssh.ServerConn) {
	return func(c *ssh.ServerConn) {
		for {
			if _, _, err := c.SendRequest("flood@example.test", wantReply, payload); err != nil {
				return
			}
		}
	}
}

// OpensChannels is a Connected hook that asks to open channels on the client,
// of the given type, without end.
func OpensChannels(kind string, payload []byte) func(*ssh.ServerConn) {
	return func(c *ssh.ServerConn) {
		for {
			ch, requests, err := c.OpenChannel(kind, payload)
			if err == nil {
				go ssh.DiscardRequests(requests)
				ch.Close()
			} else if _, refused := err.(*ssh.OpenChannelError); !refused {
				return
			}
		}
	}
}
