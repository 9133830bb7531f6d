package remote

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"hostperm/remote/remotetest"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

func authorized(signers ...ssh.Signer) (keys []ssh.PublicKey) {
	for _, s := range signers {
		keys = append(keys, s.PublicKey())
	}
	return keys
}

func wantAuthError(t *testing.T, err error, says ...string) *AuthError {
	t.Helper()
	var failed *AuthError
	if !errors.As(err, &failed) {
		t.Fatalf("%v is no AuthError", err)
	}
	wantError(t, err, says...)
	return failed
}

func TestKeyFiles(t *testing.T) {
	testHome(t)
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		path, signer := keyPath(t, kind, "")
		s := startServer(t, remotetest.Config{User: "me", AuthorizedKeys: authorized(signer)})
		o := trusting(t, s)
		o.Identities = []string{path}
		if _, err := tryConnect(t, targetOf(s, "me"), o); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestDefaultIdentities(t *testing.T) {
	home := testHome(t)
	path, signer := keyPath(t, "ed25519", "")
	other, _ := keyPath(t, "rsa", "")
	s := startServer(t, remotetest.Config{AuthorizedKeys: authorized(signer)})
	for from, to := range map[string]string{path: "id_ed25519", other: "id_rsa"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(home, ".ssh", to), string(text))
	}
	mustConnect(t, targetOf(s, "me"), trusting(t, s))
}

func TestEncryptedKey(t *testing.T) {
	testHome(t)
	path, signer := keyPath(t, "ed25519", "open sesame")
	s := startServer(t, remotetest.Config{AuthorizedKeys: authorized(signer)})
	o := trusting(t, s)
	o.Identities = []string{path}

	_, err := tryConnect(t, targetOf(s, "me"), o)
	wantAuthError(t, err, path, ssh.FingerprintSHA256(signer.PublicKey()), "no passphrase is at hand",
		"HOSTPERM_KEY_PASSPHRASE", "ssh-agent", "the server offers publickey")

	o.KeyPassphrase = "open sesame"
	mustConnect(t, targetOf(s, "me"), o)

	o.KeyPassphrase = "secret guess"
	_, err = tryConnect(t, targetOf(s, "me"), o)
	wantAuthError(t, err, "the passphrase is wrong", "HOSTPERM_KEY_PASSPHRASE")
	if strings.Contains(fmt.Sprintf("%+v %s", err, Hint(err)), "secret guess") {
		t.Errorf("the error has the passphrase: %v", err)
	}

	p := &person{answers: []string{"no", "open sesame"}}
	o.Prompter = p
	mustConnect(t, targetOf(s, "me"), o)
	if len(p.asked) != 2 || !strings.HasPrefix(p.asked[0], "secret ") || !strings.Contains(p.asked[0], path) {
		t.Errorf("asked %q", p.asked)
	}
	p = &person{answers: []string{"1", "2", "3", "open sesame"}}
	o.Prompter = p
	_, err = tryConnect(t, targetOf(s, "me"), o)
	wantAuthError(t, err, "the passphrase is wrong")
	if len(p.asked) != 3 {
		t.Errorf("asked %d times, want 3", len(p.asked))
	}
}

// A server that would not take the key is no reason to ask for its passphrase,
// and another method may do.
func TestEncryptedKeyThatIsNotWanted(t *testing.T) {
	testHome(t)
	path, _ := keyPath(t, "ed25519", "open sesame")
	_, wanted := newKey(t, "ed25519")
	s := startServer(t, remotetest.Config{AuthorizedKeys: authorized(wanted), Password: "right"})
	o := trusting(t, s)
	p := &person{answers: []string{"right"}}
	o.Identities, o.Prompter = []string{path}, p
	mustConnect(t, targetOf(s, "me"), o)
	if len(p.asked) != 1 || !strings.Contains(p.asked[0], "me@127.0.0.1's password") {
		t.Errorf("asked %q", p.asked)
	}
}

// The older format of encrypted keys hides the public key.
func TestEncryptedPEMKey(t *testing.T) {
	testHome(t)
	key, signer := newKey(t, "ecdsa")
	der, err := x509.MarshalECPrivateKey(asECDSA(key))
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 the format is insecure and still in use
	block, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", der, []byte("open sesame"), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, filepath.Join(t.TempDir(), "id_old"), string(pem.EncodeToMemory(block)))
	s := startServer(t, remotetest.Config{AuthorizedKeys: authorized(signer)})
	o := trusting(t, s)
	o.Identities = []string{path}
	_, err = tryConnect(t, targetOf(s, "me"), o)
	wantAuthError(t, err, path, "no passphrase is at hand")
	o.KeyPassphrase = "open sesame"
	mustConnect(t, targetOf(s, "me"), o)
}

