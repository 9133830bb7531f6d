package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestRecognise(t *testing.T) {
	names := &Names{Groups: map[string]uint32{"nobody": 99, "psaserv": 500}}
	root := Sighting{Kind: KindDir, UID: 1001, GID: 1001, OwnerKnown: true}
	group := func(gid uint32) Sighting { s := root; s.GID = gid; return s }
	file := Sighting{Kind: KindFile}
	wp := map[string]Sighting{"wp-includes/version.php": file}
	with := func(path string, s Sighting) map[string]Sighting {
		return map[string]Sighting{"wp-includes/version.php": file, path: s}
	}
	tests := []struct {
		name, path string
		root       Sighting
		seen       map[string]Sighting
		names      *Names
		want       string
	}{
		{"nothing", "/srv/site", root, nil, names, ""},
		{"WordPress", "/srv/site", root, wp, nil, "wordpress: wp-includes/version.php is there"},
		{"a directory of that name", "/srv/site", root, map[string]Sighting{"wp-includes/version.php": root}, nil, ""},
		{"a symlink", "/srv/site", root, map[string]Sighting{"wp-includes/version.php": {Kind: KindSymlink}}, nil, ""},
		{"half of Laravel", "/srv/site", root, map[string]Sighting{"artisan": file}, nil, ""},
		{"Laravel", "/srv/site", root, map[string]Sighting{"artisan": file, "bootstrap/app.php": file}, nil, "laravel: artisan and bootstrap/app.php are there"},
		{"two", "/srv/site", root, with("core/lib/Drupal.php", file), nil, "note it looks like wordpress and drupal at once, so none is taken: choose one with --profile"},
		{"cPanel", "/home/u/public_html", group(99), wp, names, "wordpress: wp-includes/version.php is there; cpanel: public_html has the group nobody"},
		{"cPanel alone", "/home/u/public_html", group(99), nil, names, "cpanel: public_html has the group nobody"},
		{"names not known", "/home/u/public_html", group(99), nil, nil, ""},
		{"not public_html", "/home/u/www", group(99), nil, names, ""},
		{"owner not known", "/home/u/public_html", Sighting{Kind: KindDir, GID: 99}, nil, names, ""},
		{"Plesk", "/srv/x", group(500), nil, names, "plesk: the web root's group is psaserv"},
		{"Plesk's layout", "/var/www/vhosts/shop.example.com/httpdocs", root, nil, nil, "plesk: the web root is /var/www/vhosts/.../httpdocs"},
		{"PHP as another", "/srv/site", root, with("wp-content/uploads", Sighting{Kind: KindDir, UID: 33, OwnerKnown: true}), nil,
			"wordpress: wp-includes/version.php is there; mod-php: wp-content/uploads belongs to 33 and the web root to 1001, so PHP runs as another user"},
		{"PHP as the owner", "/srv/site", root, with("wp-content/uploads", root), nil, "wordpress: wp-includes/version.php is there"},
		{"uploads of nobody known", "/srv/site", root, with("wp-content/uploads", Sighting{Kind: KindDir}), nil, "wordpress: wp-includes/version.php is there"},
	}
	for _, tt := range tests {
		found, note := Recognise(tt.path, tt.root, tt.seen, tt.names)
		var words []string
		for _, r := range found {
			words = append(words, r.Profile+": "+r.Reason)
		}
		if note != "" {
			words = append(words, "note "+note)
		}
		if got := strings.Join(words, "; "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestRecognisedFitTogether holds that whatever can be recognised makes a
// policy: a server that shows everything must not end an audit.
func TestRecognisedFitTogether(t *testing.T) {
	for _, a := range applications() {
		for _, host := range []string{"", "cpanel", "plesk", "mod-php"} {
			recognised := slices.DeleteFunc([]string{a.profile, host}, func(s string) bool { return s == "" })
			if _, err := New(Options{Recognised: recognised}); err != nil {
				t.Errorf("%v: %v", recognised, err)
			}
		}
	}
}
