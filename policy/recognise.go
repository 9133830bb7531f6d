package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Sighting is what was seen of a path, without following a symlink.
type Sighting struct {
	Kind       Kind
	UID, GID   uint32
	OwnerKnown bool
}

// Recognition is a profile that fits a web root, and why.
type Recognition struct {
	Profile string `json:"profile"`
	Reason  string `json:"reason"` // quotes what the server sent
}

// marks are what an application is recognised by: files that are all there, and
// a directory that it writes, by whose owner PHP's user shows.
type marks struct {
	profile string
	files   []string
	writes  string
}

func applications() []marks {
	return []marks{
		{"wordpress", []string{"wp-includes/version.php"}, "wp-content/uploads"},
		{"drupal", []string{"core/lib/Drupal.php"}, "sites/default/files"},
		{"joomla", []string{"administrator/manifests/files/joomla.xml"}, "cache"},
		{"magento", []string{"bin/magento", "app/etc/di.xml"}, "var"},
		{"laravel", []string{"artisan", "bootstrap/app.php"}, "storage"},
		{"mediawiki", []string{"includes/Defines.php", "includes/WebStart.php"}, "images"},
		{"nextcloud", []string{"occ", "lib/versioncheck.php"}, "data"},
	}
}

// Markers lists the paths that Recognise wants to know of, relative to the web
// root.
func Markers() []string {
	var out []string
	for _, a := range applications() {
		out = append(append(out, a.files...), a.writes)
	}
	return out
}

// Recognise says which application lives in a web root, and on what kind of
// host, from what was seen of Markers. root is the root's absolute path, and
// names the server's accounts, as far as they are known. Of several applications
// none is recognised: which lines are to count is then for a person to say, and
// note says so.
func Recognise(root string, is Sighting, seen map[string]Sighting, names *Names) (found []Recognition, note string) {
	var apps []marks
	for _, a := range applications() {
		if !slices.ContainsFunc(a.files, func(file string) bool { return seen[file].Kind != KindFile }) {
			apps = append(apps, a)
		}
	}
	if len(apps) > 1 {
		var words []string
		for _, a := range apps {
			words = append(words, a.profile)
		}
		return nil, fmt.Sprintf("it looks like %s at once, so none is taken: choose one with --profile", strings.Join(words, " and "))
	}
	writes := ""
	for _, a := range apps {
		found = append(found, Recognition{a.profile, strings.Join(a.files, " and ") + " " + are(len(a.files)) + " there"})
		writes = a.writes
	}
	if host, ok := recogniseHost(root, is, names); ok {
		return append(found, host), ""
	}
	if w := seen[writes]; w.Kind == KindDir && w.OwnerKnown && is.OwnerKnown && w.UID != is.UID {
		found = append(found, Recognition{"mod-php", fmt.Sprintf("%s belongs to %d and the web root to %d, so PHP runs as another user",
			writes, w.UID, is.UID)})
	}
	return found, ""
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// recogniseHost goes by the group of the web root, as the control panels set it
// (see their profiles for the sources), and by Plesk's layout.
func recogniseHost(root string, is Sighting, names *Names) (Recognition, bool) {
	inGroup := func(name string) bool {
		gid, known := names.group(name)
		return known && is.OwnerKnown && gid == is.GID
	}
	vhosts, _ := path.Match("/var/www/vhosts/*/httpdocs", root)
	switch {
	case inGroup("psaserv"):
		return Recognition{"plesk", "the web root's group is psaserv"}, true
	case vhosts:
		return Recognition{"plesk", "the web root is /var/www/vhosts/.../httpdocs"}, true
	case path.Base(root) == "public_html" && inGroup("nobody"):
		return Recognition{"cpanel", "public_html has the group nobody"}, true
	}
	return Recognition{}, false
}
