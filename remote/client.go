package remote

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how to reach and trust a server. The zero value behaves as ssh
// without a terminal. What is said about host keys holds for jump hosts too,
// HostKey excepted.
type Options struct {
	Port             int                   // of the target; 0: from the target, the configuration, or 22
	Identities       []string              // key files, which must be usable; for the target before those of the configuration, for jump hosts after
	Jump             string                // as ssh -J: [user@]host[:port], several with commas; "none": no jump; "": as the configuration says
	ConfigFile       string                // as ssh -F; "": ~/.ssh/config and /etc/ssh/ssh_config; "none": no file
	KnownHosts       []string              // files, in place of all that the configuration names; a new key is saved in the first; empty: as the configuration says
	AcceptNewHostKey bool                  // save the key of a host not seen before, or fail if it cannot be saved; a changed key is still refused
	HostKey          string                // "SHA256:...": the target must have a key with this fingerprint; known_hosts is then not consulted for the target
	Password         string                // of the target: tried once for password and keyboard-interactive; "": ask Prompter
	KeyPassphrase    string                // tried for encrypted key files; "" or wrong: ask Prompter
	Timeout          time.Duration         // for connecting, each hop, time spent asking not counted; 0: ConnectTimeout of the configuration, or 30 s
	Sessions         int                   // open for pipelined work at once, at most; 0: automatic
	Reconnect        int                   // how often in a row a lost connection is tried to be made anew; 0: never
	ReconnectPause   time.Duration         // before the first try, and twice as long before each further one in a row, up to a minute; 0: a second
	Reconnecting     func(Reconnect)       // told of it, by the goroutine whose call that delays; nil: nobody
	Around           []string              // what Around will be called with as paths, so that it is looked at while the root is resolved; nil: it will not be called
	Into             func(dir string) bool // whether a walk of the root will descend into a directory in it, by its name: what it does is listed before the walk begins, as far as that saves time; nil: nothing is. May be called from any goroutine
	PathChmod        bool                  // change by path what the server offers no safe way for; see Client.Change
	Prompter         Prompter              // nil: no terminal; nothing is asked
	Warn             func(message string)  // one line each, no line twice, not yet quoted for a terminal; nil: dropped
}

// Prompter asks a person, one question at a time. A prompt may have several
// lines, and is safe to show. Nobody waits for an answer once the context of
// the call is cancelled, but the method itself only returns when whoever made
// the Prompter ends it, by closing the terminal under it for example.
type Prompter interface {
	// Secret asks for a line that is not echoed.
	Secret(prompt string) (string, error)
	// Line asks for a line that is echoed.
	Line(prompt string) (string, error)
}

// Root is a web root on the server.
type Root struct {
	Path   string // absolute, resolved by the server
	Asked  string // as the target names it, or the candidate that was found
	Found  bool   // no path was given: Asked is the first candidate that exists
	Linked bool   // Asked was itself a symlink, or passed through one
	Attr   Attr   // of the resolved directory
	Home   Attr   // of the login directory; no flags: it was not seen
	Way    Way    // to it: the directories above it, and the symlinks that Asked passes through
}

// transport is the connection as a Client needs it.
type transport interface {
	// openSFTP opens a session channel and starts the server's SFTP on it;
	// confirm: and waits to hear that there is one.
	openSFTP(ctx context.Context, confirm bool) (io.ReadWriteCloser, error)
	// abort closes the network connection at once. It never waits, and may be
	// called more than once.
	abort()
	// wait returns when the connection has ended and with it its goroutines.
	wait()
	// ended gives the reason why the connection has ended, nil while it has not.
	ended() error
	// server says where the connection goes.
	server() Endpoint
}

// Client is a connection to one server, and with Options.Reconnect those that
// take its place. Its methods may be called from any goroutine; they run one
// after the other, so a callback must not call them. Cancelling a call's context
// closes the connection: nothing but Close can be done with the client
// afterwards.
type Client struct {
	conn    line
	most    int // sessions for pipelined work
	group   sync.WaitGroup
	turn    chan struct{} // holds a token while a call runs
	lanes   lanes
	closing context.Context // done once Close was called
	shut    context.CancelFunc

	pathChmod bool // Options.PathChmod

	patience time.Duration // see awaitAnswers
	silent   atomic.Bool   // the server has outlasted it

	// What follows belongs to whoever has the turn.
	retries retries
	root    *knownRoot            // nil: ResolveRoot was not asked
	around  []string              // Options.Around, until Around was called
	into    func(dir string) bool // Options.Into, until then
}

// Dial connects to t and logs in. The context bounds connecting only; see
// Options for the rest. The caller closes the client.
func Dial(ctx context.Context, t Target, o Options) (*Client, error) {
	conn, err := connect(ctx, t, o)
	if err != nil {
		return nil, err
	}
	c := newClient(conn)
	if o.Sessions > 0 {
		c.most = o.Sessions
	}
	c.pathChmod, c.around, c.into = o.PathChmod, o.Around, o.Into
	c.retries.redial, c.retries.most, c.retries.tell = conn.redial, o.Reconnect, o.Reconnecting
	if o.ReconnectPause > 0 {
		c.retries.first = o.ReconnectPause
	}
	return c, nil
}

func newClient(conn transport) *Client {
	c := &Client{most: conn.server().sessions(), turn: make(chan struct{}, 1), patience: defaultPatience, retries: retries{first: firstWait, pause: sleep}}
	c.conn.replace(conn)
	c.closing, c.shut = context.WithCancel(context.Background())
	return c
}

// Close closes the connection at once, under any call that still runs, and
// waits for the client's goroutines. It does not wait for the server.
func (c *Client) Close() error {
	c.shut()
	c.conn.abort()
	c.turn <- struct{}{}
	defer c.give()
	c.conn.abort() // it may be another by now
	c.group.Wait()
	for _, s := range c.lanes.all() {
		s.Wait()
	}
	c.conn.wait()
	return nil
}

func (c *Client) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) give() { <-c.turn }
