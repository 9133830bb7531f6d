package policy

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// profileFiles are the built-in profiles, each a policy file like any other.
//
//go:embed profiles/*.yaml
var profileFiles embed.FS

// Profiles lists the names of the built-in profiles, DefaultProfile first, then
// those of applications and those of hosts, each sorted.
func Profiles() []string {
	return []string{DefaultProfile,
		"drupal", "joomla", "laravel", "magento", "mediawiki", "nextcloud", "static", "wordpress",
		"cpanel", "mod-php", "plesk", "shared-group", "shared-suexec"}
}

// ProfileText gives the file of a built-in profile, with its comments. An
// unknown name is an error that says which one is near.
func ProfileText(name string) ([]byte, error) {
	if !slices.Contains(Profiles(), name) {
		return nil, unknownProfile(name)
	}
	return profileFiles.ReadFile("profiles/" + name + ".yaml")
}

func unknownProfile(name string) error {
	if near := nearest(name, Profiles()); near != "" {
		return fmt.Errorf("unknown profile %q: did you mean %s?", name, near)
	}
	return fmt.Errorf("unknown profile %q: there is %s", name, strings.Join(Profiles(), ", "))
}
