package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/crypto/ssh"
)

// keyFile is a key file that was read: a private key, possibly still encrypted,
// or only a public one, which says which key of an agent to use.
type keyFile struct {
	path string
	pub  ssh.PublicKey // nil if it is inside what is encrypted

	mu     sync.Mutex
	signer ssh.Signer // nil while encrypted, or if only the public key is there
	pem    []byte     // the encrypted key; nil if there is none
	given  error      // why the last attempt to decrypt it failed for good
}

const (
	maxKeyFile     = 1 << 20 // bytes; the largest key is far smaller
	maxPassphrases = 3       // asked for one key, as ssh does
)

var (
	errNoPassphrase    = errors.New("encrypted, and no passphrase is at hand")
	errWrongPassphrase = errors.New("encrypted, and the passphrase is wrong")
	errKeyTooOpen      = errors.New("others can read it")
)

// readKeyFile reads a private key, or a public one.
func readKeyFile(path string) (*keyFile, error) {
	text, info, err := readSmallFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if pub := readPublicKey(path + ".pub"); pub != nil { // the private half is in an agent
			return &keyFile{path: path, pub: pub}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if pub, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return &keyFile{path: path, pub: pub}, nil
	}
	if tooOpen(info) {
		return nil, errKeyTooOpen
	}
	k := &keyFile{path: path}
	var encrypted *ssh.PassphraseMissingError
	switch k.signer, err = ssh.ParsePrivateKey(text); {
	case err == nil:
		k.pub = k.signer.PublicKey()
	case errors.As(err, &encrypted):
		k.pem = text
		if k.pub = encrypted.PublicKey; k.pub == nil {
			k.pub = readPublicKey(path + ".pub")
		}
	default:
		if k.pub = readPublicKey(path + ".pub"); k.pub == nil || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN ")) {
			return nil, malformedKey(text)
		}
		// A kind that only an agent can use, such as one on a security token.
	}
	return k, nil
}

func readSmallFile(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = errors.New("it is too large to be a key")
	}
	return text, info, err
}

func malformedKey(text []byte) error {
	if bytes.HasPrefix(text, []byte("PuTTY-User-Key-File")) {
		return WithHint(errors.New("it is in PuTTY's format"), "convert it with: puttygen KEY.ppk -O private-openssh -o KEY")
	}
	return errors.New("it is not a private key")
}

// readPublicKey gives nil for a file that is missing or holds no public key.
func readPublicKey(path string) ssh.PublicKey {
	text, _, err := readSmallFile(path)
	if err != nil {
		return nil
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil
	}
	return pub
}

// private tells whether the file has the private half.
func (k *keyFile) private() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.signer != nil || k.pem != nil
}

// unlock gives the private key, of a file that has it, decrypting it first if need be: with the
// passphrase of the options, or by asking. It asks once for each key, however
// many servers want it.
func (k *keyFile) unlock(passphrase string, ask *asker) (ssh.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.signer != nil:
		return k.signer, nil
	case k.given != nil:
		return nil, k.given
	}
	k.given = errNoPassphrase
	if passphrase != "" {
		k.given = k.decrypt(passphrase)
	}
	if k.signer != nil || !ask.person() {
		return k.signer, k.given
	}
	for range maxPassphrases {
		answer, err := ask.secret(fmt.Sprintf("Passphrase for the key %s: ", k.path))
		if err != nil {
			k.given = nil // not answered: ask again if it is wanted again
			return nil, err
		}
		if answer == "" { // as with ssh: on to the next key
			return nil, k.given
		}
		if k.given = k.decrypt(answer); k.signer != nil {
			return k.signer, nil
		}
	}
	return nil, k.given
}

func (k *keyFile) decrypt(passphrase string) error {
	// A copy: the library decrypts some formats in place.
	signer, err := ssh.ParsePrivateKeyWithPassphrase(bytes.Clone(k.pem), []byte(passphrase))
	if err != nil {
		return errWrongPassphrase
	}
	if k.pub != nil && !sameKey(plainKey(k.pub), signer.PublicKey()) {
		return errors.New("its .pub file belongs to another key")
	}
	k.signer, k.pub = signer, signer.PublicKey()
	return nil
}
