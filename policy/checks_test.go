package policy

import "testing"

// TestSeverities pins how bad each kind of defect is, and which way it goes.
func TestSeverities(t *testing.T) {
	p := mustNew(t, Options{})
	tests := []struct {
		path     string
		kind     Kind
		mode     Mode
		rule     string
		severity Severity
		want     Mode
		change   Direction
	}{
		{"a", KindDir, 0o700, "dir-mode", Low, 0o755, Loosen},
		{"a", KindDir, 0o2775, "dir-mode", Medium, 0o2755, Tighten},
		{"a", KindDir, 0o770, "dir-mode", Medium, 0o755, Mixed},
		{"a", KindDir, 0o777, "dir-mode", Medium, 0o755, Tighten},
		{"a", KindDir, 0o777, "world-writable", Critical, 0o755, Tighten},
		{"a", KindDir, 0o1777, "world-writable", Medium, 0o1755, Tighten},
		{"a", KindFile, 0o600, "file-mode", Low, 0o644, Loosen},
		{"a", KindFile, 0o755, "file-mode", Low, 0o644, Tighten},
		{"a", KindFile, 0o664, "file-mode", Medium, 0o644, Tighten},
		{"a", KindFile, 0o660, "file-mode", Medium, 0o644, Mixed},
		{"a", KindFile, 0o1666, "world-writable", Critical, 0o1644, Tighten},
		{"a", KindSocket, 0o777, "world-writable", Critical, 0o777, None},
		{"a", KindSocket, 0o777, "special-file", Medium, 0o777, None},
		{"a", KindFile, 0o2644, "setid-file", High, 0o644, Tighten},
		{"a", KindFile, 0o6755, "setid-file", High, 0o644, Tighten},
		{".htaccess", KindFile, 0o640, "htaccess-unreadable", High, 0o644, Loosen},
		{".htaccess", KindFile, 0o660, "htaccess-unreadable", High, 0o644, Mixed},
		{"wp-config.php", KindFile, 0o644, "secret-exposed", Medium, 0o644, None},
		{"wp-config.php", KindFile, 0o664, "secret-exposed", Medium, 0o644, Tighten},
		{"wp-config.php", KindFile, 0o660, "file-mode", Medium, 0o640, Tighten},
		{".env", KindFile, 0o644, "secret-exposed", High, 0o644, None},
		{".env", KindFile, 0o700, "file-mode", Low, 0o600, Tighten},
		{".ssh/id_rsa", KindFile, 0o644, "secret-exposed", High, 0o644, None},
		{".ssh", KindDir, 0o777, "world-writable", Critical, 0o777, None},
		{"a", KindUnknown, 0o777, "mode-unknown", Medium, 0o777, None},
	}
	for _, tt := range tests {
		var seen bool
		for _, x := range p.Evaluate(nil, place{path: tt.path, above: 0o755}.file(tt.kind, tt.mode)) {
			if x.Rule.ID != tt.rule {
				continue
			}
			seen = true
			if x.Severity != tt.severity || x.Want != tt.want || x.Change != tt.change {
				t.Errorf("%s %v %v: %s is %v, %s to %v; want %v, %s to %v", tt.path, tt.kind, tt.mode, tt.rule,
					x.Severity, x.Change, x.Want, tt.severity, tt.change, tt.want)
			}
		}
		if !seen {
			t.Errorf("%s %v %v: no %s", tt.path, tt.kind, tt.mode, tt.rule)
		}
	}
}

// TestTightSecrets holds that a private secret is no finding.
func TestTightSecrets(t *testing.T) {
	p := mustNew(t, Options{})
	for _, name := range []string{"wp-config.php", ".env.production", "tls.key", ".htpasswd", "sites/x/settings.php", ".ssh/config"} {
		for _, mode := range []Mode{0o640, 0o440, 0o600, 0o400, 0} {
			if got := p.Evaluate(nil, place{path: name, above: 0o755}.file(KindFile, mode)); len(got) != 0 {
				t.Errorf("%s %v: found %v", name, mode, ids(got))
			}
		}
	}
	if got := p.Evaluate(nil, place{path: ".ssh"}.file(KindDir, 0o700)); len(got) != 0 {
		t.Errorf(".ssh 0700: found %v", ids(got))
	}
}

