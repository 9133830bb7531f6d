package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"golang.org/x/crypto/ssh"
)

// candidate is one public key to offer to a server. pub is nil if it is only
// known once the key file is decrypted.
type candidate struct {
	label string // for messages
	pub   ssh.PublicKey
	open  func() (ssh.Signer, error) // may ask for a passphrase, or wait for an agent
}

// signer signs with a candidate's private key, which is opened only once the
// server has said that it would accept the key: nobody is asked for a
// passphrase in vain.
type signer struct {
	candidate
	clock  *clock      // stands still meanwhile: an agent may ask its user
	failed func(error) // told why a signature could not be made
}

func (s signer) PublicKey() ssh.PublicKey { return s.pub }

func (s signer) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm makes s an ssh.AlgorithmSigner, for RSA keys' newer
// signatures.
func (s signer) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	s.clock.pause()
	defer s.clock.resume()
	sig, err := s.sign(rand, data, algorithm)
	if err != nil {
		s.failed(err)
	}
	return sig, err
}

func (s signer) sign(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	key, err := s.open()
	if err != nil {
		return nil, err
	}
	if multi, ok := key.(ssh.AlgorithmSigner); ok && algorithm != "" {
		return multi.SignWithAlgorithm(rand, data, algorithm)
	}
	return key.Sign(rand, data)
}

// keyring reads key files once, however many hops want them.
type keyring struct {
	passphrase string
	ask        *asker
	warn       func(string)
	files      map[string]*keyFile // nil value: not usable
}

// identities are the keys to offer to one hop.
type identities struct {
	candidates []candidate
	agent      *openedAgent
	notes      []string // keys that could not be tried, and why
}

// identities finds the keys for a hop, in ssh's order: certificates, then keys
// of the agent that the configuration names, then its other keys, then keys
// that are only in files.
func (k *keyring) identities(ctx context.Context, h *hop) (*identities, error) {
	ids := &identities{}
	var err error
	if ids.agent, err = openAgent(ctx, h.agent); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		ids.notes = append(ids.notes, fmt.Sprintf("agent (cannot be used: %s)", printable(err.Error())))
		if h.agent != "" {
			k.warn(fmt.Sprintf("the agent %s cannot be used: %v", h.agent, err))
		}
	}
	files, err := k.read(h, ids)
	if err != nil {
		ids.agent.close()
		return nil, err
	}
	ids.candidates = k.order(h, files, ids)
	return ids, nil
}

// read reads the key files of a hop.
func (k *keyring) read(h *hop, ids *identities) (files []*keyFile, err error) {
	for _, id := range h.identities {
		file, known := k.files[id.path]
		if !known {
			if file, err = k.readOne(id, ids); err != nil {
				return nil, err
			}
			k.files[id.path] = file
		}
		if file == nil || slices.Contains(files, file) {
			continue
		}
		if file.private() || ids.agent.holds(file.pub) {
			files = append(files, file)
			continue
		}
		if id.origin == fromOptions {
			return nil, WithHint(usagef("identity %s cannot be used: its private half is not in a file, and no agent has it", id.path),
				"give the private key, or add it to ssh-agent")
		}
		ids.notes = append(ids.notes, fmt.Sprintf("key %s (left out: no agent has its private half)", id.path))
	}
	return files, nil
}

// readOne reads a key file; the result is nil if it cannot be used and need
// not be.
func (k *keyring) readOne(id identityFile, ids *identities) (*keyFile, error) {
	file, err := readKeyFile(id.path)
	if err == nil {
		return file, nil
	}
	reason := err
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		reason = path.Err // the path is said once
	}
	hint := Hint(err)
	if errors.Is(err, errKeyTooOpen) {
		hint = "chmod 600 " + shellQuote(id.path)
	}
	switch {
	case id.origin == fromOptions:
		return nil, WithHint(usagef("identity %s cannot be used: %v", id.path, reason), hint)
	case id.origin == fromDefaults && errors.Is(err, fs.ErrNotExist):
		return nil, nil
	}
	k.warn(fmt.Sprintf("identity %s is left out: %v", id.path, reason))
	ids.notes = append(ids.notes, fmt.Sprintf("key %s (left out: %v)", id.path, reason))
	return nil, nil
}

func (a *openedAgent) holds(pub ssh.PublicKey) bool {
	return slices.ContainsFunc(a.keys, func(key agentKey) bool { return sameKey(plainKey(key.pub), plainKey(pub)) })
}

func (k *keyring) order(h *hop, files []*keyFile, ids *identities) []candidate {
	var inAgent, onlyFiles []candidate
	used := make(map[int]bool)
	for _, file := range files {
		found := false
		for i, key := range ids.agent.keys {
			if file.pub != nil && !used[i] && sameKey(plainKey(key.pub), plainKey(file.pub)) {
				used[i], found = true, true
				inAgent = append(inAgent, key.candidate())
			}
		}
		if !found {
			onlyFiles = append(onlyFiles, k.candidate(file))
		}
	}
	for i, key := range ids.agent.keys {
		if !used[i] && !h.identitiesOnly {
			inAgent = append(inAgent, key.candidate())
		}
	}
	return slices.Concat(k.certificates(h, files, ids), inAgent, onlyFiles)
}

func (k agentKey) candidate() candidate {
	return candidate{k.label(), k.pub, func() (ssh.Signer, error) { return k.signer, nil }}
}

func (k *keyring) candidate(file *keyFile) candidate {
	label := "key " + file.path
	if file.pub != nil {
		label += " (" + fingerprint(file.pub) + ")"
	}
	return candidate{label, file.pub, func() (ssh.Signer, error) { return file.unlock(k.passphrase, k.ask) }}
}

// certificates pairs certificates with their private keys: those that the
// configuration names, or else those beside the key files.
func (k *keyring) certificates(h *hop, files []*keyFile, ids *identities) (found []candidate) {
	paths := h.certificates
	if len(paths) == 0 {
		for _, file := range files {
			paths = append(paths, file.path+"-cert.pub")
		}
	}
	for _, path := range paths {
		cert, ok := readPublicKey(path).(*ssh.Certificate)
		if !ok {
			if len(h.certificates) > 0 {
				k.warn(fmt.Sprintf("certificate %s is left out: it cannot be read", path))
			}
			continue
		}
		open := k.privateHalf(cert, files, ids)
		if open == nil {
			k.warn(fmt.Sprintf("certificate %s is left out: its private key is not at hand", path))
			continue
		}
		found = append(found, candidate{fmt.Sprintf("certificate %s (for %s)", path, ssh.FingerprintSHA256(cert.Key)), cert, open})
	}
	return found
}

// privateHalf gives a function that opens the private key of a certificate;
// nil if there is none.
func (k *keyring) privateHalf(cert *ssh.Certificate, files []*keyFile, ids *identities) func() (ssh.Signer, error) {
	for _, key := range ids.agent.keys {
		if _, isCert := key.pub.(*ssh.Certificate); !isCert && sameKey(key.pub, cert.Key) {
			return func() (ssh.Signer, error) { return key.signer, nil }
		}
	}
	for _, file := range files {
		if file.pub != nil && sameKey(plainKey(file.pub), cert.Key) {
			return func() (ssh.Signer, error) { return file.unlock(k.passphrase, k.ask) }
		}
	}
	return nil
}
