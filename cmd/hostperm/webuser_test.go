package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// FuzzWebUser reads --web-user: what is accepted says the same when it is
// written anew, and what is not is wrong usage.
func FuzzWebUser(f *testing.F) {
	for _, s := range []string{"", "33", "33:33,44", "33:", ":", "-1", "4294967296", "1,2", "\x1b:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := parseWebUser(s)
		var exit exitError
		switch {
		case err != nil && (!errors.As(err, &exit) || exit.code != exitUsage):
			t.Fatalf("%q: %v", s, err)
		case err != nil || id == nil:
			return
		}
		again := fmt.Sprint(id.UID)
		for i, gid := range id.GIDs {
			again += []string{":", ","}[min(i, 1)] + fmt.Sprint(gid)
		}
		same, err := parseWebUser(again)
		if err != nil || fmt.Sprint(same) != fmt.Sprint(id) || strings.Count(s, ",") != strings.Count(again, ",") {
			t.Fatalf("%q is %v, and %q is %v, %v", s, id, again, same, err)
		}
	})
}
