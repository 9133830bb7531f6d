package remote

import (
	"testing"

	"hostperm/remote/remotetest"
	"hostperm/remote/remotetest/realserver"
)

// serveDir starts the embedded server and gives a Client of it.
func serveDir(t testing.TB, cfg remotetest.Config) *Client {
	t.Helper()
	c, _ := serveEmbedded(t, cfg)
	return c
}

func serveEmbedded(t testing.TB, cfg remotetest.Config) (*Client, *remotetest.Server) {
	t.Helper()
	cfg.User, cfg.Password = "web", "secret"
	s, err := remotetest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	o := Options{Port: s.Port(), ConfigFile: "none", HostKey: s.Fingerprint(), Password: cfg.Password}
	c, err := Dial(t.Context(), Target{User: cfg.User, Host: s.Host()}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, s
}

// dialReal gives a Client of a real server.
func dialReal(t testing.TB, s *realserver.Server) *Client {
	t.Helper()
	o := Options{Port: s.Port, ConfigFile: "none", KnownHosts: []string{s.KnownHosts}, Identities: []string{s.KeyFile}}
	c, err := Dial(t.Context(), Target{User: s.User, Host: s.Host}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
