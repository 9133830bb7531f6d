package realserver

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func webServers() map[string]func(testing.TB, string, WebIdentity) *Web {
	return map[string]func(testing.TB, string, WebIdentity) *Web{"Apache": Apache, "nginx": Nginx}
}

// TestWebServes has what a test relies on: names of any bytes, modes that bind,
// .htaccess where there is such a thing, and no process that stays.
func TestWebServes(t *testing.T) {
	for name, start := range webServers() {
		t.Run(name, func(t *testing.T) {
			as, docroot := WebUser(t), Docroot(t)
			for file, mode := range map[string]os.FileMode{"a b%#?é\xff": 0o444, "shut": 0, "d/f": 0o644, "d/.htaccess": 0o644} {
				p := filepath.Join(docroot, file)
				if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
					t.Fatal(err)
				}
				text := []byte("x")
				if filepath.Base(p) == ".htaccess" {
					text = []byte("Require all denied\n")
				}
				if err := os.WriteFile(p, text, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(p, mode); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(filepath.Join(docroot, "d"), 0o755); err != nil {
				t.Fatal(err)
			}
			var address string
			t.Run("while it runs", func(t *testing.T) {
				w := start(t, docroot, as)
				address = strings.TrimPrefix(w.URL, "http://")
				if !strings.HasPrefix(strings.ToLower(w.Software), strings.ToLower(name)) {
					t.Errorf("it says that it is %q", w.Software)
				}
				inside := 200
				if name == "Apache" {
					inside = 403
				}
				got := w.Fetch(t, []string{"a b%#?é\xff", "shut", "d/f", "none"})
				if want := []int{200, 403, inside, 404}; !slices.Equal(got, want) {
					t.Errorf("statuses %v, want %v", got, want)
				}
			})
			if conn, err := net.Dial("tcp", address); err == nil {
				conn.Close()
				t.Error("it still listens after the test")
			}
			if left := leftOver(); len(left) > 0 {
				t.Errorf("still there: %q", left)
			}
		})
	}
}

// leftOver gives the processes whose working directory was a web server's that
// is gone, where /proc tells.
func leftOver() []string {
	var found []string
	all, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, p := range all {
		if dir, err := os.Readlink(p); err == nil && strings.Contains(dir, "hostperm-web-") && strings.HasSuffix(dir, "(deleted)") {
			command, _ := os.ReadFile(filepath.Dir(p) + "/cmdline")
			found = append(found, string(bytes.ReplaceAll(command, []byte{0}, []byte(" "))))
		}
	}
	return found
}
