package remotetest

import (
	"crypto/rand"
	"testing"

	"golang.org/x/crypto/ssh"
)

func signer(t *testing.T) ssh.Signer {
	t.Helper()
	key, err := newHostKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func certificate(t *testing.T, ca, key ssh.Signer, principal string) ssh.Signer {
	t.Helper()
	cert := &ssh.Certificate{
		Key: key.PublicKey(), CertType: ssh.UserCert,
		ValidPrincipals: []string{principal}, ValidBefore: ssh.CertTimeInfinity,
	}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	signed, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestAuth(t *testing.T) {
	key, other, ca := signer(t), signer(t), signer(t)
	password := Config{User: "site", Password: testPassword}
	asking := Config{User: "site", Password: testPassword, KeyboardInteractive: true}
	keys := Config{User: "site", AuthorizedKeys: []ssh.PublicKey{key.PublicKey()}}
	certs := Config{User: "site", UserCA: ca.PublicKey()}
	answer := func(_, _ string, questions []string, _ []bool) ([]string, error) {
		return []string{testPassword}[:len(questions)], nil
	}
	for _, test := range []struct {
		name string
		cfg  Config
		user string
		auth ssh.AuthMethod
		ok   bool
	}{
		{"password", password, "site", ssh.Password(testPassword), true},
		{"wrong password", password, "site", ssh.Password("x"), false},
		{"wrong user", password, "root", ssh.Password(testPassword), false},
		{"any user", Config{Password: testPassword}, "root", ssh.Password(testPassword), true},
		{"key where none is known", password, "site", ssh.PublicKeys(key), false},
		{"keyboard-interactive", asking, "site", ssh.KeyboardInteractive(answer), true},
		{"keyboard-interactive in place of password", asking, "site", ssh.Password(testPassword), false},
		{"key", keys, "site", ssh.PublicKeys(key), true},
		{"other key", keys, "site", ssh.PublicKeys(other), false},
		{"key of another user", keys, "root", ssh.PublicKeys(key), false},
		{"certificate", certs, "site", ssh.PublicKeys(certificate(t, ca, key, "site")), true},
		{"certificate for another user", certs, "site", ssh.PublicKeys(certificate(t, ca, key, "root")), false},
		{"certificate of another CA", certs, "site", ssh.PublicKeys(certificate(t, other, key, "site")), false},
		{"bare key where certificates are known", certs, "site", ssh.PublicKeys(key), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := test.cfg
			cfg.Dir = t.TempDir()
			s := start(t, cfg)
			client := clientConfig(s, test.auth)
			client.User = test.user
			c, err := ssh.Dial("tcp", s.Addr(), client)
			if (err == nil) != test.ok {
				t.Errorf("dial: %v, want let in: %v", err, test.ok)
			}
			if c != nil {
				c.Close()
			}
		})
	}
}

// A client that does not know the host key offers no credential.
func TestAuthAttemptsAfterHostKey(t *testing.T) {
	s := start(t, Config{})
	cfg := clientConfig(s, ssh.Password(testPassword))
	cfg.HostKeyCallback = ssh.FixedHostKey(signer(t).PublicKey())
	if _, err := ssh.Dial("tcp", s.Addr(), cfg); err == nil {
		t.Fatal("a wrong host key was taken")
	}
	if n := s.AuthAttempts(); n != 0 {
		t.Errorf("%d auth attempts counted, want 0", n)
	}
}

func TestMoreHostKeys(t *testing.T) {
	first, second := signer(t), signer(t)
	ca := signer(t)
	cert := &ssh.Certificate{
		Key: second.PublicKey(), CertType: ssh.HostCert,
		ValidPrincipals: []string{"127.0.0.1"}, ValidBefore: ssh.CertTimeInfinity,
	}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	certified, err := ssh.NewCertSigner(cert, second)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{HostKey: first, MoreHostKeys: []ssh.Signer{certified}})
	for algorithm, want := range map[string]ssh.PublicKey{
		ssh.KeyAlgoED25519:     first.PublicKey(),
		ssh.CertAlgoED25519v01: certified.PublicKey(),
	} {
		cfg := clientConfig(s, ssh.Password(testPassword))
		cfg.HostKeyAlgorithms = []string{algorithm}
		cfg.HostKeyCallback = ssh.FixedHostKey(want)
		c, err := ssh.Dial("tcp", s.Addr(), cfg)
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		c.Close()
	}
}