func TestUnusableIdentity(t *testing.T) {
	home := testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	_, signer := newKey(t, "ed25519")
	tests := []struct{ name, path, says string }{
		{"missing", filepath.Join(home, "missing"), "no such file"},
		{"directory", home, "directory"},
		{"garbage", writeFile(t, filepath.Join(home, "garbage"), "hello"), "not a private key"},
		{"truncated", writeFile(t, filepath.Join(home, "cut"), "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"), "not a private key"},
		{"putty", writeFile(t, filepath.Join(home, "ppk"), "PuTTY-User-Key-File-3: ssh-ed25519\n"), "puttygen"},
		{"public", writeFile(t, filepath.Join(home, "public"), keyText(signer.PublicKey())), "no agent has it"},
		{"large", writeFile(t, filepath.Join(home, "large"), strings.Repeat("x", maxKeyFile+1)), "too large"},
	}
	if runtime.GOOS != "windows" {
		open, _ := keyPath(t, "ed25519", "")
		if err := os.Chmod(open, 0o640); err != nil {
			t.Fatal(err)
		}
		tests = append(tests, struct{ name, path, says string }{"readable by others", open, "others can read it"})
	}
	for _, tt := range tests {
		o := trusting(t, s)
		o.Identities, o.Password = []string{tt.path}, "right"
		_, err := tryConnect(t, targetOf(s, "me"), o)
		if !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		wantError(t, err, tt.path, tt.says)
		if runtime.GOOS == "windows" {
			continue // paths in a configuration file are another story there
		}
		var w warnings
		o.Identities, o.Warn = nil, w.warn
		o.ConfigFile = writeFile(t, filepath.Join(home, "config"), "IdentityFile "+tt.path+"\n")
		mustConnect(t, targetOf(s, "me"), o)
		if tt.name != "public" && (len(w.said) != 1 || !strings.Contains(w.said[0], tt.path)) {
			t.Errorf("%s, from the configuration: warnings %q", tt.name, w.said)
		}
	}
	if n := s.AuthAttempts(); n > len(tests) {
		t.Errorf("%d attempts", n)
	}
}

func TestPassword(t *testing.T) {
	testHome(t)
	for _, interactive := range []bool{false, true} {
		method := map[bool]string{false: "password", true: "keyboard-interactive"}[interactive]
		s := startServer(t, remotetest.Config{User: "me", Password: "right", KeyboardInteractive: interactive})
		o := trusting(t, s)

		_, err := tryConnect(t, targetOf(s, "me"), o)
		failed := wantAuthError(t, err, "there is no key, agent or password to try", "the server offers "+method, "HOSTPERM_PASSWORD")
		if failed.User != "me" || !slices.Equal(failed.Offered, []string{method}) || failed.Tried != nil {
			t.Errorf("%+v", failed)
		}

		o.Password = "hunter2"
		before := s.AuthAttempts()
		_, err = tryConnect(t, targetOf(s, "me"), o)
		failed = wantAuthError(t, err, "tried "+method, "check the user name and the password")
		if strings.Contains(fmt.Sprintf("%+v %v", failed, Hint(err)), "hunter2") {
			t.Errorf("the error has the password: %+v", failed)
		}
		if n := s.AuthAttempts() - before; n != 1 {
			t.Errorf("a wrong password was tried %d times", n)
		}

		o.Password = ""
		p := &person{answers: []string{"a", "b", "right"}}
		o.Prompter = p
		mustConnect(t, targetOf(s, "me"), o)
		if len(p.asked) != 3 || !strings.HasPrefix(p.asked[0], "secret ") || !strings.Contains(p.asked[1], "try again") {
			t.Errorf("asked %q", p.asked)
		}
		p = &person{answers: []string{"a", "b", "c", "right"}}
		o.Prompter = p
		_, err = tryConnect(t, targetOf(s, "me"), o)
		wantAuthError(t, err, "tried "+method)
		if len(p.asked) != 3 {
			t.Errorf("asked %d times, want 3", len(p.asked))
		}
		o.Prompter = &person{}
		_, err = tryConnect(t, targetOf(s, "me"), o)
		wantError(t, err, "log in as me@127.0.0.1", "the person has left")
	}
}

