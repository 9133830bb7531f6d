package realserver

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hostperm/remote/remotetest"
)

// Web is a running web server. It serves a directory at /, to files only: it
// lists no directory.
type Web struct {
	URL      string // http://127.0.0.1:port, without a slash at its end
	Software string // the Server header
	As       WebIdentity
}

// WebIdentity is who a web server runs as. That is all of it, not its workers
// alone: a process that was never root is bound by modes as they are.
type WebIdentity struct {
	UID  uint32
	GIDs []uint32 // the primary group first
}

// maxURL is the longest request line, in bytes, that the servers are set up to
// take.
const maxURL = 16 << 10

// webDir makes a directory that a web server can write to, apart from what it
// serves.
func webDir(t testing.TB, as WebIdentity) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hostperm-web-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remotetest.RemoveSite(dir); err != nil {
			t.Errorf("remove the test server's directory: %v", err)
		}
	})
	if os.Geteuid() == 0 {
		err = os.Chown(dir, int(as.UID), int(as.GIDs[0]))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// startWeb runs a web server. config gives its configuration for a port, and
// args the arguments that make it read a file and stay in the foreground.
func startWeb(t testing.TB, program string, as WebIdentity, config func(dir string, port int) string, args func(dir, file string) []string) *Web {
	t.Helper()
	dir := webDir(t, as)
	file := filepath.Join(dir, "server.conf")
	port, software := startReady(t, func(port int) *exec.Cmd {
		if err := os.WriteFile(file, []byte(config(dir, port)), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, args(dir, file)...)
		cmd.Dir, cmd.Env = dir, []string{"LC_ALL=C", "TZ=UTC"}
		runAs(cmd, as)
		return cmd
	}, serverHeader)
	return &Web{URL: fmt.Sprintf("http://127.0.0.1:%d", port), Software: software, As: as}
}

// serverHeader asks a web server who it is.
func serverHeader(port int) (string, error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Head(fmt.Sprintf("http://127.0.0.1:%d/", port))
	if err != nil {
		return "", err
	}
	reply.Body.Close()
	software := reply.Header.Get("Server")
	if !strings.HasPrefix(software, "Apache") && !strings.HasPrefix(software, "nginx") {
		return "", fmt.Errorf("port %d is served by %q", port, software)
	}
	return software, nil
}
