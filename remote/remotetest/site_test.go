package remotetest

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestSite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	if err := WriteSite(dir); err != nil {
		t.Fatal(err)
	}
	want := map[string]uint32{}
	for _, e := range siteEntries() {
		if e.possible() {
			want[strings.TrimSuffix(e.name, "/")] = e.mode
			if e.link != "" {
				want[e.name] = 0o777
			}
		}
	}
	if len(want) < 60 || len(want) > 120 {
		t.Errorf("the site has %d entries, want 60 to 120", len(want))
	}
	for name, mode := range want {
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
			continue
		}
		isLink := info.Mode()&fs.ModeSymlink != 0
		if runtime.GOOS != "windows" && !isLink && info.Mode()&^fs.ModeType != fileMode(mode) {
			t.Errorf("%s has mode %v, want %04o", name, info.Mode(), mode)
		}
	}
	if err := WriteSite(dir); err == nil {
		t.Error("a site was written over another")
	}
	if err := RemoveSite(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
	if err := RemoveSite(dir); err != nil {
		t.Errorf("remove what is not there: %v", err)
	}
}

func TestRemoveSiteFollowsNoSymlink(t *testing.T) {
	outside := t.TempDir()
	writeFile(t, filepath.Join(outside, "keep"), 0o644)
	dir := filepath.Join(t.TempDir(), "site")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	before, err := os.Stat(outside)
	if err != nil {
		t.Fatal(err)
	}
	if err := RemoveSite(dir); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(filepath.Join(outside, "keep"))
	if err != nil || after == nil {
		t.Fatalf("what a symlink led to is gone: %v", err)
	}
	if now, err := os.Stat(outside); err != nil || now.Mode() != before.Mode() {
		t.Errorf("what a symlink led to was changed: %v, %v", now.Mode(), err)
	}
}
