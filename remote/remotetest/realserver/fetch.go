package realserver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// fetchAhead is how many requests are sent before the first answer is read.
const fetchAhead = 64

// Fetch gets each path, relative to the docroot and as it is on disk, and gives
// the status of each. It pipelines over one connection.
func (w *Web) Fetch(t testing.TB, paths []string) []int {
	t.Helper()
	address := strings.TrimPrefix(w.URL, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Minute))
	in := bufio.NewReader(conn)
	statuses := make([]int, 0, len(paths))
	for len(statuses) < len(paths) {
		some := paths[len(statuses):min(len(statuses)+fetchAhead, len(paths))]
		var out strings.Builder
		for _, p := range some {
			fmt.Fprintf(&out, "GET /%s HTTP/1.1\r\nHost: %s\r\n\r\n", escapePath(p), address)
		}
		if _, err := io.WriteString(conn, out.String()); err != nil {
			t.Fatalf("fetch from %s: %v", w.Software, err)
		}
		for _, p := range some {
			reply, err := http.ReadResponse(in, nil)
			if err == nil {
				_, err = io.Copy(io.Discard, reply.Body)
			}
			if err != nil {
				t.Fatalf("fetch %q from %s: %v", p, w.Software, err)
			}
			statuses = append(statuses, reply.StatusCode)
		}
	}
	return statuses
}

// escapePath writes a path as part of a URL: all but letters, digits and
// slashes is escaped, whatever bytes there are.
func escapePath(p string) string {
	var b strings.Builder
	for i := range len(p) {
		switch c := p[i]; {
		case c == '/', '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
