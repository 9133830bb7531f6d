package remote

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

const samplePasswd = `root:x:0:0:root:/root:/bin/bash
# a comment

www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
toor:x:0:0::/root:/bin/sh
www-data:x:99:99:a second of the name:/:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
shop:x:1001:1001:Shop, "the" one:/home/shop:/bin/bash
few:x:1:1
many:x:1:1::/:/bin/sh:more
negative:x:-1:1::/:/bin/sh
signed:x:+1:1::/:/bin/sh
hex:x:0x1:1::/:/bin/sh
large:x:4294967296:1::/:/bin/sh
last:x:4294967295:1::/:/bin/sh
:x:1:1::/:/bin/sh
esc` + "\x1b" + `:x:1:1::/:/bin/sh
latin` + "\xe9" + `:x:1:1::/:/bin/sh
empty:x:::::
no newline:x:7:7::/:`

const sampleGroup = `root:x:0:
www-data:x:33:
shop:x:1001:www-data,nobody
media:x:1002:www-data, shop,,www-data
again:x:1001:late
bad:x:abc:www-data
three:x:9
`

func TestParseIdentities(t *testing.T) {
	ids := ParseIdentities([]byte(samplePasswd), []byte(sampleGroup))
	want := []User{{"root", 0, 0}, {"www-data", 33, 33}, {"toor", 0, 0}, {"nobody", 65534, 65534}, {"shop", 1001, 1001}, {"no newline", 7, 7}}
	if !slices.Equal(ids.Users, want) {
		t.Errorf("users %v", ids.Users)
	}
	if ids.Skipped != 13 || ids.Partial {
		t.Errorf("%d lines skipped, partial: %v", ids.Skipped, ids.Partial)
	}
	for name, want := range map[string][]uint32{"www-data": {33, 1001, 1002}, "nobody": {65534, 1001}, "shop": {1001, 1002}, "root": {0}} {
		u, ok := ids.User(name)
		if got := ids.GIDs(u); !ok || !slices.Equal(got, want) {
			t.Errorf("%s: %v, groups %v, want %v", name, ok, got, want)
		}
	}
	if got := ids.GIDs(User{Name: "late", GID: 5}); !slices.Equal(got, []uint32{5, 1001}) {
		t.Errorf("late has %v: each line of a group counts", got)
	}
	if ids.UserName(0) != "root" || ids.UserName(99) != "" || ids.GroupName(1001) != "shop" || ids.GroupName(9) != "" {
		t.Error("a number has another name than its first")
	}
	if _, ok := ids.User("negative"); ok {
		t.Error("a uid of -1 was taken")
	}
	if got := ids.WebUsers(); !slices.Equal(got, []User{{"www-data", 33, 33}, {"nobody", 65534, 65534}}) {
		t.Errorf("web users %v", got)
	}
	for _, nis := range []string{"+::::::\n", "+@admins::::::\n", "-bad::::::\n"} {
		if !ParseIdentities([]byte(samplePasswd+"\n"+nis), nil).Partial || !ParseIdentities(nil, []byte(nis)).Partial {
			t.Errorf("%q says that there are more", nis)
		}
	}
	long := "a:x:1:1:" + strings.Repeat("g", maxIdentityLine) + ":/:\n" + strings.Repeat("n", 257) + ":x:1:1::/:\n"
	if ids := ParseIdentities([]byte(long), nil); ids.Skipped != 2 || len(ids.Users) != 0 {
		t.Errorf("of lines too long, %d were skipped", ids.Skipped)
	}
}

// FuzzIdentities: whatever a server sends, what comes of it can be relied on.
func FuzzIdentities(f *testing.F) {
	f.Add([]byte(samplePasswd), []byte(sampleGroup))
	f.Add([]byte("+::::::\n-\n:\n::::::\n\x00\n"), []byte("\xff:::\n,:,:1:,\n"))
	f.Add([]byte("a:x:1:1::/:\r\n\n\n"), []byte("a:x:1:a,a,a\r\n"))
	f.Fuzz(func(t *testing.T, passwd, group []byte) {
		ids := ParseIdentities(passwd, group)
		lines := strings.Count(string(passwd), "\n") + strings.Count(string(group), "\n") + 2
		if len(ids.Users)+len(ids.Groups)+ids.Skipped > lines {
			t.Fatalf("%d users, %d groups and %d skipped of %d lines", len(ids.Users), len(ids.Groups), ids.Skipped, lines)
		}
		var again strings.Builder
		for _, u := range ids.Users {
			if found, ok := ids.User(u.Name); !ok || found != u || !utf8.ValidString(u.Name) || strings.ContainsAny(u.Name, "\n:\x1b\x00") {
				t.Fatalf("%+v, by its name %+v", u, found)
			}
			if gids := ids.GIDs(u); gids[0] != u.GID || len(slices.Compact(slices.Sorted(slices.Values(gids)))) != len(gids) {
				t.Fatalf("%+v has groups %v", u, gids)
			}
			fmt.Fprintf(&again, "%s:x:%d:%d::/:\n", u.Name, u.UID, u.GID)
		}
		if back := ParseIdentities([]byte(again.String()), nil); !slices.Equal(back.Users, ids.Users) {
			t.Fatalf("%v came back as %v", ids.Users, back.Users)
		}
	})
}

// TestIdentitiesAsID compares with what id(1) says on the machine of the test,
// as far as its accounts are those of its files.
func TestIdentitiesAsID(t *testing.T) {
	passwd, err := os.ReadFile("/etc/passwd")
	group, err2 := os.ReadFile("/etc/group")
	if err != nil || err2 != nil {
		t.Skipf("skipped: %v, %v", err, err2)
	}
	ids := ParseIdentities(passwd, group)
	compared := 0
	for _, u := range ids.Users[:min(len(ids.Users), 40)] {
		out, err := exec.Command("id", "-G", "--", u.Name).Output()
		if err != nil {
			continue // no such program, or it does not know the account
		}
		var want []uint32
		for f := range strings.FieldsSeq(string(out)) {
			n, _ := strconv.ParseUint(f, 10, 32)
			want = append(want, uint32(n))
		}
		compared++
		if got := ids.GIDs(u); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("%s has groups %v, id says %v", u.Name, got, want)
		}
	}
	if compared == 0 {
		t.Skip("skipped: id tells of no account")
	}
}
