package realserver

import (
	"fmt"
	"testing"
)

// Nginx starts nginx on docroot, for static files. It follows symlinks and
// knows nothing of .htaccess.
//
// The test is skipped where nginx is not installed.
func Nginx(t testing.TB, docroot string, as WebIdentity) *Web {
	t.Helper()
	return startWeb(t, program(t, "nginx"), as, func(dir string, port int) string {
		return fmt.Sprintf(`
daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/error.log;
events { worker_connections 64; }
http {
	access_log off;
	default_type application/octet-stream;
	large_client_header_buffers 4 %[4]d;
	keepalive_requests 1000000;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen 127.0.0.1:%[2]d;
		root "%[3]s";
	}
}
`, dir, port, docroot, maxURL)
	}, func(dir, file string) []string { return []string{"-p", dir, "-c", file, "-e", dir + "/error.log"} })
}
