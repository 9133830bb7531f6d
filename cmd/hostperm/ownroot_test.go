package main

import (
	"strings"
	"testing"

	"hostperm/remote"
	"hostperm/remote/fastlane"
)

func TestNotTheAccounts(t *testing.T) {
	owned := func(uid uint32) remote.Attr { return remote.Attr{Flags: fastlane.AttrUIDGID, UID: uid} }
	for _, test := range []struct {
		user       string
		home, root remote.Attr
		says       string // "": nothing
	}{
		{"root", owned(0), owned(1001), "belongs to uid 1001, and this account is uid 0"},
		{"root", owned(0), owned(0), ""},
		{"deploy", owned(1001), owned(1001), ""},
		{"deploy", owned(1001), owned(33), "belongs to uid 33, and this account is uid 1001"},
		{"deploy", owned(1001), owned(0), "belongs to uid 0"},
		{"deploy", owned(0), owned(1001), ""}, // in a chroot
		{"deploy", remote.Attr{}, owned(33), ""},
		{"deploy", owned(1001), remote.Attr{UID: 33}, ""},
	} {
		got := notTheAccounts(test.user, test.home, test.root)
		if (got == "") != (test.says == "") || !strings.Contains(got, test.says) {
			t.Errorf("%+v: %q", test, got)
		}
	}
}
