package remote

import (
	"crypto/sha1"
	"encoding/hex"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"
)

// hop is one server on the way to the target, the target included, with
// everything that the options and the ssh configuration say about it.
type hop struct {
	alias string // as typed
	host  string // what is dialled
	user  string
	port  int
	jump  string // as ProxyJump says; "": none

	target bool // not a jump host

	timeout    time.Duration
	aliveEvery time.Duration // 0: never
	aliveMax   int

	identities     []identityFile
	certificates   []string
	identitiesOnly bool
	agent          string // as IdentityAgent says, expanded; "": the usual one
	methods        []string

	pin             string // the fingerprint that the host key must have; "": known_hosts decides
	hostKeyAlias    string
	userKnownHosts  []string
	otherKnownHosts []string
	strict          strictness
	hashNames       bool
}

// identityFile is a key file and how it came to be tried.
type identityFile struct {
	path   string
	origin identityOrigin
}

type identityOrigin uint8

const (
	fromOptions  identityOrigin = iota // must be usable
	fromConfig                         // a problem with it is a warning
	fromDefaults                       // tried if it is there
)

// strictness is what becomes of an unknown host key.
type strictness uint8

const (
	strictAsk strictness = iota
	strictYes            // refused
	strictNew            // saved and accepted
)

const (
	defaultPort       = 22
	defaultTimeout    = 30 * time.Second
	defaultAliveEvery = 15 * time.Second
	defaultAliveMax   = 3
)

// addr gives host:port.
func (h *hop) addr() string { return net.JoinHostPort(h.host, strconv.Itoa(h.port)) }

// display gives user@host as its reader knows it.
func (h *hop) display() string { return h.user + "@" + h.alias }

// resolver turns names into hops.
type resolver struct {
	options Options
	home    string
	user    string
	files   []configFile
	warn    func(string)
}

// newResolver checks what can be checked of the options alone.
func newResolver(o Options) (*resolver, error) {
	if o.Port < 0 || o.Port > 65535 {
		return nil, usagef("the port must be a number from 1 to 65535")
	}
	if o.HostKey != "" {
		if err := checkFingerprint(o.HostKey); err != nil {
			return nil, err
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, usagef("find the home directory: %v", err)
	}
	r := &resolver{options: o, home: home, user: localUser(), files: configFiles(o.ConfigFile, home)}
	said := make(map[string]bool)
	r.warn = func(message string) {
		if o.Warn != nil && !said[message] {
			said[message] = true
			o.Warn(message)
		}
	}
	return r, nil
}

// localUser gives the name of the user here, without a Windows domain; "" if
// the system does not know it.
func localUser() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username[strings.LastIndexByte(u.Username, '\\')+1:]
}

// place is where to go, as somebody typed it.
type place struct {
	user, host string
	port       int
	target     bool // not a jump host
	routed     bool // how to get there is already decided: a ProxyJump or ProxyCommand of its own does not count
}

// hop finds out everything about a place.
func (r *resolver) hop(p place) (*hop, error) {
	s, err := readSettings(r.files, r.home, p.host, r.warn)
	if err != nil {
		return nil, err
	}
	h := &hop{alias: p.host, host: p.host, user: p.user, port: p.port, target: p.target}
	if err := r.setAddress(h, p, s); err != nil {
		return nil, err
	}
	tokens := r.tokens(h)
	if !p.routed {
		if err := r.setRoute(h, s, tokens); err != nil {
			return nil, err
		}
	}
	for _, set := range []func(*hop, place, settings, map[byte]string) error{r.setTimes, r.setIdentities, r.setHostKeys} {
		if err := set(h, p, s, tokens); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (r *resolver) setAddress(h *hop, p place, s settings) error {
	if name, ok := s.first("hostname"); ok {
		expanded, err := expandTokens(name, map[byte]string{'h': h.alias, 'n': h.alias})
		if err != nil {
			return err
		}
		if err := checkHost(strings.Trim(expanded, "[]")); err != nil {
			return name.badValue("a host name")
		}
		h.host = strings.Trim(expanded, "[]")
	}
	if u, ok := s.first("user"); ok && h.user == "" {
		h.user = u.value
		if checkUser(h.user) != nil {
			return u.badValue("a user name")
		}
	}
	if h.user == "" {
		h.user = r.user
	}
	if h.user == "" {
		return WithHint(usagef("no user is known for %s", h.alias), "write user@"+h.alias)
	}
	if p.target && r.options.Port != 0 {
		h.port = r.options.Port
	}
	if port, ok := s.first("port"); ok && h.port == 0 {
		n, err := parsePort(port.value)
		if err != nil {
			return port.badValue("a port")
		}
		h.port = n
	}
	if h.port == 0 {
		h.port = defaultPort
	}
	alias, _ := s.first("hostkeyalias")
	h.hostKeyAlias = alias.value
	return nil
}

// tokens gives the values of the %-tokens (ssh_config(5), TOKENS).
func (r *resolver) tokens(h *hop) map[byte]string {
	local, err := os.Hostname()
	if err != nil {
		local = "localhost"
	}
	short, _, _ := strings.Cut(local, ".")
	t := map[byte]string{
		'd': r.home, 'h': h.host, 'j': "", 'k': h.alias, 'L': short, 'l': local,
		'n': h.alias, 'p': strconv.Itoa(h.port), 'r': h.user, 'u': r.user, 'i': strconv.Itoa(os.Getuid()),
	}
	if h.hostKeyAlias != "" {
		t['k'] = h.hostKeyAlias
	}
	sum := sha1.Sum([]byte(local + h.host + t['p'] + h.user))
	t['C'] = hex.EncodeToString(sum[:])
	return t
}
