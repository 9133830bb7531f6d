package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hostperm/remote/remotetest"
)

// jumpSite is a target behind two jump hosts, each of which lets in another key.
type jumpSite struct {
	outer, inner, target *remotetest.Server
	config               string
	options              Options
}

func newJumpSite(t *testing.T) *jumpSite {
	t.Helper()
	testHome(t)
	path, signer := keyPath(t, "ed25519", "")
	innerPath, innerSigner := keyPath(t, "ecdsa", "")
	j := &jumpSite{
		outer:  startServer(t, remotetest.Config{User: "out", AuthorizedKeys: authorized(signer), Forward: remotetest.Loopback}),
		inner:  startServer(t, remotetest.Config{User: "in", AuthorizedKeys: authorized(innerSigner), Forward: remotetest.Loopback}),
		target: startServer(t, remotetest.Config{User: "me", Password: "right"}),
	}
	j.config = filepath.Join(t.TempDir(), "config")
	writeFile(t, j.config, fmt.Sprintf(`Host outer
  HostName 127.0.0.1
  Port %d
  User out
  IdentityFile %s
Host inner
  HostName 127.0.0.1
  Port %d
  User in
  IdentityFile %s
Host shop
  HostName 127.0.0.1
  Port %d
  User me
  ProxyJump outer,inner
`, j.outer.Port(), filepath.ToSlash(path), j.inner.Port(), filepath.ToSlash(innerPath), j.target.Port()))
	j.options = trusting(t, j.outer, j.inner, j.target)
	j.options.ConfigFile, j.options.Password = j.config, "right"
	return j
}

func TestJumpThroughTwoHosts(t *testing.T) {
	j := newJumpSite(t)
	c := mustConnect(t, Target{Host: "shop"}, j.options)
	if _, err := c.openSFTP(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	if at := c.server(); at.User != "me" || at.Alias != "shop" || at.Host != "127.0.0.1" || at.Port != j.target.Port() {
		t.Errorf("connected to %+v", at)
	}
	if j.outer.Forwards() != 1 || j.inner.Forwards() != 1 || j.target.Connections() != 1 {
		t.Errorf("forwarded %d and %d times", j.outer.Forwards(), j.inner.Forwards())
	}
	c.abort()
	c.wait()
	if !errors.Is(c.ended(), net.ErrClosed) {
		t.Errorf("ended: %v", c.ended())
	}
	direct := j.options
	direct.Jump = "none"
	mustConnect(t, Target{Host: "shop"}, direct)
	if j.outer.Connections() != 1 {
		t.Error("Jump none jumps")
	}
	one := j.options
	one.Jump = "outer"
	mustConnect(t, Target{Host: "shop"}, one)
	if j.outer.Forwards() != 2 || j.inner.Forwards() != 1 {
		t.Errorf("-J outer: forwarded %d and %d times in all", j.outer.Forwards(), j.inner.Forwards())
	}
}

func TestJumpHostsAreCheckedToo(t *testing.T) {
	j := newJumpSite(t)
	servers := []*remotetest.Server{j.outer, j.inner, j.target}
	for i, unknown := range servers {
		o := trusting(t, slices.Delete(slices.Clone(servers), i, i+1)...)
		o.ConfigFile, o.Password = j.config, "right"
		before := unknown.AuthAttempts()
		_, err := tryConnect(t, Target{Host: "shop"}, o)
		if !errors.Is(err, ErrHostKeyUnknown) || unknown.AuthAttempts() != before {
			t.Errorf("hop %d: %v, %d attempts", i, err, unknown.AuthAttempts()-before)
		}
		if pins := strings.Contains(Hint(err), "--host-key"); pins != (i == 2) {
			t.Errorf("hop %d: hint %q", i, Hint(err))
		}
	}
	// A fingerprint is the target's, and vouches for no jump host.
	o := trusting(t, j.inner)
	o.ConfigFile, o.Password, o.HostKey = j.config, "right", j.outer.Fingerprint()
	if _, err := tryConnect(t, Target{Host: "shop"}, o); !errors.Is(err, ErrHostKeyUnknown) {
		t.Errorf("%v", err)
	}
	o = trusting(t, j.outer, j.inner)
	o.ConfigFile, o.Password, o.HostKey = j.config, "right", j.target.Fingerprint()
	mustConnect(t, Target{Host: "shop"}, o)
}

func TestPasswordIsForTheTargetOnly(t *testing.T) {
	testHome(t)
	jump := startServer(t, remotetest.Config{Password: "right", Forward: remotetest.Loopback})
	target := startServer(t, remotetest.Config{Password: "right"})
	o := trusting(t, jump, target)
	o.Password, o.Jump = "right", "out@"+jump.Addr()
	_, err := tryConnect(t, targetOf(target, "me"), o)
	failed := wantAuthError(t, err, "out@127.0.0.1")
	if jump.AuthAttempts() != 0 || failed.Tried != nil {
		t.Errorf("the jump host was told the target's password: %v", err)
	}
	p := &person{answers: []string{"right"}}
	o.Prompter = p
	mustConnect(t, targetOf(target, "me"), o)
	if len(p.asked) != 1 || !strings.Contains(p.asked[0], "out@127.0.0.1") {
		t.Errorf("asked %q", p.asked)
	}
}

func TestJumpErrors(t *testing.T) {
	j := newJumpSite(t)
	j.target.Close()
	_, err := tryConnect(t, Target{Host: "shop"}, j.options)
	wantError(t, err, fmt.Sprintf("connect to 127.0.0.1:%d", j.target.Port()), "the jump host says: connection refused")
	closed := startServer(t, remotetest.Config{User: "out", Password: "right"})
	o := trusting(t, closed)
	o.Jump, o.Prompter = "out@"+closed.Addr(), &person{answers: []string{"right"}}
	_, err = tryConnect(t, Target{User: "me", Host: "127.0.0.1"}, o)
	wantError(t, err, "the jump host says: administratively prohibited")
}

func TestCancelBehindAJumpHost(t *testing.T) {
	j := newJumpSite(t)
	j.target.Freeze()
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	done := make(chan error, 1)
	go func() {
		_, err := connect(ctx, Target{Host: "shop"}, j.options)
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	case <-time.After(patience):
		t.Fatal("a cancelled context does not end it")
	}
	j.options.Timeout = 100 * time.Millisecond
	_, err := tryConnect(t, Target{Host: "shop"}, j.options)
	wantError(t, err, "no answer within 100ms")
}
