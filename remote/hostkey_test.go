package remote

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hostperm/remote/remotetest"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// hostCertificate makes a host key that an authority vouches for.
func hostCertificate(t testing.TB, authority ssh.Signer, kind, principal string, validBefore uint64) ssh.Signer {
	t.Helper()
	_, key := newKey(t, kind)
	cert := &ssh.Certificate{
		Key: key.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{principal}, ValidBefore: validBefore,
	}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// knowing gives options with the lines as the known_hosts file.
func knowing(t testing.TB, lines ...string) Options {
	t.Helper()
	file := writeFile(t, filepath.Join(t.TempDir(), "known_hosts"), strings.Join(lines, "\n")+"\n")
	return Options{ConfigFile: "none", KnownHosts: []string{file}, Password: "right", Timeout: patience}
}

func keyText(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// refusedBeforeLogin checks that a connection fails, and that the server saw no
// credential.
func refusedBeforeLogin(t *testing.T, s *remotetest.Server, o Options, about error, says ...string) {
	t.Helper()
	before := s.AuthAttempts()
	_, err := tryConnect(t, targetOf(s, "me"), o)
	wantError(t, err, says...)
	if about != nil && !errors.Is(err, about) {
		t.Errorf("%v is not %v", err, about)
	}
	if s.AuthAttempts() != before {
		t.Error("a credential was sent to a server that was not trusted")
	}
}

func TestKnownHostKey(t *testing.T) {
	testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	name := fmt.Sprintf("[127.0.0.1]:%d", s.Port())
	for kind, line := range map[string]string{
		"plain":        s.KnownHostsLine(),
		"hashed":       xknownhosts.HashHostname(name) + " " + keyText(s.HostKey()),
		"pattern":      "127.0.* " + keyText(s.HostKey()),
		"several":      "a,b," + name + " " + keyText(s.HostKey()) + " comment",
		"without port": "127.0.0.1 " + keyText(s.HostKey()), // ssh accepts that too
	} {
		if c, err := tryConnect(t, targetOf(s, "me"), knowing(t, line)); err != nil {
			t.Errorf("%s: %v", kind, err)
		} else {
			c.abort()
		}
	}
}

func TestUnknownHostKey(t *testing.T) {
	testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	o := knowing(t)
	refusedBeforeLogin(t, s, o, ErrHostKeyUnknown, "host key of 127.0.0.1 is not known", "connect once with ssh",
		fmt.Sprintf("ssh -p %d me@127.0.0.1", s.Port()), "--host-key "+s.Fingerprint())
	_, other := newKey(t, "ed25519")
	refusedBeforeLogin(t, s, knowing(t, "elsewhere "+keyText(s.HostKey()), "127.0.0.1 "+keyText(other.PublicKey())), ErrHostKeyUnknown)
	o.Prompter = &person{answers: []string{"yes"}}
	o.ConfigFile = writeFile(t, filepath.Join(t.TempDir(), "config"), "StrictHostKeyChecking yes\n")
	refusedBeforeLogin(t, s, o, ErrHostKeyUnknown)
	if len(o.Prompter.(*person).asked) != 0 {
		t.Error("StrictHostKeyChecking yes asks")
	}
}

func TestAskAboutHostKey(t *testing.T) {
	home := testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	for _, answer := range []string{"yes", "YES ", s.Fingerprint()} {
		os.RemoveAll(filepath.Join(home, ".ssh"))
		p := &person{answers: []string{"what?", "", answer}}
		o := Options{ConfigFile: "none", Password: "right", Prompter: p}
		mustConnect(t, targetOf(s, "me"), o)
		if len(p.asked) != 3 || !strings.Contains(p.asked[0], s.Fingerprint()) || !strings.HasPrefix(p.asked[0], "line ") {
			t.Fatalf("asked %q", p.asked)
		}
		file := filepath.Join(home, ".ssh", "known_hosts")
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		dir, _ := os.Stat(filepath.Dir(file))
		if runtime.GOOS != "windows" && (info.Mode().Perm() != 0o600 || dir.Mode().Perm() != 0o700) {
			t.Errorf("saved with modes %v and %v", info.Mode(), dir.Mode())
		}
		mustConnect(t, targetOf(s, "me"), Options{ConfigFile: "none", Password: "right"})
	}
	os.RemoveAll(filepath.Join(home, ".ssh"))
	for _, answers := range [][]string{{"no"}, {"maybe", "no"}} {
		refusedBeforeLogin(t, s, Options{ConfigFile: "none", Password: "right", Prompter: &person{answers: answers}}, ErrHostKeyUnknown)
	}
	refusedBeforeLogin(t, s, Options{ConfigFile: "none", Password: "right", Prompter: &person{}}, nil, "the person has left")
	if _, err := os.Stat(filepath.Join(home, ".ssh", "known_hosts")); err == nil {
		t.Error("a key that was not accepted is saved")
	}
}

func TestAcceptNewHostKey(t *testing.T) {
	testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	other := startServer(t, remotetest.Config{Password: "right"})
	o := knowing(t, other.KnownHostsLine())
	writeFile(t, o.KnownHosts[0], other.KnownHostsLine()) // without a newline at its end
	o.AcceptNewHostKey = true
	mustConnect(t, targetOf(s, "me"), o)
	o.AcceptNewHostKey = false
	mustConnect(t, targetOf(s, "me"), o)
	mustConnect(t, targetOf(other, "me"), o)

	o.KnownHosts = []string{filepath.Join(t.TempDir(), "new", "known_hosts")}
	o.ConfigFile = writeFile(t, filepath.Join(t.TempDir(), "config"), "HashKnownHosts yes\nStrictHostKeyChecking accept-new\n")
	mustConnect(t, targetOf(s, "me"), o)
	text, err := os.ReadFile(o.KnownHosts[0])
	if err != nil || !strings.HasPrefix(string(text), "|1|") {
		t.Errorf("saved %q, %v", text, err)
	}
	o.ConfigFile = "none"
	mustConnect(t, targetOf(s, "me"), o)

	o.AcceptNewHostKey = true
	blocked := writeFile(t, filepath.Join(t.TempDir(), "file"), "")
	o.KnownHosts = []string{filepath.Join(blocked, "known_hosts")}
	before := s.AuthAttempts()
	if _, err := tryConnect(t, targetOf(s, "me"), o); err == nil || s.AuthAttempts() != before {
		t.Errorf("a key that cannot be saved is accepted unattended: %v", err)
	}
}

func TestChangedHostKey(t *testing.T) {
	testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	name := fmt.Sprintf("[127.0.0.1]:%d", s.Port())
	for _, kind := range []string{"ed25519", "ecdsa"} { // another key, and another type of key
		_, old := newKey(t, kind)
		for _, host := range []string{name, xknownhosts.HashHostname(name), "127.*"} {
			o := knowing(t, "# comment", host+" "+keyText(old.PublicKey()))
			for _, accept := range []bool{false, true} {
				o.AcceptNewHostKey = accept
				o.Prompter = &person{answers: []string{"yes", "yes"}}
				refusedBeforeLogin(t, s, o, ErrHostKeyChanged, "host key of 127.0.0.1 has changed", o.KnownHosts[0]+":2",
					s.Fingerprint(), ssh.FingerprintSHA256(old.PublicKey()), "ssh-keygen -f "+o.KnownHosts[0]+" -R '"+name+"'")
			}
		}
	}
}

func TestRevokedHostKey(t *testing.T) {
	testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	o := knowing(t, s.KnownHostsLine(), "@revoked * "+keyText(s.HostKey()))
	o.AcceptNewHostKey = true
	refusedBeforeLogin(t, s, o, nil, "revoked", o.KnownHosts[0]+":2")
}

func TestKnownKeyTypeIsAskedForFirst(t *testing.T) {
	testHome(t)
	_, ed := newKey(t, "ed25519")
	for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
		_, known := newKey(t, kind)
		more := []ssh.Signer{known}
		if kind == "ed25519" {
			_, more[0] = newKey(t, "ecdsa")
			known = ed
		}
		s := startServer(t, remotetest.Config{Password: "right", HostKey: ed, MoreHostKeys: more})
		line := knownhosts.Line([]string{s.Addr()}, known.PublicKey())
		if _, err := tryConnect(t, targetOf(s, "me"), knowing(t, line)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestPinnedHostKey(t *testing.T) {
	testHome(t)
	_, ed := newKey(t, "ed25519")
	_, ecdsa := newKey(t, "ecdsa")
	_, rsa := newKey(t, "rsa")
	s := startServer(t, remotetest.Config{Password: "right", HostKey: ed, MoreHostKeys: []ssh.Signer{ecdsa, rsa}})
	_, wrong := newKey(t, "ed25519")
	o := knowing(t, knownhosts.Line([]string{s.Addr()}, wrong.PublicKey())) // is not consulted
	for _, key := range []ssh.Signer{ed, ecdsa, rsa} {
		o.HostKey = ssh.FingerprintSHA256(key.PublicKey())
		if _, err := tryConnect(t, targetOf(s, "me"), o); err != nil {
			t.Errorf("%s: %v", key.PublicKey().Type(), err)
		}
	}
	o.HostKey = ssh.FingerprintSHA256(wrong.PublicKey())
	o.AcceptNewHostKey = true
	refusedBeforeLogin(t, s, o, ErrHostKeyChanged, "not "+o.HostKey, ssh.FingerprintSHA256(ed.PublicKey()),
		ssh.FingerprintSHA256(ecdsa.PublicKey()), ssh.FingerprintSHA256(rsa.PublicKey()))
}

func TestHostCertificate(t *testing.T) {
	testHome(t)
	_, authority := newKey(t, "ed25519")
	_, stranger := newKey(t, "ed25519")
	line := "@cert-authority 127.0.0.1,[127.0.0.1]:* " + keyText(authority.PublicKey())
	serve := func(key ssh.Signer) *remotetest.Server {
		return startServer(t, remotetest.Config{Password: "right", HostKey: key})
	}
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} { // of another type than the authority's key, too
		s := serve(hostCertificate(t, authority, kind, "127.0.0.1", ssh.CertTimeInfinity))
		if _, err := tryConnect(t, targetOf(s, "me"), knowing(t, line)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	s := serve(hostCertificate(t, authority, "ed25519", "other.example.com", ssh.CertTimeInfinity))
	refusedBeforeLogin(t, s, knowing(t, line), nil, "certificate of 127.0.0.1 is not valid")
	s = serve(hostCertificate(t, authority, "ed25519", "127.0.0.1", 1))
	refusedBeforeLogin(t, s, knowing(t, line), nil, "certificate of 127.0.0.1 is not valid")
	s = serve(hostCertificate(t, authority, "ed25519", "127.0.0.1", ssh.CertTimeInfinity))
	refusedBeforeLogin(t, s, knowing(t, line, "@revoked * "+keyText(authority.PublicKey())), nil, "revoked")
	s = serve(hostCertificate(t, stranger, "ed25519", "127.0.0.1", ssh.CertTimeInfinity))
	refusedBeforeLogin(t, s, knowing(t, line), ErrHostKeyUnknown)
	refusedBeforeLogin(t, s, knowing(t, line, "@revoked * "+keyText(stranger.PublicKey())), nil, "revoked")
	known := "127.0.0.1 " + keyText(plainKey(s.HostKey()))
	if _, err := tryConnect(t, targetOf(s, "me"), knowing(t, line, known)); err != nil {
		t.Errorf("a known key with a certificate of another authority: %v", err)
	}
	// The authority's own key is no host key.
	s = serve(authority)
	refusedBeforeLogin(t, s, knowing(t, line), ErrHostKeyUnknown)
}

func TestCertificateOnlyServerWithoutAuthority(t *testing.T) {
	testHome(t)
	_, authority := newKey(t, "ed25519")
	s := startServer(t, remotetest.Config{Password: "right",
		HostKey: hostCertificate(t, authority, "ed25519", "127.0.0.1", ssh.CertTimeInfinity)})
	refusedBeforeLogin(t, s, knowing(t), nil, "no host key in common", "ssh-ed25519-cert")
}

func TestHostKeyAlias(t *testing.T) {
	testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	o := knowing(t, "the-alias "+keyText(s.HostKey()))
	refusedBeforeLogin(t, s, o, ErrHostKeyUnknown)
	o.ConfigFile = writeFile(t, filepath.Join(t.TempDir(), "config"), "HostKeyAlias the-alias\n")
	mustConnect(t, targetOf(s, "me"), o)
}

func TestHostKeyChangesWhileConnected(t *testing.T) {
	_, first := newKey(t, "ed25519")
	_, second := newKey(t, "ed25519")
	k := &hostKeys{hop: &hop{host: "shop", pin: ssh.FingerprintSHA256(first.PublicKey())}}
	for range 2 {
		if err := k.check("", nil, first.PublicKey()); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.check("", nil, second.PublicKey()); !errors.Is(err, ErrHostKeyChanged) {
		t.Errorf("%v", err)
	}
}

func TestInsecureHostKeyAlgorithmsAreNotAskedFor(t *testing.T) {
	testHome(t)
	_, key := newKey(t, "rsa")
	s := startServer(t, remotetest.Config{Password: "right", HostKey: sha1Signer{key.(ssh.AlgorithmSigner)}})
	o := knowing(t, knownhosts.Line([]string{s.Addr()}, key.PublicKey()))
	refusedBeforeLogin(t, s, o, nil, "no host key in common", "it offers ssh-rsa", "update")
}

// sha1Signer is an RSA key as a server of the years before 2016 has it.
type sha1Signer struct{ ssh.AlgorithmSigner }

func (sha1Signer) Algorithms() []string { return []string{ssh.KeyAlgoRSA} }
