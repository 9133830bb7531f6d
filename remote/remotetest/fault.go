package remotetest

import "time"

// Fault is a way to misbehave: hooks on the packets of every SFTP session. A
// nil hook lets everything pass. Hooks are called from several goroutines at
// once, and hold up the session while they run.
type Fault struct {
	// Request sees each request before the SFTP server does.
	Request func(*Exchange) Action

	// Reply sees each reply, length field included, before the client does,
	// and returns what is sent in its place: any bytes, or none. The Action is
	// done after that, or with it; only Pass, Cut, Hangup and Drip mean something
	// here.
	Reply func(*Exchange, []byte) ([]byte, Action)
}

// Faults are in force together. The first Request hook that does not return
// Pass decides; Reply hooks are chained in order.
type Faults []Fault

// Action says what a hook wants to happen.
type Action struct {
	kind  actionKind
	reply Packet
	pause time.Duration
}

type actionKind uint8

const (
	pass actionKind = iota
	drop
	answer
	cut
	hangup
	drip
)

// Pass carries on as usual. It is the zero Action.
func Pass() Action { return Action{} }

// Drop never answers the request. The SFTP server does not see it.
func Drop() Action { return Action{kind: drop} }

// Answer replies without asking the SFTP server. The packet's ID is filled in.
func Answer(p Packet) Action { return Action{kind: answer, reply: p} }

// Cut closes the TCP connection.
func Cut() Action { return Action{kind: cut} }

// Hangup closes the session's channel and leaves the connection open.
func Hangup() Action { return Action{kind: hangup} }

// Drip sends a reply a byte at a time, with a pause behind each. The session's
// other replies wait.
func Drip(pause time.Duration) Action { return Action{kind: drip, pause: pause} }
