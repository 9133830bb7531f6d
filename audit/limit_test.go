package audit

import (
	"context"
	"errors"
	"strings"
	"testing"

	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/fastlane"
)

// inventor is a walk that never ends by itself: it shows ever new files, or
// gaps, until its context ends.
type inventor struct {
	name func(n int) string
	gap  bool
	n    int
}

func (i *inventor) Walk(ctx context.Context, _ string, v remote.Visitor, _ remote.WalkOptions) error {
	root := &remote.Dir{Path: ".", Attr: remote.Attr{Flags: everything, Mode: fastlane.TypeDir | 0o755}}
	v.Entry(nil, &remote.Entry{Name: []byte("."), Attr: root.Attr, Dir: root})
	for ; ctx.Err() == nil; i.n++ {
		if i.gap {
			v.Gap(i.name(i.n), errors.New("no"))
		} else {
			v.Entry(root, &remote.Entry{Name: []byte(i.name(i.n)), Attr: remote.Attr{Flags: everything, Mode: fastlane.TypeRegular | 0o664}})
		}
	}
	return ctx.Err()
}

// TestLimits has findings and gaps invented without end: the audit gives up at
// its limits, says so, and keeps no more than they allow.
func TestLimits(t *testing.T) {
	most := limits{findings: 50, findingsText: 5000, gaps: 40, gapsText: 4000}
	short := func(n int) string { return strings.Repeat("x", n%7) + "f" }
	long := func(int) string { return strings.Repeat("n", 1000) }
	for _, test := range []struct {
		name     string
		walk     *inventor
		findings int // at most
		gaps     int
		says     string
	}{
		{"findings", &inventor{name: short}, 50, 0, "more than 50 findings"},
		{"findings with long names", &inventor{name: long}, 5, 0, "of their names"},
		{"gaps", &inventor{name: short, gap: true}, 0, 40, "more than 40 places that could not be read"},
		{"gaps with long names", &inventor{name: long, gap: true}, 0, 4, "of their names"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := runLimited(t.Context(), test.walk, "/r", newPolicy(t, policy.Options{}), Options{}, most)
			if !errors.Is(err, ErrTooMuch) || !strings.Contains(err.Error(), test.says) || remote.Hint(err) == "" {
				t.Errorf("error %v, want %q with a hint", err, test.says)
			}
			if r.Complete || len(r.Findings) > test.findings || len(r.Gaps) > test.gaps || len(r.Findings)+len(r.Gaps) == 0 {
				t.Errorf("complete: %v, %d findings, %d gaps", r.Complete, len(r.Findings), len(r.Gaps))
			}
			if test.walk.n > 60 {
				t.Errorf("%d entries were taken", test.walk.n)
			}
		})
	}
}
