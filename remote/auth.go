package remote

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// AuthError says that a server let nobody in.
type AuthError struct {
	User, Host string
	Tried      []string // in order, each method once, each key by its file or agent comment and its fingerprint
	Offered    []string // the methods that the server would still accept
	Reason     string   // why it ended before all was tried; "" if all was
	hint       string
	cut        bool // the connection ended on the way
}

func (e *AuthError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cannot log in as %s@%s: ", e.User, e.Host)
	if len(e.Tried) == 0 {
		b.WriteString("there is no key, agent or password to try")
	} else {
		b.WriteString("tried " + strings.Join(e.Tried, ", "))
	}
	if e.Reason != "" {
		b.WriteString("; " + e.Reason)
	}
	if len(e.Offered) > 0 {
		b.WriteString("; the server offers " + strings.Join(e.Offered, ", "))
	}
	return b.String()
}

// Hint says what would be worth trying.
func (e *AuthError) Hint() string { return e.hint }

// Methods of RFC 4252 and RFC 4256, by the names that servers use.
const (
	methodKey         = "publickey"
	methodInteractive = "keyboard-interactive"
	methodPassword    = "password"
)

// defaultMethods is ssh's order (PreferredAuthentications).
var defaultMethods = [...]string{methodKey, methodInteractive, methodPassword}

// maxPasswords is how often a person is asked, for each method.
const maxPasswords = 3

// login lets a user in to one server. Its methods are called one after the
// other, by the handshake.
type login struct {
	hop      *hop
	ids      *identities
	password string // of the options; "": ask
	ask      *asker
	clock    *clock
	broken   func() error // why the connection ended, if it did

	next      int // the candidate to try next
	asked     map[string]int
	answered  bool // the current keyboard-interactive attempt got to ask something
	tried     []string
	offered   []string
	encrypted bool   // a key was wanted, but could not be decrypted
	rejected  bool   // a password was tried
	rounds    int    // of questions that were answered in the current keyboard-interactive attempt
	typed     string // what a person typed last as a password; "": nothing that could be used again
	stop      error
}

func newLogin(h *hop, ids *identities, password string, ask *asker, c *clock, broken func() error) *login {
	l := &login{hop: h, ids: ids, password: password, ask: ask, clock: c, broken: broken}
	l.asked = make(map[string]int)
	l.tried = slices.Clone(ids.notes)
	return l
}

// choose is an ssh.ClientAuthCallback: it is called once the server has said
// what it offers, and again after each attempt.
func (l *login) choose(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	if l.stop != nil {
		return nil, l.stop
	}
	if err := l.broken(); err != nil {
		return nil, err
	}
	l.offered = nil
	for _, m := range c.AllowedMethods {
		l.offered = append(l.offered, printable(m))
	}
	methods := l.hop.methods
	if len(methods) == 0 {
		methods = defaultMethods[:]
	}
	for _, name := range methods {
		if !slices.Contains(c.AllowedMethods, name) {
			continue
		}
		if method := l.method(name); method != nil {
			return method, nil
		}
	}
	if l.ask.refusal != nil && l.password == "" && l.asks() {
		return nil, l.asking(l.ask.refusal)
	}
	return nil, l.failure("")
}

// asks reports whether the server would take what only a person knows.
func (l *login) asks() bool {
	return slices.Contains(l.offered, methodPassword) || slices.Contains(l.offered, methodInteractive)
}

func (l *login) method(name string) ssh.AuthMethod {
	switch name {
	case methodKey:
		return l.nextKey()
	case methodInteractive:
		if l.asked[name] > 0 && !l.answered {
			return nil // the server has nothing to ask
		}
		if l.mayAsk(name) {
			l.answered, l.rounds = false, 0
			return ssh.KeyboardInteractive(l.challenge)
		}
	case methodPassword:
		if l.mayAsk(name) {
			return ssh.PasswordCallback(l.givePassword)
		}
	}
	return nil
}

// mayAsk counts an attempt with a method that needs a password.
func (l *login) mayAsk(name string) bool {
	limit := 0
	switch {
	case l.password != "":
		limit = 1
	case l.ask.person():
		limit = maxPasswords
	}
	if l.asked[name] >= limit {
		return false
	}
	if l.asked[name]++; l.asked[name] == 1 {
		l.tried = append(l.tried, name)
	}
	return true
}

