package remote

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Target names a web root on a server, or only the server.
type Target struct {
	User    string // "" if not given
	Host    string // a name, an address (IPv6 without brackets), or an alias of the ssh configuration
	Port    int    // 0 if not given
	Path    string // bytes for the server: absolute, or relative to the login directory ("." for that itself)
	HasPath bool   // false: no path was given, and Path is empty
}

const targetForms = "a target is [user@]host[:path], sftp://[user@]host[:port]/path, or an alias of the ssh configuration"

// ParseTarget reads a target as a person types it:
//
//	[user@]host                     no path
//	[user@]host:path                relative to the login directory, also as host:~/path; host: is that directory
//	[user@]host:/path               absolute
//	sftp://[user@]host[:port]/path  absolute, percent-encoded
//	sftp://[user@]host/~/path       relative to the login directory
//
// An IPv6 address stands in brackets. The user may contain an @, as hosting
// accounts do: the last one separates. Errors wrap ErrUsage, and repeat nothing
// of the target that may be a password.
func ParseTarget(s string) (Target, error) {
	if s == "" {
		return Target{}, WithHint(usagef("the target is empty"), targetForms)
	}
	if hasControl(s) {
		return Target{}, usagef("the target contains a control character")
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok && isScheme(scheme) {
		if !strings.EqualFold(scheme, "sftp") {
			return Target{}, WithHint(usagef("%s:// is not understood in a target", scheme), targetForms)
		}
		return parseURLTarget(rest)
	}
	return parseSCPTarget(s)
}

// String gives the target in the form of scp where that can express it, and as
// an sftp:// URL otherwise. ParseTarget reads it back unchanged.
func (t Target) String() string {
	if s := t.scpForm(); t.Port == 0 {
		if again, err := ParseTarget(s); err == nil && again == t {
			return s
		}
	}
	return t.urlForm()
}

func (t Target) scpForm() string {
	s := bracketed(t.Host)
	if t.User != "" {
		s = t.User + "@" + s
	}
	if !t.HasPath {
		return s
	}
	if first, _, _ := strings.Cut(t.Path, "/"); strings.HasPrefix(first, "~") || strings.Contains(first, "@") {
		return s + ":~/" + t.Path
	}
	return s + ":" + t.Path
}

func (t Target) urlForm() string {
	s := strings.ReplaceAll(bracketed(t.Host), "%", "%25")
	if t.User != "" {
		s = percentEncode(t.User, "") + "@" + s
	}
	if t.Port != 0 {
		s += ":" + strconv.Itoa(t.Port)
	}
	switch path := percentEncode(t.Path, "/"); {
	case !t.HasPath:
	case !strings.HasPrefix(path, "/"):
		s += "/~/" + path
	case strings.HasPrefix(path, "/~"):
		s += "/%7E" + path[2:]
	default:
		s += path
	}
	return "sftp://" + s
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

func parseURLTarget(rest string) (Target, error) {
	authority, path, hasPath := rest, "", false
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path, hasPath = rest[:i], rest[i:], true
	}
	t := Target{HasPath: hasPath}
	var err error
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		if strings.Contains(authority[:i], ":") {
			return Target{}, passwordInTarget()
		}
		if t.User, err = percentDecode(authority[:i]); err != nil {
			return Target{}, err
		}
		if err := checkUser(t.User); err != nil {
			return Target{}, err
		}
		authority = authority[i+1:]
	}
	if t.Host, t.Port, err = parseHostPort(strings.ReplaceAll(authority, "%25", "%")); err != nil {
		return Target{}, err
	}
	if !hasPath {
		return t, nil
	}
	if path == "/~" || strings.HasPrefix(path, "/~/") {
		path = path[1:]
	} else if strings.HasPrefix(path, "/~") {
		return Target{}, otherHome()
	}
	home := path[0] == '~'
	if path, err = percentDecode(path); err != nil {
		return Target{}, err
	}
	if hasControl(path) {
		return Target{}, usagef("the path of the target contains a control character")
	}
	if home {
		path = homeRelative(path)
	}
	t.Path = path
	return t, nil
}

func parseSCPTarget(s string) (Target, error) {
	hostPart, path, hasPath := cutColon(s)
	if looksLocal(s, hostPart, path, hasPath) {
		return Target{}, WithHint(usagef("%q looks like a local path, not like a host", s),
			"write host:"+localExample(s)+" for a path on a server")
	}
	if err := checkSCPShape(s, path); err != nil {
		return Target{}, err
	}
	t := Target{HasPath: hasPath}
	if i := strings.LastIndexByte(hostPart, '@'); i >= 0 {
		t.User, hostPart = hostPart[:i], hostPart[i+1:]
		if err := checkUser(t.User); err != nil {
			return Target{}, err
		}
	}
	var err error
	if t.Host, err = parseHost(hostPart); err != nil || !hasPath {
		return t, err
	}
	switch {
	case path == "" || path == "~" || strings.HasPrefix(path, "~/"):
		path = homeRelative(path)
	case strings.HasPrefix(path, "~"):
		return Target{}, otherHome()
	}
	t.Path = path
	return t, nil
}