func TestInteractiveQuestionsAreQuoted(t *testing.T) {
	p := &person{answers: []string{"1", "2"}}
	h := &hop{user: "me", alias: "shop"}
	ask := &asker{prompter: p}
	c := startClock(patience, func() {})
	defer c.stop()
	ask.during(context.Background(), c)
	l := newLogin(h, &identities{}, "secret", ask, c, func() error { return nil })
	answers, err := l.challenge("", "", []string{"Password: "}, []bool{false})
	if err != nil || !slices.Equal(answers, []string{"secret"}) {
		t.Errorf("%q, %v", answers, err)
	}
	answers, err = l.challenge("title\x1b]0;", "say\n\x07", []string{"code\x1b[2J:", "name: "}, []bool{false, true})
	if err != nil || !slices.Equal(answers, []string{"1", "2"}) {
		t.Errorf("%q, %v", answers, err)
	}
	if strings.ContainsAny(strings.Join(p.asked, ""), "\x1b\x07") || !strings.HasPrefix(p.asked[1], "line ") {
		t.Errorf("asked %q", p.asked)
	}
	if answers, err := l.challenge("", "thanks", nil, nil); err != nil || answers != nil {
		t.Errorf("no question: %q, %v", answers, err)
	}
	ask.prompter = nil
	if _, err := l.challenge("", "", []string{"One-time code: "}, []bool{false}); !errors.Is(err, errNoTerminal) {
		t.Errorf("a second question, with nobody there: %v", err)
	}
}

func TestTriedAndOffered(t *testing.T) {
	testHome(t)
	one, first := keyPath(t, "ed25519", "")
	two, second := keyPath(t, "ecdsa", "")
	_, wanted := newKey(t, "ed25519")
	s := startServer(t, remotetest.Config{AuthorizedKeys: authorized(wanted), Password: "right"})
	o := trusting(t, s)
	o.Identities, o.Password = []string{one, two}, "wrong"
	_, err := tryConnect(t, targetOf(s, "me"), o)
	failed := wantAuthError(t, err)
	want := []string{
		fmt.Sprintf("key %s (%s)", one, ssh.FingerprintSHA256(first.PublicKey())),
		fmt.Sprintf("key %s (%s)", two, ssh.FingerprintSHA256(second.PublicKey())),
		"password",
	}
	if !slices.Equal(failed.Tried, want) {
		t.Errorf("tried %q, want %q", failed.Tried, want)
	}
	slices.Sort(failed.Offered)
	if !slices.Equal(failed.Offered, []string{"password", "publickey"}) {
		t.Errorf("offered %q", failed.Offered)
	}
	o.ConfigFile = writeFile(t, filepath.Join(t.TempDir(), "config"), "PreferredAuthentications password\n")
	_, err = tryConnect(t, targetOf(s, "me"), o)
	if failed := wantAuthError(t, err); !slices.Equal(failed.Tried, []string{"password"}) {
		t.Errorf("with PreferredAuthentications: tried %q", failed.Tried)
	}
}

// userCertificate makes a certificate for a key, beside its file.
func userCertificate(t testing.TB, path string, key ssh.PublicKey, authority ssh.Signer, user string) {
	t.Helper()
	cert := &ssh.Certificate{Key: key, CertType: ssh.UserCert, ValidPrincipals: []string{user}, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, keyText(cert))
}

func TestUserCertificate(t *testing.T) {
	testHome(t)
	_, authority := newKey(t, "ed25519")
	s := startServer(t, remotetest.Config{User: "me", UserCA: authority.PublicKey()})
	for _, kind := range []string{"ed25519", "rsa"} {
		path, signer := keyPath(t, kind, "open sesame")
		o := trusting(t, s)
		o.Identities, o.KeyPassphrase = []string{path}, "open sesame"
		_, err := tryConnect(t, targetOf(s, "me"), o)
		wantAuthError(t, err)
		userCertificate(t, path+"-cert.pub", signer.PublicKey(), authority, "me")
		mustConnect(t, targetOf(s, "me"), o)
		userCertificate(t, path+"-cert.pub", signer.PublicKey(), authority, "other")
		_, err = tryConnect(t, targetOf(s, "me"), o)
		wantAuthError(t, err, "certificate "+path+"-cert.pub")

		elsewhere := filepath.Join(t.TempDir(), "my.pub")
		userCertificate(t, elsewhere, signer.PublicKey(), authority, "me")
		o.ConfigFile = writeFile(t, filepath.Join(t.TempDir(), "config"), "CertificateFile "+filepath.ToSlash(elsewhere)+"\n")
		mustConnect(t, targetOf(s, "me"), o)
	}
}

// startAgent serves an agent with keys on a socket.
func startAgent(t *testing.T, keys ...agent.AddedKey) string {
	t.Helper()
	ring := agent.NewKeyring()
	for _, key := range keys {
		if err := ring.Add(key); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "agent") // the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Skipf("no unix sockets here: %v", err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() { listener.Close(); group.Wait(); os.RemoveAll(dir) })
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				agent.ServeAgent(ring, conn)
			})
		}
	})
	return socket
}

