package remote

import (
	"encoding/base64"
	"errors"
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
