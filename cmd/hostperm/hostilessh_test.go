//go:build unix

package main

import (
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"hostperm/remote/remotetest"
)

// escapes are what a server would like a terminal to do.
const escapes = "\x1b]0;pwned\a\x1b[2J\u009b31m\u202egpj.exe\u2066\r\nhostperm: all is well\n"

// hostileSSH are the servers that are hostile before SFTP begins.
func hostileSSH() []hostileServer {
	rows := []hostileServer{
		{name: "a version line that never ends", status: exitIncomplete, says: "is not an SSH server", ssh: socket(remotetest.Says("SSH", 0))},
		{name: "lines without end before the version", status: exitIncomplete, says: "is not an SSH server", ssh: socket(remotetest.Says("hello\r\n", 0))},
		{name: "escapes in place of a version", status: exitIncomplete, says: `is not an SSH server: it says "\x1b]0;pwned\a`, ssh: socket(remotetest.Says(escapes, 0))},
		{name: "a byte now and then before the version", status: exitIncomplete, says: "no answer within 2s",
			ssh: socket(remotetest.Drips("SSH-2.0-slow and slower", 500*time.Millisecond))},
		{name: "says nothing", status: exitIncomplete, says: "no answer within 2s", ssh: socket(remotetest.Says("", 1))},
		{name: "closes at once", status: exitIncomplete, says: "closed the connection before the key exchange", ssh: socket(nil)},
		{name: "closes in the middle of its version", status: exitIncomplete, says: "closed the connection", ssh: socket(writes("SSH-2.0-O"))},
		{name: "no key exchange", status: exitIncomplete, says: "no answer within 2s", ssh: socket(remotetest.Says("SSH-2.0-x\r\n", 1))},
		{name: "noise for a key exchange", status: exitIncomplete, says: "connect to", ssh: socket(remotetest.Says("SSH-2.0-x\r\n"+strings.Repeat("\xff\x80\x00", 9), 0))},
		{name: "a key exchange packet of 4 GiB", status: exitIncomplete, says: "connect to", ssh: socket(remotetest.Says("SSH-2.0-x\r\n\xff\xff\xff\xf0", 1))},
		{name: "a key exchange packet of no length", status: exitIncomplete, says: "connect to", ssh: socket(remotetest.Says("SSH-2.0-x\r\n\x00\x00\x00\x00", 0))},
		{name: "SSH version 1", status: exitIncomplete, says: "connect to", ssh: socket(remotetest.Says("SSH-1.5-OpenSSH\r\n", 1))},
	}
	return append(append(rows, hostileLogins()...), hostileChannels()...)
}

func hostileLogins() []hostileServer {
	login := func(f func(*ssh.ServerConfig)) remotetest.SSHFault { return remotetest.SSHFault{Login: f} }
	banner := func(text string) remotetest.SSHFault {
		return login(func(c *ssh.ServerConfig) { c.BannerCallback = func(ssh.ConnMetadata) string { return text } })
	}
	long := strings.Repeat("x"+escapes, 4000)
	return []hostileServer{
		{name: "a banner of escapes before the login", status: exitClean, may: "*", ssh: banner(escapes)},
		{name: "a huge banner before the login", status: exitClean, may: "*", ssh: banner(long[:200<<10])},
		{name: "questions without end", status: exitIncomplete, says: "cannot log in", ssh: login(remotetest.AsksForEver(escapes, []string{escapes}, nil))},
		{name: "a hundred thousand questions at once", status: exitIncomplete, says: "cannot log in",
			ssh: login(remotetest.AsksForEver("", make([]string, 20000), nil))},
		{name: "rounds of no question without end", status: exitIncomplete, says: "no answer within 2s", ssh: login(remotetest.AsksForEver("", nil, nil))},
		{name: "no password is ever right", status: exitIncomplete, says: "cannot log in", ssh: login(func(c *ssh.ServerConfig) {
			c.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
				return nil, &ssh.BannerError{Err: io.EOF, Message: escapes}
			}
		})},
		{name: "partial success without end", status: exitIncomplete, says: "cannot log in", ssh: login(func(c *ssh.ServerConfig) {
			var again func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error)
			again = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
				return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: again}}
			}
			c.PasswordCallback = again
		})},
	}
}

