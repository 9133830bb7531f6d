//go:build linux

package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hostperm/remote/remotetest/realserver"
)

// wwwData is the user that Debian's web servers run as, and PHP in them.
const wwwData = 33

// copyTree copies a tree with its modes. Symlinks are left out: what Debian puts
// elsewhere is put back by the tests, as upstream has it.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-R", "--preserve=mode", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	if out, err := exec.Command("find", to, "-type", "l", "-delete").CombinedOutput(); err != nil {
		t.Fatalf("find: %v\n%s", err, out)
	}
}

// give has an entry belong to the web server's user or group, as the documents
// ask for. Without the rights to do so everything stays the account's, as it is
// where PHP runs as the account.
func (a account) give(t *testing.T, path string, mode uint32, uid int) {
	t.Helper()
	if os.Geteuid() == 0 {
		if err := os.Lchown(path, uid, wwwData); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, fs.FileMode(mode)); err != nil {
		t.Fatal(err)
	}
}

// webUser is the flag that says who serves the files.
func (a account) webUser(t *testing.T) string {
	if os.Geteuid() == 0 {
		return "33:33"
	}
	return strconv.Itoa(a.UID)
}

func makeDirs(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.MkdirAll(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// layOutWordPress lays WordPress out as its handbook does: one directory, with
// wp-config.php for the web server's group and nobody else, and uploads that the
// web server writes.
func (a account) layOutWordPress(t *testing.T, root string) {
	copyTree(t, realserver.WordPress(t), root)
	config, uploads := filepath.Join(root, "wp-config.php"), filepath.Join(root, "wp-content/uploads")
	makeDirs(t, uploads)
	a.Chown(t, root)
	a.give(t, config, 0o640, a.UID)
	a.give(t, uploads, 0o755, wwwData)
}

// layOutMediaWiki does the same for MediaWiki, of which Debian splits off the
// extensions, and what it writes.
func (a account) layOutMediaWiki(t *testing.T, root string) {
	copyTree(t, filepath.Join(realserver.MediaWiki(t), "usr/share/mediawiki"), root)
	if err := os.Rename(filepath.Join(root, "extensions-core"), filepath.Join(root, "extensions")); err != nil {
		t.Fatal(err)
	}
	images, cache, settings := filepath.Join(root, "images"), filepath.Join(root, "cache"), filepath.Join(root, "LocalSettings.php")
	makeDirs(t, images, cache)
	if err := os.WriteFile(settings, []byte("<?php\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	a.Chown(t, root)
	a.give(t, settings, 0o640, a.UID)
	a.give(t, images, 0o755, wwwData)
	a.give(t, cache, 0o755, wwwData)
}

// TestDebianPackages has Debian's wordpress and mediawiki recognised, and clean
// with the modes of their documents.
func TestDebianPackages(t *testing.T) {
	for name, layOut := range map[string]func(account, *testing.T, string){"wordpress": account.layOutWordPress, "mediawiki": account.layOutMediaWiki} {
		t.Run(name, func(t *testing.T) {
			a := account{realserver.OpenSSH(t, realserver.Options{}), t.TempDir()}
			root := filepath.Join(a.HomeDir, "site")
			layOut(a, t, root)
			status, out, stderr := a.run(t, "audit", "--format", "jsonl", "--web-user", a.webUser(t), a.target(root))
			if status != exitClean || strings.Contains(out, `"type":"finding"`) {
				t.Errorf("exit status %d\n%.2000s\n%s", status, out, stderr)
			}
			want := []string{name}
			if os.Geteuid() == 0 {
				want = append(want, "mod-php")
			}
			if got := recognisedIn(t, out); !slices.Equal(got, want) {
				t.Errorf("recognised %q, want %q", got, want)
			}
		})
	}
}

// TestDebianMediaWikiSplit audits MediaWiki as Debian itself lays it out, split
// over directories that symlinks join: it is recognised, and clean with root as
// the owner. With another, the symlinks are found, and nothing else.
func TestDebianMediaWikiSplit(t *testing.T) {
	tree := realserver.MediaWiki(t)
	a := account{realserver.OpenSSH(t, realserver.Options{}), t.TempDir()}
	if out, err := exec.Command("cp", "-R", "--preserve=mode,links", "--no-dereference", tree, filepath.Join(a.HomeDir, "deb")).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	top := filepath.Join(a.HomeDir, "deb")
	root := filepath.Join(top, "var/lib/mediawiki")
	outside := 0
	if err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		to, err := os.Readlink(p)
		if err != nil || !filepath.IsAbs(to) {
			return err
		}
		if strings.HasPrefix(p, root) {
			outside++
		}
		if err := os.Remove(p); err != nil {
			return err
		}
		return os.Symlink(filepath.Join(top, to), p)
	}); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(top, "etc/mediawiki/LocalSettings.php")
	if err := os.WriteFile(settings, []byte("<?php\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // everything is root's so far
		a.give(t, settings, 0o640, 0)
		for _, name := range []string{"images", "cache"} {
			a.give(t, filepath.Join(root, name), 0o755, wwwData)
		}
		status, out, stderr := a.run(t, "audit", "--format", "jsonl", "--web-user", "33:33", a.target(root))
		if status != exitClean || strings.Contains(out, `"type":"finding"`) {
			t.Errorf("exit status %d\n%.2000s\n%s", status, out, stderr)
		}
		if got := recognisedIn(t, out); !slices.Equal(got, []string{"mediawiki", "mod-php"}) {
			t.Errorf("recognised %q", got)
		}
	}
	a.Chown(t, top)
	status, out, stderr := a.run(t, "audit", "--format", "jsonl", "--web-user", a.webUser(t), a.target(root))
	if status != exitFindings {
		t.Fatalf("exit status %d\n%s", status, stderr)
	}
	if got := recognisedIn(t, out); !slices.Equal(got, []string{"mediawiki"}) {
		t.Errorf("recognised %q", got)
	}
	s := readScan(t, out)
	if n := len(s.findings["symlink-escape"]); n != outside || outside < 40 || len(s.findings) != 1 {
		t.Errorf("%d symlinks lead out of %d, findings of %d rules", n, outside, len(s.findings))
	}
}

// recognisedIn gives the profiles that a report says were recognised.
func recognisedIn(t *testing.T, report string) []string {
	t.Helper()
	var start struct {
		Recognised []struct{ Profile string }
	}
	first, _, _ := strings.Cut(report, "\n")
	if err := json.Unmarshal([]byte(first), &start); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range start.Recognised {
		names = append(names, r.Profile)
	}
	return names
}
