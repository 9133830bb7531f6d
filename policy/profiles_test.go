package policy

import (
	"slices"
	"strings"
	"testing"
)

// documented are modes that documents have, by profile: "d" or "f", path, modes.
// Sources stand in the profiles.
var documented = map[string]string{
	"default": `
		d . 0755
		d a/b 0755 2755
		f a/b.php 0644
		f .env 0600 0640 0400`,
	"wordpress": `
		d . 0755
		d wp-content 0755 0750
		d wp-content/uploads/2026 0755
		f wp-includes/version.php 0644 0640
		f custom/x.php 0644 0640
		f wp-config.php 0440 0400 0600 0640`,
	"drupal": `
		d sites/default 0755 0555
		f sites/default/settings.php 0440 0444
		d sites/default/files 0775 0770 2775
		f sites/default/files/a.png 0664
		d core/lib 0755 0750
		f core/lib/Drupal.php 0644 0640
		f vendor/bin/drush 0755`,
	"joomla": `
		f configuration.php 0444 0440 0400
		d administrator 0755
		f index.php 0644`,
	"magento": `
		d var 2775 2770 0775
		d pub/static/frontend 2775
		f generated/code/x.php 0664
		d app/etc 2775
		f app/etc/env.php 0660 0640
		f app/code/x.php 0664 0644
		d vendor/x 0775 0755
		f bin/magento 0755`,
	"laravel": `
		d storage/logs 0775 0755
		f storage/logs/laravel.log 0664
		d bootstrap/cache 0775
		f .env 0600 0640
		f artisan 0755
		d app 0755`,
	"mediawiki": `
		d . 0755
		d images 0700 0755 0775
		f images/a/ab/x.png 0644
		d cache 0700
		f LocalSettings.php 0640 0600
		f maintenance/dev/start.sh 0755
		f extensions/Scribunto/includes/engines/LuaStandalone/lua_ulimit.sh 0755
		d includes 0755 0750
		f includes/Defines.php 0644`,
	"mediawiki+mod-php": `
		d images 0700 0775
		f images/a/ab/x.png 0644 0664`,
	"nextcloud": `
		d data 0770 0750 0700
		d data/admin/files 0755
		f data/admin/files/x.txt 0644
		f config/config.php 0640 0600
		f occ 0755
		f lib/base.php 0644`,
	"static":        "d img 0755\nf index.html 0644 0444",
	"shared-suexec": "d . 0755 0750 0711\nf cgi-bin/x.cgi 0755 0750\nf x.php 0644",
	"cpanel":        "d . 0750 0755\nf cgi-bin/x.cgi 0755\nf x.php 0644",
	"plesk":         "d . 0750\nf x.php 0644",
	"mod-php":       "d . 0755\nf x.php 0644",
	"shared-group":  "d a 2775 0755\nf a/x.php 0664 0644\nf .env 0640 0660",
	"wordpress+cpanel": `
		d . 0750
		d wp-content/uploads 0755 0750
		f wp-content/uploads/a.png 0644
		f wp-config.php 0440 0400 0600 0640`,
	"wordpress+mod-php": `
		d . 0755
		d wp-content/uploads 0775 2775 0755
		f wp-content/uploads/a.png 0664 0644
		f wp-config.php 0640`,
	"magento+mod-php": `
		d var/cache 2775 0775
		f app/etc/env.php 0660 0640`,
}

// eachDocumented calls yield for every documented mode.
func eachDocumented(t *testing.T, yield func(profile string, p *Policy, path string, kind Kind, mode Mode)) {
	t.Helper()
	for profile, table := range documented {
		p := mustNew(t, Options{Profile: profile})
		for line := range strings.Lines(table) {
			words := strings.Fields(line)
			if len(words) == 0 {
				continue
			}
			kind := KindFile
			if words[0] == "d" {
				kind = KindDir
			}
			for _, text := range words[2:] {
				mode, err := ParseMode(text)
				if err != nil {
					t.Fatal(err)
				}
				yield(profile, p, words[1], kind, mode)
			}
		}
	}
}

// at builds an entry; "." is the web root itself.
func at(path string, kind Kind, mode Mode) *File {
	f := place{path: path, above: 0o755}.file(kind, mode)
	if path == "." {
		f.Dir = nil
	}
	return f
}

// TestDocumentedModesAreClean holds every profile to its documents, and finds
// every bit that weakens what they have: o+w anywhere, others' bits on what has
// none, setuid and setgid on files, x on what is not run.
func TestDocumentedModesAreClean(t *testing.T) {
	seen := map[string]bool{}
	weakened := 0
	eachDocumented(t, func(profile string, p *Policy, path string, kind Kind, mode Mode) {
		seen[profile] = true
		if got := p.Evaluate(nil, at(path, kind, mode)); len(got) != 0 && !onlyGroup(got) && !(mode&OtherRead != 0 && onlySecret(got)) {
			t.Errorf("%s: %s %v: found %v (%s)", profile, path, mode, ids(got), got[0].Detail)
		}
		for _, bit := range weakening(profile, kind, mode) {
			weakened++
			got := p.Evaluate(nil, at(path, kind, mode|bit))
			if len(got) == 0 || onlyGroup(got) || onlySecret(got) && bit&OtherRead == 0 {
				t.Errorf("%s: %s %v: %v more is not found", profile, path, mode, bit)
			}
		}
	})
	for _, name := range Profiles() {
		if !seen[name] {
			t.Errorf("no documented mode of %s", name)
		}
	}
	if weakened < 200 {
		t.Errorf("only %d modes were weakened", weakened)
	}
}

