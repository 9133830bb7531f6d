package policy_test

import (
	"testing"

	"hostperm/policy"
)

func TestMay(t *testing.T) {
	web := &policy.Identity{UID: 33, GIDs: []uint32{33, 50}}
	root := &policy.Identity{UID: 0}
	for _, test := range []struct {
		id       *policy.Identity
		want     policy.Mode
		mode     policy.Mode
		uid, gid uint32
		may      bool
	}{
		{web, policy.MayRead, 0o400, 33, 0, true},
		{web, policy.MayRead, 0o044, 33, 33, false}, // its own, and not helped by the others
		{web, policy.MayRead, 0o040, 1, 33, true},
		{web, policy.MayRead, 0o040, 1, 50, true},
		{web, policy.MayRead, 0o404, 1, 50, false},
		{web, policy.MayRead, 0o004, 1, 1, true},
		{web, policy.MayRead, 0o770, 1, 1, false},
		{web, policy.MayRead | policy.MaySearch, 0o004, 1, 1, false},
		{web, policy.MayWrite | policy.MaySearch, 0o003, 1, 1, true},
		{nil, policy.MayRead, 0o004, 33, 33, true},
		{nil, policy.MayRead, 0o770, 0, 0, false},
		{root, policy.MayWrite, 0, 1, 1, true},
	} {
		if got := test.id.May(test.want, test.mode, test.uid, test.gid); got != test.may {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

// TestReachUnknown has servers that leave something out: nothing is guessed, and
// what is sure all the same is said.
func TestReachUnknown(t *testing.T) {
	web := &policy.Identity{UID: 33, GIDs: []uint32{33}}
	known := func(mode policy.Mode) *policy.Dir {
		return &policy.Dir{Mode: mode, ModeKnown: true, UID: 1, GID: 1, OwnerKnown: true}
	}
	file := func(mode policy.Mode) *policy.File {
		return &policy.File{Name: []byte("f"), Kind: policy.KindFile, Mode: mode, ModeKnown: true, UID: 1, GID: 1, OwnerKnown: true}
	}
	noMode, noOwner, even := known(0), known(0o750), known(0o555)
	noMode.ModeKnown, noOwner.OwnerKnown, even.OwnerKnown = false, false, false
	dark, link, nobody := file(0), file(0), file(0o640)
	dark.ModeKnown, link.Kind, nobody.OwnerKnown = false, policy.KindSymlink, false
	shut := known(0o750)
	for name, test := range map[string]struct {
		id   *policy.Identity
		dirs []*policy.Dir
		f    *policy.File
		want policy.Reach
	}{
		"plain":                      {web, []*policy.Dir{known(0o755)}, file(0o644), policy.Readable},
		"its own bits":               {web, []*policy.Dir{known(0o755)}, file(0o640), policy.Unreadable},
		"blocked":                    {web, []*policy.Dir{known(0o755), shut, known(0)}, file(0), policy.Unreachable},
		"mode not known":             {web, []*policy.Dir{known(0o755)}, dark, policy.ReachUnknown},
		"owner not known":            {web, nil, nobody, policy.ReachUnknown},
		"owner not known, for any":   {nil, nil, nobody, policy.Unreadable},
		"directory's mode not known": {web, []*policy.Dir{noMode}, file(0o644), policy.ReachUnknown},
		"and its own bits":           {web, []*policy.Dir{noMode}, file(0o640), policy.Unreadable},
		"and blocked below":          {web, []*policy.Dir{noMode, shut}, file(0o644), policy.Unreachable},
		"directory's owner":          {web, []*policy.Dir{noOwner}, file(0o644), policy.ReachUnknown},
		"all classes agree":          {web, []*policy.Dir{even}, file(0o644), policy.Readable},
		"root":                       {&policy.Identity{}, []*policy.Dir{noMode, shut}, dark, policy.Readable},
		"symlink":                    {web, nil, link, policy.ReachUnknown},
		"symlink behind a block":     {web, []*policy.Dir{shut}, link, policy.Unreachable},
	} {
		var w policy.Way
		for _, d := range test.dirs {
			w = test.id.Down(w, d)
		}
		if got := test.id.Reach(w, test.f); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
		if test.want == policy.Unreachable && w.Blocker != shut {
			t.Errorf("%s: blocked by %+v, and not by the topmost", name, w.Blocker)
		}
	}
}

func TestForbidsAll(t *testing.T) {
	web := &policy.Identity{UID: 33, GIDs: []uint32{33}}
	f := policy.File{Name: []byte(".htaccess"), Kind: policy.KindFile, Mode: 0o640, ModeKnown: true, UID: 1, GID: 1, OwnerKnown: true}
	readable, folder, other, link, dark := f, f, f, f, f
	readable.Mode, folder.Kind, other.Name, link.Kind, dark.ModeKnown = 0o644, policy.KindDir, []byte("htaccess"), policy.KindSymlink, false
	if !web.ForbidsAll(&f) || !web.ForbidsAll(&folder) {
		t.Error("an .htaccess that cannot be read forbids nothing")
	}
	for _, f := range []policy.File{readable, other, link, dark} {
		if web.ForbidsAll(&f) {
			t.Errorf("%s, %v, %v forbids all", f.Name, f.Kind, f.Mode)
		}
	}
	w := policy.Way{Htaccess: &policy.Dir{}}
	if got := web.Reach(web.Down(w, &policy.Dir{Mode: 0o755, ModeKnown: true, OwnerKnown: true}), &readable); got != policy.Forbidden {
		t.Errorf("reach %d below an .htaccess that forbids all", got)
	}
}

func TestReachNoAllocation(t *testing.T) {
	web := &policy.Identity{UID: 33, GIDs: []uint32{33}}
	d := &policy.Dir{Mode: 0o750, ModeKnown: true, OwnerKnown: true}
	f := &policy.File{Name: []byte(".htaccess"), Kind: policy.KindFile, Mode: 0o640, ModeKnown: true, UID: 1, GID: 1, OwnerKnown: true}
	if n := testing.AllocsPerRun(100, func() {
		if web.Reach(web.Down(policy.Way{}, d), f) != policy.Unreachable || !web.ForbidsAll(f) {
			t.Fatal("wrong")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
