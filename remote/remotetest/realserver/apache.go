package realserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Apache starts Debian's apache2 on docroot. It honours .htaccess files from
// docroot on down in everything (AllowOverride All), follows symlinks, and has
// the modules for access rules and for HTTP's basic authentication against a
// file. A file may have any name, .ht* included, and is sent as it is.
//
// The test is skipped where apache2 is not installed, or not as Debian does it.
func Apache(t testing.TB, docroot string, as WebIdentity) *Web {
	t.Helper()
	apache := program(t, "apache2")
	modules := "/usr/lib/apache2/modules"
	var load strings.Builder
	for _, name := range []string{"mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dir", "mime"} {
		file := filepath.Join(modules, "mod_"+name+".so")
		if _, err := os.Stat(file); err != nil {
			missing(t, "Apache's module "+file+" is not installed")
		}
		fmt.Fprintf(&load, "LoadModule %s_module %s\n", name, file)
	}
	return startWeb(t, apache, as, func(dir string, port int) string {
		return load.String() + fmt.Sprintf(`
ServerRoot "%[1]s"
DefaultRuntimeDir "%[1]s"
PidFile "%[1]s/pid"
ErrorLog "%[1]s/error.log"
Listen 127.0.0.1:%[2]d
ServerName 127.0.0.1
TypesConfig /dev/null
LimitRequestLine %[4]d
MaxKeepAliveRequests 0
KeepAliveTimeout 30
EnableSendfile Off
StartServers 1
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
MinSpareThreads 4
MaxSpareThreads 32
DocumentRoot "%[3]s"
<Directory "/">
	AllowOverride None
	Require all denied
</Directory>
<Directory "%[3]s">
	AllowOverride All
	Options FollowSymLinks
	Require all granted
</Directory>
`, dir, port, docroot, maxURL)
	}, func(_, file string) []string { return []string{"-f", file, "-D", "FOREGROUND"} })
}
