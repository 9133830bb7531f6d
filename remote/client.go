package remote

import "time"

// Options say how to reach and trust a server. The zero value behaves as ssh
// with an empty configuration, without a terminal.
type Options struct {
	Port             int                  // 0: from the target, the configuration, or 22
	Identities       []string             // key files, tried before those of the configuration
	Jump             string               // as ssh -J: [user@]host[:port], several with commas; "none": no jump
	ConfigFile       string               // as ssh -F; "": ~/.ssh/config and /etc/ssh/ssh_config; "none": no file
	KnownHosts       []string             // files; empty: as the configuration says
	AcceptNewHostKey bool                 // save the key of a host not seen before; a changed key is still refused
	HostKey          string               // "SHA256:...": the target's key must have this fingerprint; known_hosts is then not consulted for the target
	Password         string               // tried for password and keyboard-interactive; "": ask Prompter
	KeyPassphrase    string               // tried for encrypted key files; "": ask Prompter
	Timeout          time.Duration        // for connecting, each hop; 0: ConnectTimeout of the configuration, or 30 s
	Prompter         Prompter             // nil: no terminal; nothing is asked
	Warn             func(message string) // one line each, not yet quoted for a terminal; nil: dropped
}

// Prompter asks a person. Its methods return promptly with ctx's error when a
// caller closes the terminal under them.
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
}
