//go:build linux

package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hostperm/remote/remotetest/realserver"
)

// TestCheckURLOnApache repairs a site by a policy that is wrong for it, so that
// Apache, which runs as another user, cannot read a page any more: all is put
// back, and the page is there again.
func TestCheckURLOnApache(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: Apache must run as another user than the account")
	}
	a := account{realserver.OpenSSH(t, realserver.Options{}), t.TempDir()}
	root := realserver.Docroot(t)
	web := realserver.Apache(t, root, realserver.WebUser(t))
	page := filepath.Join(root, "page.html")
	for name, mode := range map[string]os.FileMode{page: 0o644, filepath.Join(root, "open.html"): 0o666} {
		if err := os.WriteFile(name, []byte("it works"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	a.Chown(t, root)
	before := treeModes(t, root)
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("extends: [default]\nexpect:\n  - path: \"**\"\n    files: {want: \"0600\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := web.URL + "/page.html"
	status, _, stderr := a.run(t, "audit", "--fix", "--yes", "--policy", wrong, "--check-url", url, a.target(root))
	if status != exitRefused || !strings.Contains(stderr, url+" worked before the repair (200) and does not after it (403)") ||
		!strings.Contains(stderr, "and now: "+url+" 200") {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
	if now := treeModes(t, root); !maps.Equal(now, before) {
		t.Errorf("modes %v, want %v", now, before)
	}
	// By the default profile the page goes on working, and the repair stays.
	status, _, stderr = a.run(t, "audit", "--fix", "--yes", "--check-url", url, a.target(root))
	if now := treeModes(t, root); status != exitClean || now["/open.html"] != 0o644 {
		t.Errorf("exit status %d, modes %v\n%s", status, now, stderr)
	}
}
