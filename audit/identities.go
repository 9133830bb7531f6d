package audit

import (
	"fmt"
	"slices"
	"strings"

	"hostperm/policy"
	"hostperm/remote"
)

// NamesOf gives a server's accounts as a policy takes them; nil gives nil.
func NamesOf(ids *remote.Identities) *policy.Names {
	if ids == nil {
		return nil
	}
	n := &policy.Names{Users: make(map[string]uint32, len(ids.Users)), Groups: make(map[string]uint32, len(ids.Groups)),
		Members: make(map[uint32][]uint32)}
	for _, u := range ids.Users {
		n.Users[u.Name] = u.UID
		for _, gid := range ids.GIDs(u) {
			n.Members[gid] = append(n.Members[gid], u.UID)
		}
	}
	for _, g := range ids.Groups {
		if _, taken := n.Groups[g.Name]; !taken {
			n.Groups[g.Name] = g.GID
		}
	}
	return n
}

// cPanel's web server runs as nobody, whatever other accounts there are
// (EasyApache 4; other servers have an account of their own).
const (
	profileCPanel = "cpanel"
	userNobody    = "nobody"
)

// GuessWebServer says which of a server's accounts its web server may run as:
// the only one of those that web servers commonly run as, or nobody where
// cPanel is one of the profiles. Nobody is on every server, and Debian's
// www-data too, so that it is a guess, and note is what to tell a person of it.
// Of several accounts none is taken; nil: there is none.
func GuessWebServer(ids *remote.Identities, profiles []string) (id *policy.Identity, note string) {
	if ids == nil {
		return nil, ""
	}
	users := ids.WebUsers()
	cpanel := slices.Contains(profiles, profileCPanel)
	users = slices.DeleteFunc(users, func(u remote.User) bool { return (u.Name == userNobody) != cpanel })
	switch len(users) {
	case 0:
		return nil, ""
	case 1:
		u := users[0]
		gids := ids.GIDs(u)
		return &policy.Identity{UID: u.UID, GIDs: gids}, fmt.Sprintf(
			"the web server is taken to run as %s (%s), an account of the server; if it does not, say who it is with --web-user", u.Name, webUser(u.UID, gids))
	}
	var words []string
	for _, u := range users {
		words = append(words, fmt.Sprintf("%s (%s)", u.Name, webUser(u.UID, ids.GIDs(u))))
	}
	return nil, fmt.Sprintf("who the web server runs as is not known, and may be %s: say which with --web-user", strings.Join(words, " or "))
}

// webUser writes an identity as --web-user takes it.
func webUser(uid uint32, gids []uint32) string {
	words := make([]string, len(gids))
	for i, gid := range gids {
		words[i] = fmt.Sprint(gid)
	}
	return fmt.Sprintf("%d:%s", uid, strings.Join(words, ","))
}