// TestBlocker names the topmost directory that the web server cannot search,
// and adds up with the file's own bits.
func TestBlocker(t *testing.T) {
	dir := func(parent *Dir, path string, mode Mode, known bool) *Dir {
		return &Dir{Parent: parent, Path: path, Mode: mode, ModeKnown: known}
	}
	open := dir(nil, ".", 0o755, true)
	tests := []struct {
		name    string
		dir     *Dir
		mode    Mode
		found   bool
		blocker string
		change  Direction
	}{
		{"all open", dir(open, "a", 0o711, true), 0o644, false, "", ""},
		{"the holding directory", dir(open, "a", 0o750, true), 0o644, true, "a", None},
		{"the topmost of two", dir(dir(dir(open, "a", 0o700, true), "a/b", 0o755, true), "a/b/c", 0o700, true), 0o644, true, "a", None},
		{"the root", dir(dir(nil, ".", 0o750, true), "a", 0o755, true), 0o644, true, ".", None},
		{"own bits too", dir(open, "a", 0o750, true), 0o600, true, "a", Loosen},
		{"a directory not known", dir(open, "a", 0, false), 0o644, false, "", ""},
	}
	for _, tt := range tests {
		p := mustNew(t, Options{Only: []string{"htaccess-unreadable"}})
		got := p.Evaluate(nil, &File{Dir: tt.dir, Name: []byte(".htaccess"), Kind: KindFile, Mode: tt.mode, ModeKnown: true})
		if len(got) > 0 != tt.found {
			t.Errorf("%s: %d findings", tt.name, len(got))
		} else if tt.found && (got[0].Blocker != tt.blocker || got[0].Change != tt.change) {
			t.Errorf("%s: blocked by %q, %s", tt.name, got[0].Blocker, got[0].Change)
		}
	}
}

func TestOwnerNotKnown(t *testing.T) {
	p := mustNew(t, Options{WebServer: &Identity{UID: 1001}, Only: []string{"htaccess-unreadable"}})
	f := place{path: ".htaccess"}.file(KindFile, 0o604)
	f.Dir = nil
	if got := p.Evaluate(nil, f); len(got) != 0 {
		t.Error("the owner cannot read 0604")
	}
	f.Mode = 0o600
	if f.OwnerKnown = false; len(p.Evaluate(nil, f)) != 1 {
		t.Error("an entry whose owner is not known is taken for the server's own")
	}
}

func TestPathHelpers(t *testing.T) {
	for path, want := range map[string]bool{
		".ssh": true, "a/.ssh": true, ".ssh/b": true, "/home/u/.ssh": true, "a/.ssh/b": true,
		"x.ssh": false, ".sshd": false, "a.ssh/b.ssh": false, "": false, "..ssh/.ssh": true, "ssh": false,
	} {
		if got := HasSSHDir(path); got != want {
			t.Errorf("HasSSHDir(%q) = %v", path, got)
		}
	}
}

func TestModeAndKindRoundTrip(t *testing.T) {
	for m := range AllBits + 1 {
		if got, err := ParseMode(m.String()); err != nil || got != m {
			t.Fatalf("%v comes back as %v, %v", m, got, err)
		}
	}
	for _, bad := range []string{"", "8", "10000", "+644", "0o644", "-1", "00644"} {
		if got, err := ParseMode(bad); err == nil {
			t.Errorf("ParseMode(%q) = %v", bad, got)
		}
	}
	for k := range kindLetters {
		if got, err := ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%v comes back as %v, %v", k, got, err)
		}
	}
	for s := Low; s <= Critical; s++ {
		if got, err := ParseSeverity(s.String()); err != nil || got != s {
			t.Errorf("%v comes back as %v, %v", s, got, err)
		}
	}
}
