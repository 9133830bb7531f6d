package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hostperm/remote/remotetest/realserver"

	"golang.org/x/crypto/ssh"
)

// keygen runs ssh-keygen, which comes with the server that these tests need.
func keygen(t *testing.T, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// makeKey has ssh-keygen make a key.
func makeKey(t *testing.T, kind, passphrase string, more ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "id_"+kind)
	keygen(t, append([]string{"-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", path}, more...)...)
	return path
}

// shared puts text where a server's account can read it.
func shared(t *testing.T, name, text string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hostperm-shared-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := writeFile(t, filepath.Join(dir, name), text)
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func realOptions(s *realserver.Server) Options {
	return Options{ConfigFile: "none", KnownHosts: []string{s.KnownHosts}, Identities: []string{s.KeyFile}}
}

func realTarget(s *realserver.Server) Target {
	return Target{User: s.User, Host: s.Host, Port: s.Port}
}

func mustOpenSFTP(t *testing.T, target Target, o Options) {
	t.Helper()
	c := mustConnect(t, target, o)
	if _, err := c.openSFTP(context.Background(), true); err != nil {
		t.Errorf("open SFTP: %v", err)
	}
	c.abort()
}

func TestOpenSSHKeys(t *testing.T) {
	testHome(t)
	kinds := []string{"ed25519", "ecdsa", "rsa"}
	var plain, encrypted, public []string
	for _, kind := range kinds {
		plain = append(plain, makeKey(t, kind, ""))
		encrypted = append(encrypted, makeKey(t, kind, "open sesame"))
		public = append(public, readText(t, plain[len(plain)-1]+".pub"), readText(t, encrypted[len(encrypted)-1]+".pub"))
	}
	oldFormat := makeKey(t, "rsa", "open sesame", "-m", "PEM")
	public = append(public, readText(t, oldFormat+".pub"))
	list := shared(t, "authorized", strings.Join(public, ""))
	s := realserver.OpenSSH(t, realserver.Options{Config: "AuthorizedKeysFile " + list + "\n"})
	o := realOptions(s)
	for _, path := range plain {
		o.Identities = []string{path}
		mustOpenSFTP(t, realTarget(s), o)
	}
	for _, path := range append(encrypted, oldFormat) {
		o.Identities, o.KeyPassphrase = []string{path}, "open sesame"
		mustOpenSFTP(t, realTarget(s), o)
		o.KeyPassphrase = ""
		_, err := tryConnect(t, realTarget(s), o)
		wantAuthError(t, err, path, "HOSTPERM_KEY_PASSPHRASE")
	}
	o.Identities = []string{makeKey(t, "ed25519", "")}
	_, err := tryConnect(t, realTarget(s), o)
	wantAuthError(t, err, o.Identities[0], "the server offers publickey")
}

func TestOpenSSHUserCertificate(t *testing.T) {
	testHome(t)
	authority := makeKey(t, "ed25519", "")
	trusted := shared(t, "ca", readText(t, authority+".pub"))
	s := realserver.OpenSSH(t, realserver.Options{Config: "TrustedUserCAKeys " + trusted + "\n"})
	o := realOptions(s)
	for _, kind := range []string{"ed25519", "rsa"} {
		path := makeKey(t, kind, "")
		o.Identities = []string{path}
		_, err := tryConnect(t, realTarget(s), o)
		wantAuthError(t, err)
		keygen(t, "-q", "-s", authority, "-I", "test", "-n", s.User, path+".pub")
		mustOpenSFTP(t, realTarget(s), o)
	}
}

func TestOpenSSHHostKeys(t *testing.T) {
	testHome(t)
	s := realserver.OpenSSH(t, realserver.Options{})
	o := realOptions(s)
	mustOpenSFTP(t, realTarget(s), o)

	hashed := writeFile(t, filepath.Join(t.TempDir(), "hashed"), readText(t, s.KnownHosts))
	keygen(t, "-q", "-H", "-f", hashed)
	if !strings.HasPrefix(readText(t, hashed), "|1|") {
		t.Fatalf("ssh-keygen -H left %q", readText(t, hashed))
	}
	o.KnownHosts = []string{hashed}
	mustOpenSFTP(t, realTarget(s), o)

	// ssh finds what is saved here.
	name := fmt.Sprintf("[%s]:%d", s.Host, s.Port)
	for _, hash := range []string{"no", "yes"} {
		saved := filepath.Join(t.TempDir(), "saved")
		o.KnownHosts, o.AcceptNewHostKey = []string{saved}, true
		o.ConfigFile = writeFile(t, filepath.Join(t.TempDir(), "config"), "HashKnownHosts "+hash+"\n")
		mustOpenSFTP(t, realTarget(s), o)
		if out := keygen(t, "-F", name, "-f", saved); !strings.Contains(out, "found") {
			t.Errorf("ssh-keygen -F: %q in %q", out, readText(t, saved))
		}
	}

	// The hint for a changed key is what ssh-keygen understands.
	_, other := newKey(t, "ed25519")
	changed := writeFile(t, filepath.Join(t.TempDir(), "changed"), name+" "+keyText(other.PublicKey())+"\n")
	o.KnownHosts = []string{changed}
	_, err := tryConnect(t, realTarget(s), o)
	if !errors.Is(err, ErrHostKeyChanged) {
		t.Fatal(err)
	}
	keygen(t, "-f", changed, "-R", name)
	wantError(t, err, "ssh-keygen -f "+changed+" -R '"+name+"'")
	mustOpenSFTP(t, realTarget(s), o)
}

func TestOpenSSHHostCertificate(t *testing.T) {
	testHome(t)
	authority, host := makeKey(t, "ed25519", ""), makeKey(t, "ecdsa", "")
	keygen(t, "-q", "-s", authority, "-I", "test", "-h", "-n", "127.0.0.1,localhost", host+".pub")
	s := realserver.OpenSSH(t, realserver.Options{Config: fmt.Sprintf("HostKey %s\nHostCertificate %s-cert.pub\n", host, host)})
	o := realOptions(s)
	o.KnownHosts = []string{writeFile(t, filepath.Join(t.TempDir(), "known"), "@cert-authority * "+readText(t, authority+".pub"))}
	mustOpenSFTP(t, realTarget(s), o)
	writeFile(t, o.KnownHosts[0], "@cert-authority * "+readText(t, authority+".pub")+"@revoked * "+readText(t, host+".pub"))
	_, err := tryConnect(t, realTarget(s), o)
	wantError(t, err, "revoked")
}

func TestOpenSSHSeveralFactors(t *testing.T) {
	testHome(t)
	one, two := makeKey(t, "ed25519", ""), makeKey(t, "ecdsa", "")
	list := shared(t, "authorized", readText(t, one+".pub")+readText(t, two+".pub"))
	s := realserver.OpenSSH(t, realserver.Options{
		Config: "AuthorizedKeysFile " + list + "\nAuthenticationMethods publickey,publickey\n"})
	o := realOptions(s)
	o.Identities = []string{one, two}
	mustOpenSFTP(t, realTarget(s), o)
	o.Identities = []string{one}
	_, err := tryConnect(t, realTarget(s), o)
	wantAuthError(t, err, one)
}

func TestOpenSSHRefusals(t *testing.T) {
	testHome(t)
	s := realserver.OpenSSH(t, realserver.Options{Config: "PasswordAuthentication yes\nMaxAuthTries 3\n"})
	o := realOptions(s)
	o.Identities, o.Password = nil, "not the password"
	_, err := tryConnect(t, realTarget(s), o)
	wantAuthError(t, err, "tried password", "check the user name and the password")
	for range 5 {
		o.Identities = append(o.Identities, makeKey(t, "ed25519", ""))
	}
	_, err = tryConnect(t, realTarget(s), o)
	wantAuthError(t, err, "the server ended the attempt", "Too many authentication failures", "IdentitiesOnly")

	old := realserver.OpenSSH(t, realserver.Options{Config: "KexAlgorithms diffie-hellman-group-exchange-sha1\n"})
	_, err = tryConnect(t, realTarget(old), realOptions(old))
	wantError(t, err, "no key exchange in common", "diffie-hellman-group-exchange-sha1")
}

func TestOpenSSHJump(t *testing.T) {
	testHome(t)
	first, second, target := realserver.OpenSSH(t, realserver.Options{}), realserver.OpenSSH(t, realserver.Options{}), realserver.OpenSSH(t, realserver.Options{})
	var known, config string
	for i, s := range []*realserver.Server{first, second, target} {
		known += readText(t, s.KnownHosts)
		config += fmt.Sprintf("Host hop%d\nHostName %s\nPort %d\nUser %s\nIdentityFile %s\n", i, s.Host, s.Port, s.User, s.KeyFile)
	}
	o := Options{
		ConfigFile: writeFile(t, filepath.Join(t.TempDir(), "config"), config+"ProxyJump hop0,hop1\n"),
		KnownHosts: []string{writeFile(t, filepath.Join(t.TempDir(), "known"), known)},
	}
	c := mustConnect(t, Target{Host: "hop2"}, o)
	if c.server().HostKey != ssh.FingerprintSHA256(target.HostKey) {
		t.Error("connected to another server")
	}
	if _, err := c.openSFTP(context.Background(), true); err != nil {
		t.Error(err)
	}
}