// nextKey offers one key, so that each is known to have been tried.
func (l *login) nextKey() ssh.AuthMethod {
	if l.next >= len(l.ids.candidates) {
		return nil
	}
	c := l.ids.candidates[l.next]
	l.next++
	l.tried = append(l.tried, c.label)
	return ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		if c.pub == nil {
			key, err := c.open()
			if err != nil {
				l.keyFailed(err)
				return nil, err
			}
			c.pub = key.PublicKey()
		}
		return []ssh.Signer{signer{c, l.clock, l.keyFailed}}, nil
	})
}

// keyFailed notes why the key that was tried last could not be used.
func (l *login) keyFailed(err error) {
	if ctxErr := l.ask.cancelled(); ctxErr != nil {
		l.stop = ctxErr
		return
	}
	if errors.Is(err, errNoPassphrase) || errors.Is(err, errWrongPassphrase) {
		l.encrypted = true
	}
	l.tried[len(l.tried)-1] += fmt.Sprintf(" (%s)", printable(err.Error()))
}

// givePassword answers the password method.
func (l *login) givePassword() (string, error) {
	l.rejected = true
	if l.password != "" {
		return l.password, nil
	}
	answer, err := l.ask.secret(l.again(methodPassword) + l.hop.display() + "'s password: ")
	l.typed = answer
	return answer, l.asking(err)
}

// again begins the prompt of a second and third attempt.
func (l *login) again(method string) string {
	if l.asked[method] > 1 {
		return "That was not accepted, please try again.\n"
	}
	return ""
}

// asking notes a question that got no answer: nothing more is asked then.
func (l *login) asking(err error) error {
	if err != nil {
		l.stop = fmt.Errorf("log in as %s: %w", l.hop.display(), err)
	}
	return err
}

// challenge answers keyboard-interactive. A password of the options is the
// answer to the first round if that is one question with a hidden answer.
func (l *login) challenge(name, instruction string, questions []string, echos []bool) ([]string, error) {
	if len(questions) == 0 {
		return nil, nil
	}
	if l.password != "" && !l.answered && len(questions) == 1 && !echos[0] {
		l.answered, l.rejected = true, true
		l.rounds++
		return []string{l.password}, nil
	}
	l.answered = true
	if l.ask.refusal != nil {
		return nil, l.asking(l.ask.refusal)
	}
	if !l.ask.person() {
		return nil, errNoTerminal
	}
	intro := l.again(methodInteractive)
	for _, text := range []string{name, instruction} {
		if text = printable(strings.TrimSpace(text)); text != "" {
			intro += text + "\n"
		}
	}
	var answers []string
	for i, question := range questions {
		prompt := fmt.Sprintf("%s(%s) %s ", intro, l.hop.display(), printable(strings.TrimSpace(question)))
		put := l.ask.secret
		if echos[i] {
			put = l.ask.line
		}
		answer, err := put(prompt)
		if l.asking(err) != nil {
			return nil, err
		}
		answers = append(answers, answer)
		intro = ""
	}
	l.typed = ""
	if l.rounds++; l.rounds == 1 && len(questions) == 1 && !echos[0] {
		l.typed = answers[0]
	}
	return answers, nil
}

// failure is the error for a login that came to nothing.
func (l *login) failure(reason string) *AuthError {
	e := &AuthError{User: l.hop.user, Host: l.hop.alias, Tried: l.tried, Offered: l.offered, Reason: reason}
	switch {
	case l.encrypted:
		e.hint = "set HOSTPERM_KEY_PASSPHRASE, or add the key to ssh-agent"
	case reason != "" && l.next > 1:
		e.hint = "many servers give up after a few keys: name the right one with -i, with IdentitiesOnly yes in the ssh configuration"
	case l.rejected:
		e.hint = "check the user name and the password"
	case l.asks() && !l.ask.person():
		e.hint = "set HOSTPERM_PASSWORD or use --password-file, or name a key with -i"
	default:
		e.hint = "check the user name, and name the right key with -i"
	}
	return e
}
