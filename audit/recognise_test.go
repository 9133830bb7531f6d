package audit

import (
	"context"
	"errors"
	"slices"
	"testing"

	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/fastlane"
)

// fakeLooker answers for some paths, and counts how often it is asked.
type fakeLooker struct {
	there map[string]remote.Attr
	err   error
	asked [][]string
}

func (l *fakeLooker) Lstat(_ context.Context, _ string, paths []string, each func(int, remote.Attr, error)) error {
	l.asked = append(l.asked, paths)
	for i, p := range paths {
		a, ok := l.there[p]
		var err error
		if !ok {
			err = []error{remote.ErrNotExist, remote.ErrPermission, errors.New("odd")}[i%3]
		}
		each(i, a, err)
	}
	return l.err
}

func attrOf(mode, uid uint32) remote.Attr {
	return remote.Attr{Flags: fastlane.AttrPermissions | fastlane.AttrUIDGID, Mode: mode, UID: uid, GID: uid}
}

// TestRecogniseAsksOnce holds that recognising takes one flush of a handful of
// packets, and that what is not seen is not there.
func TestRecogniseAsksOnce(t *testing.T) {
	l := &fakeLooker{there: map[string]remote.Attr{"wp-includes/version.php": attrOf(fastlane.TypeRegular|0o644, 1001),
		"wp-content/uploads": attrOf(fastlane.TypeDir|0o755, 33)}}
	found, note, err := Recognise(t.Context(), l, "/srv/site", attrOf(fastlane.TypeDir|0o755, 1001), nil)
	want := []policy.Recognition{{Profile: "wordpress", Reason: "wp-includes/version.php is there"},
		{Profile: "mod-php", Reason: "wp-content/uploads belongs to 33 and the web root to 1001, so PHP runs as another user"}}
	if err != nil || note != "" || !slices.Equal(found, want) {
		t.Errorf("got %+v, %q, %v", found, note, err)
	}
	if len(l.asked) != 1 || len(l.asked[0]) > 30 {
		t.Errorf("asked %d times: %v", len(l.asked), l.asked)
	}
	l = &fakeLooker{}
	if found, note, err := Recognise(t.Context(), l, "/", remote.Attr{}, nil); len(found) > 0 || note != "" || err != nil {
		t.Errorf("got %v, %q, %v of nothing", found, note, err)
	}
	l.err = remote.ErrDisconnected
	if _, _, err := Recognise(t.Context(), l, "/", remote.Attr{}, nil); !errors.Is(err, remote.ErrDisconnected) {
		t.Errorf("got %v", err)
	}
}

// TestIgnoredIsCounted holds that an audit counts what the policy ignores, also
// across a merge, and that the protocol carries it.
func TestIgnoredIsCounted(t *testing.T) {
	p := newPolicy(t, policy.Options{File: "f", Open: func(string) ([]byte, error) {
		return []byte("extends: [default]\nignore: [{path: '**', reason: all}, {path: '.', reason: root}]"), nil
	}})
	r, err := Run(t.Context(), site(), "/r", p, Options{})
	if err != nil || len(r.Findings) != 0 || r.Ignored == 0 {
		t.Fatalf("%d findings, %d ignored, %v", len(r.Findings), r.Ignored, err)
	}
	plain, err := Run(t.Context(), site(), "/r", newPolicy(t, policy.Options{}), Options{})
	if err != nil || int64(len(plain.Findings)) != r.Ignored {
		t.Errorf("%d ignored of %d findings", r.Ignored, len(plain.Findings))
	}
	merged := *r
	merged.Merge(&Result{from: []string{"x"}, Ignored: 2})
	if merged.Ignored != r.Ignored+2 {
		t.Errorf("%d ignored after a merge", merged.Ignored)
	}
	for _, m := range []Message{Summary{Ignored: 3, Changes: map[Status]int{}},
		Start{Protocol: ProtocolVersion, Profile: "default+wordpress", Recognised: []policy.Recognition{{Profile: "wordpress", Reason: "it \x1b is"}}}} {
		line, err := EncodeMessage(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeMessage(line)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		again, err := EncodeMessage(got)
		if err != nil || string(again) != string(line) {
			t.Errorf("%s comes back as %s, %v", line, again, err)
		}
	}
	if _, err := DecodeMessage([]byte(`{"type":"summary","dirs":0,"files":0,"symlinks":0,"other":0,"findings":{},"gaps":0,"changes":{},"complete":true,"seconds":0,"ignored":-1}`)); err == nil {
		t.Error("a negative count is taken")
	}
}
