package remotetest

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// siteEntry is one entry of the sample site. A name ending in a slash is a
// directory; link makes it a symlink; fifo a FIFO.
type siteEntry struct {
	name string
	mode uint32 // the twelve permission bits
	link string
	fifo bool
}

// WriteSite lays out a small site as WordPress would, with every kind of
// defect that the default profile knows: world-writable directories and files
// (many alike, and one kept by the sticky bit), .htaccess files that a web
// server cannot read, private files and directories, setuid and setgid files,
// secrets in the open, a FIFO, and a directory that its owner cannot list with
// more inside. Around them is much that is right. Modes do not depend on the
// umask. Where the system has no such thing (Windows: modes, FIFOs, control
// characters in names), it is left out.
//
// The directory is made if need be and must be empty. What was written before
// an error stays: see RemoveSite.
func WriteSite(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("sample site: %w", err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		return fmt.Errorf("sample site: %q is not an empty directory", dir)
	}
	entries := siteEntries()
	for _, e := range entries {
		if err := e.create(dir); err != nil {
			return fmt.Errorf("sample site: %w", err)
		}
	}
	slices.Reverse(entries) // a directory may close itself to its owner: last
	for _, e := range entries {
		if e.link != "" || !e.possible() {
			continue
		}
		if err := os.Chmod(e.path(dir), fileMode(e.mode)); err != nil {
			return fmt.Errorf("sample site: %w", err)
		}
	}
	return os.Chmod(dir, 0o755)
}

func (e siteEntry) path(dir string) string {
	return filepath.Join(dir, filepath.FromSlash(e.name))
}

// possible reports whether the system can hold the entry.
func (e siteEntry) possible() bool {
	if runtime.GOOS != "windows" {
		return true
	}
	return !e.fifo && e.link == "" && !strings.ContainsFunc(e.name, func(r rune) bool { return r < ' ' })
}

func (e siteEntry) create(dir string) error {
	name := e.path(dir)
	switch {
	case !e.possible():
		return nil
	case strings.HasSuffix(e.name, "/"):
		return os.Mkdir(name, 0o700)
	case e.link != "":
		return os.Symlink(e.link, name)
	case e.fifo:
		return mkfifo(name)
	}
	return os.WriteFile(name, []byte(siteContent(e.name)), 0o600)
}

// siteContent gives a few words that fit a file's name. Nothing in it is real.
func siteContent(name string) string {
	base := path.Base(name)
	switch ext := path.Ext(base); {
	case base == ".env":
		return "APP_ENV=production\nDB_PASSWORD=not-a-real-password\n"
	case base == "wp-config.php":
		return "<?php\ndefine( 'DB_NAME', 'sample' );\ndefine( 'DB_PASSWORD', 'not-a-real-password' );\n"
	case base == ".htaccess":
		return "Options -Indexes\n"
	case base == ".htpasswd":
		return "editor:not-a-real-hash\n"
	case ext == ".php":
		return "<?php // " + base + " of the sample site\n"
	case ext == ".css" || ext == ".js":
		return "/* " + base + " of the sample site */\n"
	case ext == ".cgi":
		return "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nsample\\n'\n"
	}
	return base + " of the sample site\n"
}

// RemoveSite removes a directory tree, also one with directories that their
// owner cannot list or change. A tree that is not there is no error.
func RemoveSite(dir string) error {
	openUp(dir)
	return os.RemoveAll(dir)
}

// openUp lets the owner into dir and all directories below it. What cannot be
// opened shows when it is removed.
func openUp(dir string) {
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return
	}
	if os.Chmod(dir, 0o700) != nil {
		return
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range list {
		if e.IsDir() {
			openUp(filepath.Join(dir, e.Name()))
		}
	}
}
