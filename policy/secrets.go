package policy

import (
	"bytes"
	"path"
	"strings"
)

// secrecy is what kind of secret an entry is known to be, by its name.
type secrecy uint8

const (
	notSecret   secrecy = iota
	publicInSSH         // below .ssh, but public by its nature
	secretInSSH
	configSecret // a configuration file with credentials, in PHP: run, not sent to visitors
	plainSecret  // sent to whoever can ask for it, unless the web server is told not to
)

// secrecy classifies an entry. Names are those that the applications document,
// compared exactly, with case. Of directories only .ssh, and what is below it,
// is a secret.
func (f *File) secrecy() secrecy {
	if f.inSSH() {
		if bytes.HasSuffix(f.Name, []byte(".pub")) {
			return publicInSSH
		}
		return secretInSSH
	}
	if f.Kind != KindFile {
		return notSecret
	}
	switch string(f.Name) {
	case "wp-config.php", // WordPress
		"configuration.php", // Joomla
		"config.inc.php",    // phpMyAdmin, Roundcube
		"LocalSettings.php": // MediaWiki
		return configSecret
	case "settings.php", "settings.local.php": // Drupal; other applications have harmless files of that name
		return secretIf(path.Base(path.Dir(f.dirPath())) == "sites", configSecret)
	case "env.php": // Magento 2
		return secretIf(f.inAppEtc(), configSecret)
	case "local.xml": // Magento 1; its themes have layouts of that name
		return secretIf(f.inAppEtc(), plainSecret)
	case ".env", ".htpasswd", ".htdigest", ".my.cnf", ".pgpass", ".netrc", ".git-credentials",
		"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk",
		"privkey.pem": // Let's Encrypt; other .pem files are mostly certificates, which are public
		return plainSecret
	}
	return secretIf(bytes.HasSuffix(f.Name, []byte(".key")) || isDotEnv(f.Name), plainSecret)
}

func secretIf(is bool, s secrecy) secrecy {
	if is {
		return s
	}
	return notSecret
}

// isDotEnv accepts .env.local, .env.production and the like, but not the
// templates that projects publish.
func isDotEnv(name []byte) bool {
	if !bytes.HasPrefix(name, []byte(".env.")) {
		return false
	}
	switch string(name[bytes.LastIndexByte(name, '.'):]) {
	case ".example", ".sample", ".dist", ".template":
		return false
	}
	return true
}

func (f *File) dirPath() string {
	if f.Dir == nil {
		return "."
	}
	return f.Dir.Path
}

func (f *File) inAppEtc() bool {
	dir := f.dirPath()
	return dir == "app/etc" || strings.HasSuffix(dir, "/app/etc")
}

// inSSH reports whether the entry is a directory named .ssh or lies below one.
func (f *File) inSSH() bool {
	return f.RootInSSH ||
		f.Kind == KindDir && len(f.Name) == len(sshDir) && strings.EqualFold(string(f.Name), sshDir) ||
		f.Dir != nil && HasSSHDir(f.Dir.Path)
}

// sshDir is the directory whose contents are never changed. It is compared
// without case: a server may sit on a file system that doesn't tell them apart.
const sshDir = ".ssh"

// HasSSHDir reports whether one component of a slash-separated path is .ssh, in
// any case.
func HasSSHDir(path string) bool {
	for start := 0; ; {
		i := strings.IndexByte(path[start:], '.')
		if i < 0 {
			return false
		}
		begin := start + i
		end := begin + len(sshDir)
		if end <= len(path) && (begin == 0 || path[begin-1] == '/') && (end == len(path) || path[end] == '/') &&
			strings.EqualFold(path[begin:end], sshDir) {
			return true
		}
		start = begin + 1
	}
}
