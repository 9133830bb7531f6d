package fastlane

import (
	"fmt"
	"strings"
	"testing"
)

func TestLinksOf(t *testing.T) {
	const rest = " www      www          1234 Jan  1 00:00 index.php"
	tests := []struct {
		mode     uint32
		longname string
		want     uint32
	}{
		{0o644, "-rw-r--r--    1" + rest, 1},
		{0o644, "-rw-r--r--    2" + rest, 2},
		{0o644, "-rw-r--r-- 65000" + rest, 65000},
		{0o644, "-rw-r--r-- 4294967295" + rest, 4294967295},
		{0, "----------    3" + rest, 3},
		{0o7777, "-rwsrwsrwt    4" + rest, 4},
		{0o7666, "-rwSrwSrwT    5" + rest, 5},
		{0o4755, "-rwsr-xr-x    6" + rest, 6},
		{0o2644, "-rw-r-Sr--    7" + rest, 7},

		// What is no such line, or not of this entry, tells nothing.
		{0o644, "", 0},
		{0o644, "-rw-r--r--", 0},
		{0o644, "-rw-r--r--    2", 0},
		{0o644, "-rw-r--r--2" + rest, 0},
		{0o644, "-rw-r--r--+   2" + rest, 0},
		{0o644, "-rw-r--r--\t  2" + rest, 0},
		{0o644, "-rw-r--r--    ?" + rest, 0},
		{0o644, "-rw-r--r--     " + rest, 0},
		{0o644, "-rw-r--r--    -2" + rest, 0},
		{0o644, "-rw-r--r--    2x" + rest, 0},
		{0o644, "-rw-r--r-- 4294967296" + rest, 0},
		{0o644, "-rw-r--r-- " + strings.Repeat("9", 40) + rest, 0},
		{0o644, "-rw-r--r--    0" + rest, 0},
		{0o644, "-rw-r-----    2" + rest, 0},
		{0o644, "drw-r--r--    2" + rest, 0},
		{0o4644, "-rw-r--r--    2" + rest, 0},
		{0o644, "index.php", 0},
	}
	for _, test := range tests {
		a := Attr{Flags: AttrPermissions, Mode: TypeRegular | test.mode}
		if got := linksOf([]byte(test.longname), &a); got != test.want {
			t.Errorf("%04o, %q: %d links, want %d", test.mode, test.longname, got, test.want)
		}
	}
}

// TestNamesLinks has the count come along with regular files, and with nothing
// else: that of a directory is another thing.
func TestNamesLinks(t *testing.T) {
	one := func(mode uint32, longname string) Attr {
		b := str(str(u32(nil, 1), "x"), longname)
		names, ok := parseNames(Attr{Flags: AttrPermissions, Mode: mode}.encode(b))
		if !ok || !names.Next() {
			t.Fatal("malformed")
		}
		return names.Attr
	}
	if a := one(TypeRegular|0o600, "-rw-------    2 a b 0 Jan 1 00:00 x"); a.Links != 2 {
		t.Errorf("a file: %+v", a)
	}
	if a := one(TypeDir|0o600, "-rw-------    2 a b 0 Jan 1 00:00 x"); a.Links != 0 {
		t.Errorf("a directory: %+v", a)
	}
	// The next entry has its own.
	names, _ := parseNames(nameBody("a", "b"))
	for names.Next() {
		if names.Attr.Links != 1 {
			t.Errorf("%s: %+v", names.Name, names.Attr)
		}
	}
}

// FuzzLinks: what is read is what ls -l prints, and nothing else is read.
func FuzzLinks(f *testing.F) {
	f.Add([]byte("-rw-r--r--    2 www www 0 Jan  1 00:00 x"), uint32(0o644))
	f.Add([]byte("-rwsrwsrwt 12 "), uint32(0o7777))
	f.Fuzz(func(t *testing.T, longname []byte, mode uint32) {
		a := Attr{Flags: AttrPermissions, Mode: TypeRegular | mode&0o7777}
		n := linksOf(longname, &a)
		if n == 0 {
			return
		}
		text := modeText(a.Mode)
		before, _, ok := strings.Cut(strings.TrimPrefix(string(longname), string(text[:])), fmt.Sprint(n)+" ")
		if !ok || !strings.HasPrefix(string(longname), string(text[:])) || strings.Trim(before, " 0") != "" {
			t.Fatalf("%q was read as %d links", longname, n)
		}
	})
}
