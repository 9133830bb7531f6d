package remote

import (
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"hostperm/remote/remotetest"

	"golang.org/x/crypto/ssh"
)

// dssKey is a line's type and key, of a type that nothing accepts any more.
var dssKey = "ssh-dss " + base64.StdEncoding.EncodeToString(ssh.Marshal(struct{ Type, P string }{"ssh-dss", "abc"}))

func TestDamagedKnownHosts(t *testing.T) {
	testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	good := s.KnownHostsLine()
	key := keyText(s.HostKey())
	for _, line := range []string{
		"garbage ssh-ed25519 !!!",
		"garbage",
		"garbage ssh-ed25519",
		"* " + key[:len(key)-8],
		"* ssh-rsa " + strings.Fields(key)[1],
		"* ssh-dss " + strings.Fields(key)[1],
		"* ssh-unheard-of AAAA",
		"@revoke * " + key,
		"@revoked @cert-authority * " + key,
		"@revoked " + key,
		"@revoked * " + key + "\f",
		"\f",
	} {
		o := knowing(t, good, line)
		_, err := tryConnect(t, targetOf(s, "me"), o)
		wantError(t, err, o.KnownHosts[0]+":2")
		if !errors.Is(err, ErrUsage) {
			t.Errorf("%q: %v", line, err)
		}
	}
	if s.Connections() != 0 {
		t.Error("a host was contacted")
	}
}

func TestKnownHostsThatCannotBeRead(t *testing.T) {
	testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	o := knowing(t)
	o.KnownHosts = []string{t.TempDir()}
	if _, err := tryConnect(t, targetOf(s, "me"), o); !errors.Is(err, ErrUsage) {
		t.Errorf("a directory: %v", err)
	}
	if s.Connections() != 0 {
		t.Error("a host was contacted")
	}
}

// Old files have lines about keys of kinds that are gone, and new ones about
// kinds that are not known yet.
func TestKnownHostsOfOtherKinds(t *testing.T) {
	testHome(t)
	s := startServer(t, remotetest.Config{Password: "right"})
	other := []string{"* " + dssKey, "@revoked * " + dssKey + " old", "# nothing", "", "\t"}
	o := knowing(t, append(other, s.KnownHostsLine())...)
	o.Password = "right"
	mustConnect(t, targetOf(s, "me"), o)
	refusedBeforeLogin(t, s, knowing(t, other...), ErrHostKeyUnknown)
}

// FuzzRevokedKey puts any text around the words of a line that revokes a key: it
// revokes the key, or it is an error, but it is not passed over.
func FuzzRevokedKey(f *testing.F) {
	_, key := newKey(f, "ed25519")
	known := "* " + keyText(key.PublicKey()) + "\n"
	for _, s := range []string{" ", "\t", "  ", "\f", " h ", "\r", " old key", "\n", "\n# x"} {
		f.Add(" ", s)
		f.Add(s, " ")
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, between, after string) {
		text := known + "@revoked" + between + "*" + between + keyText(key.PublicKey()) + after
		h := &hop{alias: "h", host: "h", port: 22, strict: strictYes,
			userKnownHosts: []string{writeFile(t, filepath.Join(t.TempDir(), "known_hosts"), text)}}
		k, err := newHostKeys(h, &asker{}, func(string) {})
		if err == nil && k.check("h:22", nil, key.PublicKey()) == nil {
			t.Fatalf("the key is accepted with %q", text)
		}
	})
}
