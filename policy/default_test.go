package policy

import (
	"strings"
	"testing"
)

// The default profile was a part of the program before it was a file. What
// follows is that part, to hold the file to it.
func formerMode(f *File) (Finding, bool) {
	expect := Mode(0o644)
	if f.Kind == KindDir {
		expect = 0o755
	}
	extra, missing := f.Mode&PermBits&^expect, expect&^f.Mode
	if extra|missing == 0 {
		return Finding{}, false
	}
	if missing != 0 && f.secrecy() != notSecret {
		missing = 0
	}
	if extra|missing == 0 {
		return Finding{}, false
	}
	found := Finding{Severity: Low, Clear: extra, Set: missing}
	if extra&0o222 != 0 {
		found.Severity = Medium
	}
	switch {
	case extra&0o002 != 0:
		found.Detail = "others can write to it"
	case extra&0o020 != 0:
		found.Detail = "its group can write to it"
	case extra != 0 && missing != 0:
		found.Detail = "it has execute bits, and lacks others that it should have"
	case extra != 0:
		found.Detail = "it has execute bits, which only commands and CGI scripts need"
	case f.Kind == KindDir:
		found.Detail = "it is tighter than 0755, so visitors may get 403 Forbidden for what is in it"
	default:
		found.Detail = "it is tighter than 0644, so visitors may get 403 Forbidden"
	}
	return found, true
}

// TestDefaultIsWhatItWas compares all modes, both kinds that have an expected
// mode, every kind of name, and the web root itself.
func TestDefaultIsWhatItWas(t *testing.T) {
	p := mustNew(t, Options{})
	compared := 0
	for _, where := range append(places(), place{path: "."}) {
		for _, kind := range []Kind{KindFile, KindDir} {
			f := where.file(kind, 0)
			if where.path == "." {
				f.Dir = nil
			}
			check := checkFileMode
			if kind == KindDir {
				check = checkDirMode
			}
			for f.Mode = range AllBits + 1 {
				got, ok := check(p, f)
				want, found := formerMode(f)
				if ok != found || got != want {
					t.Fatalf("%s %v %v: got %+v, want %+v", where.path, kind, f.Mode, got, want)
				}
				compared++
			}
		}
	}
	if compared < 40*2*4096 {
		t.Errorf("only %d entries compared", compared)
	}
}

// TestProfilesAreFiles holds that each built-in profile is a policy file that
// stands by itself, keeps to its layer, and survives printing.
func TestProfilesAreFiles(t *testing.T) {
	for _, name := range Profiles() {
		text, err := ProfileText(name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := ParseDocument(name, text)
		if err != nil {
			t.Fatal(err)
		}
		if doc.Description == "" || doc.Layer == LayerFile || (name == DefaultProfile) != (doc.Layer == LayerBase) {
			t.Errorf("%s: %q, layer %q", name, doc.Description, doc.Layer)
		}
		if !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s does not begin with what it is", name)
		}
		for _, e := range doc.Expect {
			if doc.Layer == LayerHost && e.Role == "" && (e.Files != nil || e.Dirs != nil) && !hostPath(e) {
				t.Errorf("%s: a host speaks of the modes of %v, which are an application's", e.Pos, globs(e.Patterns))
			}
		}
		mustNew(t, Options{Profile: name})
	}
}

// hostPath reports whether a line is about what a host lays out itself.
func hostPath(e *Expectation) bool {
	for _, p := range e.Patterns {
		if p.Glob != "." && !strings.HasPrefix(p.Glob, "cgi-bin/") {
			return false
		}
	}
	return true
}
