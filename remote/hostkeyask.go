package remote

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// unknown decides about a key that no file knows anything of.
func (k *hostKeys) unknown(key ssh.PublicKey) error {
	switch {
	case k.hop.strict == strictNew:
		if err := k.save(key); err != nil {
			// Unattended, a key that is not saved would be new every time, and a
			// changed one never noticed.
			return fmt.Errorf("save the host key of %s: %w", k.hop.host, err)
		}
		return nil
	case k.hop.strict == strictAsk && k.ask.person():
		if err := k.confirm(key); err != nil {
			return err
		}
		if err := k.save(key); err != nil {
			k.warn(fmt.Sprintf("the host key of %s is not saved: %v", k.hop.host, err))
		}
		return nil
	}
	return k.unknownError(key)
}

func (k *hostKeys) unknownError(key ssh.PublicKey) error {
	text := fmt.Sprintf("host key of %s is not known: %s", k.hop.host, describeKey(key))
	connect := "ssh "
	if k.hop.port != defaultPort {
		connect += fmt.Sprintf("-p %d ", k.hop.port)
	}
	hint := fmt.Sprintf("connect once with ssh (%s%s)", connect, shellQuote(k.hop.display()))
	if k.hop.target {
		hint += fmt.Sprintf(", or pass --host-key %s if that is the fingerprint that the host publishes", ssh.FingerprintSHA256(key))
	}
	return WithHint(wordedError{text, ErrHostKeyUnknown}, hint)
}

// confirm asks a person, as ssh does.
func (k *hostKeys) confirm(key ssh.PublicKey) error {
	saved := ""
	if len(k.hop.userKnownHosts) > 0 {
		saved = fmt.Sprintf(" With yes it is saved in %s.", k.hop.userKnownHosts[0])
	}
	prompt := fmt.Sprintf("The host key of %s is not known.\nIts %s fingerprint is %s.%s\nIs it the right one? (yes/no/fingerprint) ",
		k.hop.addr(), key.Type(), ssh.FingerprintSHA256(key), saved)
	for {
		answer, err := k.ask.line(prompt)
		if err != nil {
			return fmt.Errorf("ask about the host key of %s: %w", k.hop.host, err)
		}
		switch answer = strings.TrimSpace(answer); {
		case strings.EqualFold(answer, "yes"), answer == ssh.FingerprintSHA256(key):
			return nil
		case strings.EqualFold(answer, "no"):
			return k.unknownError(key)
		}
		prompt = "Please type yes, no or the fingerprint: "
	}
}

// save adds a line to the first known_hosts file of the user.
func (k *hostKeys) save(key ssh.PublicKey) (err error) {
	if len(k.hop.userKnownHosts) == 0 {
		return errors.New("there is no known_hosts file")
	}
	path := k.hop.userKnownHosts[0]
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	name := knownhosts.Normalize(k.name)
	if k.hop.hashNames {
		name = xknownhosts.HashHostname(name)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	line := name + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + "\n"
	if open, err := endsOpen(f); err != nil {
		return err
	} else if open {
		line = "\n" + line
	}
	_, err = f.WriteString(line)
	return err
}

// endsOpen tells whether the last line of a file lacks its end.
func endsOpen(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil && err != io.EOF {
		return false, err
	}
	return last[0] != '\n', nil
}