func onlyGroup(found []Finding) bool { // the group of the test's entries is nobody's
	return !slices.ContainsFunc(found, func(x Finding) bool { return x.Rule.ID != "wrong-group" })
}

func onlySecret(found []Finding) bool {
	return !slices.ContainsFunc(found, func(x Finding) bool { return x.Rule.ID != "secret-exposed" })
}

// weakening lists bits that no document gives to such an entry. That others can
// read a secret is found even where nothing is proposed.
func weakening(profile string, kind Kind, mode Mode) []Mode {
	bits := []Mode{OtherWrite, OtherWrite | groupWrite}
	if slices.Contains([]string{"default", "wordpress", "joomla", "static", "shared-suexec", "cpanel", "plesk", "wordpress+cpanel"}, profile) {
		bits = append(bits, groupWrite) // the others have it somewhere
	}
	if kind == KindFile {
		bits = append(bits, Setuid, Setgid, Setuid|Setgid)
		if mode&0o100 == 0 {
			bits = append(bits, 0o100, 0o010, 0o111)
		}
	}
	return bits
}

// TestReadersOfSecrets holds that what was private and becomes readable for
// others is found, as a secret that is exposed at least.
func TestReadersOfSecrets(t *testing.T) {
	for profile, path := range map[string]string{"wordpress": "wp-config.php", "drupal": "sites/default/settings.php", "joomla": "configuration.php",
		"magento": "app/etc/env.php", "laravel": ".env", "nextcloud": "config/config.php"} {
		for _, host := range []string{"", "+cpanel", "+mod-php"} {
			p := mustNew(t, Options{Profile: profile + host})
			got := p.Evaluate(nil, at(path, KindFile, 0o644))
			if !slices.Contains(ids(got), "secret-exposed") {
				t.Errorf("%s%s: %s 0644: found %v", profile, host, path, ids(got))
				continue
			}
			// Only where PHP runs as the owner is it known that nobody else reads it.
			if taken := got[0].Want&OtherRead == 0; taken != (host == "+cpanel") {
				t.Errorf("%s%s: %s 0644 becomes %v", profile, host, path, got[0].Want)
			}
		}
	}
}

// TestEveryProfileKeepsPromises goes through all permission bits under every profile, and
// every application on every host: what is proposed repairs, keeps secrets shut,
// and is called by its right name.
func TestEveryProfileKeepsPromises(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short")
	}
	profiles := slices.Clone(Profiles())
	for _, app := range []string{"drupal", "joomla", "laravel", "magento", "nextcloud", "static", "wordpress"} {
		for _, host := range []string{"cpanel", "mod-php", "plesk", "shared-group", "shared-suexec"} {
			profiles = append(profiles, app+"+"+host)
		}
	}
	paths := []string{".", "x/y", ".htaccess", "wp-config.php", "wp-content/uploads", "sites/default", "sites/default/settings.php",
		"app/etc/env.php", "var/cache", "data", "data/u/f", "config/config.php", "storage/x", "artisan", ".env", "cgi-bin/x", ".ssh/id_rsa", "vendor/bin/x"}
	for _, profile := range profiles {
		p := mustNew(t, Options{Profile: profile})
		for _, path := range paths {
			for _, kind := range []Kind{KindFile, KindDir} {
				if path == "." && kind == KindFile {
					continue
				}
				f := at(path, kind, 0)
				for f.Mode = range PermBits + 1 {
					checkProposal(t, p, f)
					f.Mode |= Setuid | Setgid | Sticky
					checkProposal(t, p, f)
					f.Mode &= PermBits
				}
			}
		}
	}
}

// checkProposal holds what is proposed for one entry to what is promised.
func checkProposal(t *testing.T, p *Policy, f *File) {
	t.Helper()
	found := p.Evaluate(nil, f)
	if len(found) == 0 || found[0].Change == None {
		return
	}
	x := found[0]
	if x.Change != DirectionOf(f.Mode, x.Want) {
		t.Fatalf("%s: %s %v: going to %v is called %s", p.Name(), f.Path(), f.Mode, x.Want, x.Change)
	}
	secret := f.Kind == KindFile && (f.secrecy() != notSecret || p.lines.find(f, aspectSecret) != nil)
	if secret && x.Want&^f.Mode != 0 {
		t.Fatalf("%s: %s %v: a secret is loosened to %v", p.Name(), f.Path(), f.Mode, x.Want)
	}
	if f.Kind == KindDir && f.Mode&^PermBits&^x.Want != 0 {
		t.Fatalf("%s: %s %v: special bits are taken: %v", p.Name(), f.Path(), f.Mode, x.Want)
	}
	fixed := *f
	fixed.Mode = x.Want
	for _, left := range p.Evaluate(nil, &fixed) {
		misnamed := f.Kind == KindDir && left.Rule.ID == "htaccess-unreadable"
		if left.Change != None || left.Rule.ID != "secret-exposed" && !misnamed {
			t.Fatalf("%s: %s %v: repaired to %v, it still breaks %s (%s)", p.Name(), f.Path(), f.Mode, x.Want, left.Rule.ID, left.Detail)
		}
	}
}
