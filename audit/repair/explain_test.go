package repair

import (
	"errors"
	"strings"
	"testing"

	"hostperm/remote"
)

func TestErrorText(t *testing.T) {
	long := errors.New(strings.Repeat("ä", 10000))
	if got := errorText(long); len(got) > 410 || !strings.HasSuffix(got, "ä...") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	if got := errorText(remote.WithHint(errors.New("no"), "try")); got != "no (try)" {
		t.Errorf("%q", got)
	}
	if got := errorText(nil); got == "" {
		t.Error("no reason at all")
	}
}