// checkSCPShape refuses what would be taken apart in a way that its writer
// did not mean.
func checkSCPShape(s, path string) error {
	_, address, found := strings.Cut(s, "@")
	if !found {
		address = s
	}
	address, _, _ = strings.Cut(address, "/")
	if ip, err := netip.ParseAddr(strings.TrimSuffix(address, ":")); err == nil && ip.Is6() {
		return WithHint(usagef("an IPv6 address in a target must be in brackets"), "write ["+ip.String()+"]")
	}
	// user:password@host: after the colon comes an @ before any slash.
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, "@") {
		return passwordInTarget()
	}
	return nil
}

// cutColon splits at the first colon outside brackets. A bracket that a user
// name leaves open is none.
func cutColon(s string) (before, after string, found bool) {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
		case '@':
			depth = 0
		case ':':
			if depth <= 0 {
				return s[:i], s[i+1:], true
			}
		}
	}
	return s, "", false
}

// looksLocal tells a path of this machine, drive letters included, from a host.
func looksLocal(s, hostPart, path string, hasPath bool) bool {
	if s == "." || s == ".." || s[0] == '~' || strings.ContainsAny(hostPart, `/\`) {
		return true
	}
	drive := hasPath && len(hostPart) == 1 && unicode.IsLetter(rune(hostPart[0]))
	return drive && path != "" && (path[0] == '\\' || path[0] == '/')
}

func localExample(s string) string {
	if strings.HasPrefix(s, "/") {
		return s
	}
	return "/path"
}

func homeRelative(path string) string {
	path = strings.TrimLeft(strings.TrimPrefix(path, "~"), "/")
	if path == "" {
		return "."
	}
	return path
}

// parseHostPort reads host[:port] with an IPv6 address in brackets.
func parseHostPort(s string) (host string, port int, err error) {
	hostPart, portPart, hasPort := cutColon(s)
	if hasPort && strings.Contains(portPart, ":") {
		return "", 0, WithHint(usagef("the host has more than one colon"), "an IPv6 address must be in brackets")
	}
	if host, err = parseHost(hostPart); err != nil || !hasPort {
		return host, 0, err
	}
	port, err = parsePort(portPart)
	return host, port, err
}

// parsePort does not repeat its argument: it may be a part of a password.
func parsePort(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, usagef("the port must be a number from 1 to 65535")
	}
	return int(n), nil
}

func parseHost(s string) (string, error) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		ip, err := netip.ParseAddr(inner)
		if !closed || err != nil || !ip.Is6() {
			return "", usagef("%q is not an IPv6 address in brackets", s)
		}
		return inner, checkHost(inner)
	}
	if strings.Contains(s, "%") {
		return "", usagef("%q is not a host name: it contains a percent sign", s)
	}
	if strings.Contains(s, ":") {
		return "", usagef("%q is not a host name: it contains a colon", s)
	}
	return s, checkHost(s)
}

// checkHost refuses what ssh refuses, so that a host name can be handed on and
// shown without surprises.
func checkHost(host string) error {
	switch {
	case host == "":
		return WithHint(usagef("the target has no host"), targetForms)
	case host[0] == '-':
		return usagef("%q is not a host name: it begins with a dash", host)
	case !utf8.ValidString(host) || strings.ContainsFunc(host, badInHost):
		return usagef("%q is not a host name", host)
	}
	return nil
}

func badInHost(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("'`\"$\\;&<>|(){},/@[]*?!", r)
}

func checkUser(user string) error {
	switch {
	case user == "":
		return usagef("the target has an @ but no user before it")
	case user[0] == '-':
		return usagef("a user name cannot begin with a dash")
	case hasControl(user):
		return usagef("the user name contains a control character")
	}
	return nil
}

func passwordInTarget() error {
	return WithHint(
		usagef("a password in the target is refused: everyone on this machine can read the arguments of a command"),
		"use HOSTPERM_PASSWORD, --password-file or a key; a path with an @ in it is written host:./path")
}

func otherHome() error {
	return WithHint(usagef("the home directory of another user cannot be looked up over SFTP"), "write its absolute path")
}

func isScheme(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+.-", r))
	})
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, unicode.IsControl)
}

const hexDigits = "0123456789ABCDEF"

func percentEncode(s, keep string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~"+keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
	}
	return b.String()
}

func percentDecode(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", badEscape()
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", badEscape()
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), nil
}

func badEscape() error {
	return WithHint(usagef("a percent sign in an sftp:// target must be followed by two hexadecimal digits"),
		"a percent sign itself is written %25")
}
