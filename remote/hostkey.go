package remote

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys decides whether one server is the one that it should be. It is asked
// in the key exchange, before any credential is sent, and again whenever keys
// are exchanged anew.
type hostKeys struct {
	hop  *hop
	ask  *asker
	warn func(string)

	db   *knownhosts.HostKeyDB // nil if a fingerprint is given instead
	name string                // host:port to look up

	accepted ssh.PublicKey // what the server showed first; later it must show the same
	refused  error         // why it was not accepted
	shown    []string      // with a fingerprint given: the keys that had another one
	tried    []string      // with a fingerprint given: the types of those keys
}

const fingerprintPrefix = "SHA256:"

// checkFingerprint accepts what ssh-keygen -l prints.
func checkFingerprint(s string) error {
	sum, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimPrefix(s, fingerprintPrefix), "="))
	if !strings.HasPrefix(s, fingerprintPrefix) || err != nil || len(sum) != 32 {
		return WithHint(usagef("%q is not the fingerprint of a host key", s),
			"it is SHA256: and 43 characters, as ssh-keygen -l prints it")
	}
	return nil
}

// newHostKeys reads the known_hosts files. One that is missing is empty; one
// that cannot be read or understood is an error, since it may hold the line
// that would have refused a key.
func newHostKeys(h *hop, ask *asker, warn func(string)) (*hostKeys, error) {
	k := &hostKeys{hop: h, ask: ask, warn: warn}
	k.name = strings.ToLower(h.addr())
	if h.hostKeyAlias != "" {
		k.name = net.JoinHostPort(h.hostKeyAlias, strconv.Itoa(defaultPort))
	}
	if h.pin != "" {
		return k, nil
	}
	var err error
	if k.db, err = readKnownHosts(slices.Concat(h.userKnownHosts, h.otherKnownHosts)); err != nil {
		text := strings.TrimPrefix(printable(err.Error()), "knownhosts: ")
		return nil, WithHint(usagef("read the known host keys: %s", text),
			"correct the file or remove the line, or name another with --known-hosts")
	}
	return k, nil
}

// algorithms lists the kinds of host key to ask the server for, best first:
// certificates if an authority is known for the host, then the types of the
// keys that are known, then the others. What x/crypto counts as insecure is
// left out. Of a server that has shown its key before, that kind only.
func (k *hostKeys) algorithms() []string {
	if k.accepted != nil {
		return sameKind(k.accepted)
	}
	var plain, certs []string
	for _, a := range ssh.SupportedAlgorithms().HostKeys {
		if strings.Contains(a, "-cert-") {
			certs = append(certs, a)
		} else {
			plain = append(plain, a)
		}
	}
	if i := slices.Index(plain, ssh.KeyAlgoED25519); i > 0 { // ssh's first choice
		plain = slices.Insert(slices.Delete(plain, i, i+1), 0, ssh.KeyAlgoED25519)
	}
	if k.db == nil {
		return slices.DeleteFunc(plain, func(a string) bool { return slices.Contains(k.tried, keyType(a)) })
	}
	var wanted []string
	if len(k.authorities()) > 0 {
		wanted = certs
	}
	for _, name := range k.names() {
		wanted = append(wanted, k.db.HostKeyAlgorithms(name)...)
	}
	var list []string
	for _, a := range append(wanted, plain...) {
		if !slices.Contains(list, a) && (slices.Contains(plain, a) || slices.Contains(certs, a)) {
			list = append(list, a)
		}
	}
	return list
}

// keyType gives the type of the keys that an algorithm is for.
func keyType(algorithm string) string {
	switch algorithm {
	case ssh.CertAlgoRSASHA256v01, ssh.CertAlgoRSASHA512v01:
		return ssh.CertAlgoRSAv01
	}
	if strings.HasPrefix(algorithm, "rsa-sha2-") {
		return ssh.KeyAlgoRSA
	}
	return algorithm
}

// names gives what the host may be listed under: with its port, and as ssh
// accepts it, without.
func (k *hostKeys) names() []string {
	host, port, err := net.SplitHostPort(k.name)
	if err != nil || port == strconv.Itoa(defaultPort) {
		return []string{k.name}
	}
	return []string{k.name, net.JoinHostPort(host, strconv.Itoa(defaultPort))}
}

// authorities gives the keys of the @cert-authority lines for the host.
func (k *hostKeys) authorities() (keys []ssh.PublicKey) {
	for _, name := range k.names() {
		for _, key := range k.db.HostKeys(name) {
			if key.Cert {
				keys = append(keys, key.PublicKey)
			}
		}
	}
	return keys
}