func TestAgent(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("agents are no unix sockets on Windows")
	}
	testHome(t)
	key, signer := newKey(t, "ed25519")
	otherKey, other := newKey(t, "rsa")
	s := startServer(t, remotetest.Config{AuthorizedKeys: authorized(signer)})
	socket := startAgent(t, agent.AddedKey{PrivateKey: otherKey, Comment: "other\x1b[2J"}, agent.AddedKey{PrivateKey: key, Comment: "mine"})
	o := trusting(t, s)
	config := func(text string) { o.ConfigFile = writeFile(t, filepath.Join(t.TempDir(), "config"), text) }

	_, err := tryConnect(t, targetOf(s, "me"), o)
	wantAuthError(t, err, "no key, agent or password")
	config("IdentityAgent " + socket + "\n")
	mustConnect(t, targetOf(s, "me"), o)
	t.Setenv("SSH_AUTH_SOCK", socket)
	o.ConfigFile = "none"
	mustConnect(t, targetOf(s, "me"), o)
	config("IdentityAgent none\n")
	_, err = tryConnect(t, targetOf(s, "me"), o)
	wantAuthError(t, err)

	// A public key file says which of the agent's keys to use.
	public := writeFile(t, filepath.Join(t.TempDir(), "public"), keyText(signer.PublicKey()))
	wrong := writeFile(t, filepath.Join(t.TempDir(), "wrong"), keyText(other.PublicKey()))
	config("IdentitiesOnly yes\n")
	o.Identities = []string{public}
	before := s.AuthAttempts()
	mustConnect(t, targetOf(s, "me"), o)
	if n := s.AuthAttempts() - before; n > 2 { // the question and the signature
		t.Errorf("IdentitiesOnly: %d attempts", n)
	}
	o.Identities = []string{wrong}
	_, err = tryConnect(t, targetOf(s, "me"), o)
	failed := wantAuthError(t, err, `agent key "other\x1b[2J"`)
	if len(failed.Tried) != 1 {
		t.Errorf("IdentitiesOnly: tried %q", failed.Tried)
	}

	// The named key comes first, though it is not the agent's first.
	o.ConfigFile, o.Identities = "none", []string{public}
	before = s.AuthAttempts()
	mustConnect(t, targetOf(s, "me"), o)
	if n := s.AuthAttempts() - before; n > 2 {
		t.Errorf("the named key is not tried first: %d attempts", n)
	}
}

func TestAgentThatIsGone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("agents are no unix sockets on Windows")
	}
	home := testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	o := trusting(t, s)
	t.Setenv("SSH_AUTH_SOCK", filepath.Join(home, "gone"))
	_, err := tryConnect(t, targetOf(s, "me"), o)
	wantAuthError(t, err, "agent (cannot be used")
	o.Password = "right"
	mustConnect(t, targetOf(s, "me"), o)
}

func TestServerThatGivesUp(t *testing.T) {
	testHome(t)
	var paths []string
	for range 8 { // x/crypto's server hears twice MaxAuthTries: six, like sshd
		path, _ := keyPath(t, "ed25519", "")
		paths = append(paths, path)
	}
	_, wanted := newKey(t, "ed25519")
	s := startServer(t, remotetest.Config{AuthorizedKeys: authorized(wanted),
		SSH: remotetest.SSHFault{Login: func(c *ssh.ServerConfig) { c.MaxAuthTries = 3 }}})
	o := trusting(t, s)
	o.Identities = paths
	_, err := tryConnect(t, targetOf(s, "me"), o)
	failed := wantAuthError(t, err, "the server ended the attempt", "IdentitiesOnly")
	if len(failed.Tried) < 6 || !slices.ContainsFunc(failed.Tried, func(s string) bool { return strings.Contains(s, paths[5]) }) {
		t.Errorf("tried %q", failed.Tried)
	}
}

// Nobody is asked for a password once the connection is gone.
func TestConnectionThatBreaksWhileLoggingIn(t *testing.T) {
	testHome(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, hostKey := newKey(t, "ed25519")
	var group sync.WaitGroup
	t.Cleanup(func() { listener.Close(); group.Wait() })
	group.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		config := &ssh.ServerConfig{
			PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				conn.Close()
				return nil, errors.New("no")
			},
			PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil },
		}
		config.AddHostKey(hostKey)
		ssh.NewServerConn(conn, config)
	})
	path, _ := keyPath(t, "ed25519", "")
	p := &person{answers: []string{"right"}}
	addr := listener.Addr().(*net.TCPAddr)
	_, err = tryConnect(t, Target{User: "me", Host: "127.0.0.1", Port: addr.Port}, Options{
		ConfigFile: "none", HostKey: ssh.FingerprintSHA256(hostKey.PublicKey()), Identities: []string{path}, Prompter: p,
	})
	wantAuthError(t, err, path, "the server ended the attempt")
	if len(p.asked) != 0 {
		t.Errorf("asked %q", p.asked)
	}
}