func hostileChannels() []hostileServer {
	refuses := func(reason string) func(ssh.NewChannel) bool {
		return func(c ssh.NewChannel) bool {
			c.Reject(ssh.ResourceShortage, reason)
			return true
		}
	}
	sub := func(f func(ssh.Channel)) remotetest.SSHFault { return remotetest.SSHFault{Subsystem: f} }
	return []hostileServer{
		{name: "global requests without end", status: exitClean, may: "*",
			ssh: remotetest.SSHFault{Connected: remotetest.FloodsRequests(true, make([]byte, 1000))}},
		{name: "global requests of 30 KB without end and without an answer", args: soon, status: exitIncomplete, says: "--timeout is over",
			ssh: remotetest.SSHFault{Connected: remotetest.FloodsRequests(false, make([]byte, 30<<10)), Session: holds}},
		{name: "opens channels on the client without end", status: exitClean, may: "*",
			ssh: remotetest.SSHFault{Connected: remotetest.OpensChannels("session", []byte(escapes))}},
		{name: "a session channel is refused with escapes", status: exitIncomplete, says: `refuses a session: \x1b]0;pwned`, ssh: remotetest.SSHFault{Session: refuses(escapes)}},
		{name: "a session channel is refused with 200 KB", status: exitIncomplete, says: "refuses a session", ssh: remotetest.SSHFault{Session: refuses(strings.Repeat("long ", 40000))}},
		{name: "a session channel is never opened", args: soon, status: exitIncomplete, says: "--timeout is over", ssh: remotetest.SSHFault{Session: holds}},
		{name: "a session channel is closed at once", status: exitIncomplete, says: "SFTP", ssh: remotetest.SSHFault{Session: func(c ssh.NewChannel) bool {
			if ch, _, err := c.Accept(); err == nil {
				ch.Close()
			}
			return true
		}}},
		{name: "SFTP ends as it starts", status: exitIncomplete, says: "connection lost", ssh: sub(func(ssh.Channel) {})},
		{name: "SFTP never starts", args: soon, status: exitIncomplete, says: "--timeout is over", ssh: sub(drains)},
		{name: "SFTP is never read", args: soon, status: exitIncomplete, says: "--timeout is over", ssh: sub(ignores)},
		{name: "a flood on the channel's stderr", args: soon, status: exitIncomplete, says: "--timeout is over", ssh: sub(floodsStderr)},
		{name: "data without end that nobody asked for", status: exitIncomplete, says: "start SFTP", ssh: sub(func(ch ssh.Channel) {
			for err := error(nil); err == nil; {
				_, err = ch.Write(make([]byte, 32<<10))
			}
		})},
		{name: "version packets without end", status: exitIncomplete, says: "broke the SFTP protocol", ssh: sub(func(ch ssh.Channel) {
			for err := error(nil); err == nil; {
				_, err = ch.Write([]byte{0, 0, 0, 5, 2, 0, 0, 0, 3})
			}
		})},
	}
}

// socket makes a fault of what is done with a connection; nil closes it.
func socket(f func(c net.Conn)) remotetest.SSHFault {
	if f == nil {
		f = func(net.Conn) {}
	}
	return remotetest.SSHFault{Socket: f}
}

// writes sends text once and ends the connection.
func writes(text string) func(net.Conn) {
	return func(c net.Conn) { c.Write([]byte(text)) }
}

// holds leaves a channel neither accepted nor refused.
func holds(ssh.NewChannel) bool { return true }

func drains(ch ssh.Channel) { io.Copy(io.Discard, ch) }

// ignores reads nothing, so that the window is never moved, until the channel
// has been closed.
func ignores(ch ssh.Channel) {
	for {
		if _, err := ch.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func floodsStderr(ch ssh.Channel) {
	for err := error(nil); err == nil; {
		_, err = io.WriteString(ch.Stderr(), strings.Repeat(escapes, 500))
	}
}