func sameKey(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

func containsKey(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	return slices.ContainsFunc(keys, func(k ssh.PublicKey) bool { return sameKey(k, key) })
}

// plainKey gives the key that a certificate is about.
func plainKey(key ssh.PublicKey) ssh.PublicKey {
	if cert, ok := key.(*ssh.Certificate); ok {
		return cert.Key
	}
	return key
}

func describeKey(key ssh.PublicKey) string {
	return plainKey(key).Type() + " " + ssh.FingerprintSHA256(plainKey(key))
}

// check is an ssh.HostKeyCallback.
func (k *hostKeys) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	if k.accepted != nil {
		if sameKey(k.accepted, key) {
			return nil
		}
		k.refused = otherKey(k.hop.host, fmt.Sprintf("it was %s, and is %s now", describeKey(k.accepted), describeKey(key)))
		return k.refused
	}
	if k.refused = k.verify(key); k.refused != nil {
		return k.refused
	}
	k.accepted = key
	return nil
}

func (k *hostKeys) verify(key ssh.PublicKey) error {
	if k.hop.pin != "" {
		return k.verifyPinned(plainKey(key))
	}
	if cert, ok := key.(*ssh.Certificate); ok {
		if containsKey(k.authorities(), cert.SignatureKey) {
			return k.verifyCertificate(cert)
		}
		var revoked *xknownhosts.RevokedError
		if errors.As(k.lookUp(k.name, cert.SignatureKey), &revoked) {
			return k.revoked(revoked)
		}
	}
	return k.verifyPlain(plainKey(key))
}

func (k *hostKeys) verifyPinned(key ssh.PublicKey) error {
	if ssh.FingerprintSHA256(key) == strings.TrimRight(k.hop.pin, "=") {
		return nil
	}
	k.shown = append(k.shown, describeKey(key))
	k.tried = append(k.tried, key.Type())
	return WithHint(
		wordedError{fmt.Sprintf("host key of %s is %s, not %s", k.hop.host, strings.Join(k.shown, " and "), k.hop.pin), ErrHostKeyChanged},
		"ask the host which fingerprint is right; until you know, do not connect")
}

func (k *hostKeys) verifyCertificate(cert *ssh.Certificate) error {
	var err error
	for _, name := range k.names() {
		if err = k.lookUp(name, cert); err == nil {
			return nil
		}
	}
	return fmt.Errorf("host certificate of %s is not valid: %s", k.hop.host, strings.TrimPrefix(printable(err.Error()), "ssh: "))
}

// lookUp asks the known_hosts files. The address is only there because the
// library wants one: it goes by the name.
func (k *hostKeys) lookUp(name string, key ssh.PublicKey) error {
	return k.db.HostKeyCallback()(name, &net.TCPAddr{IP: net.IPv4zero}, key)
}

func (k *hostKeys) verifyPlain(key ssh.PublicKey) error {
	authorities := k.authorities()
	for _, name := range k.names() {
		err := k.lookUp(name, key)
		var revoked *xknownhosts.RevokedError
		var other *xknownhosts.KeyError
		switch {
		case err == nil && !containsKey(authorities, key):
			return nil
		case errors.As(err, &revoked):
			return k.revoked(revoked)
		case errors.As(err, &other) && name == k.name:
			// The library also lists the authorities here, which say nothing of
			// the host's own key.
			known := slices.DeleteFunc(other.Want, func(w xknownhosts.KnownKey) bool { return containsKey(authorities, w.Key) })
			if len(known) > 0 {
				return k.changed(key, known[0])
			}
		case err != nil && other == nil:
			return fmt.Errorf("host key of %s cannot be checked: %s", k.hop.host, printable(err.Error()))
		}
	}
	return k.unknown(key)
}

func (k *hostKeys) revoked(err *xknownhosts.RevokedError) error {
	return fmt.Errorf("host key of %s is revoked by %s:%d", k.hop.host, err.Revoked.Filename, err.Revoked.Line)
}

func (k *hostKeys) changed(key ssh.PublicKey, known xknownhosts.KnownKey) error {
	text := fmt.Sprintf("host key of %s has changed: it is now %s, and was %s when saved in %s:%d",
		k.hop.host, describeKey(key), describeKey(known.Key), known.Filename, known.Line)
	hint := fmt.Sprintf("somebody may be listening in; once the host confirms the new key: ssh-keygen -f %s -R %s",
		shellQuote(known.Filename), shellQuote(knownhosts.Normalize(k.name)))
	return WithHint(wordedError{text, ErrHostKeyChanged}, hint)
}

// shellQuote makes a word safe to paste into a shell.
func shellQuote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._/:@", r))
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
