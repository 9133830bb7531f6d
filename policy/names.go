package policy

import (
	"fmt"
	"slices"
)

// Names are the accounts of a server, as far as they are known. Nil maps, and a
// nil *Names, know none.
type Names struct {
	Users, Groups map[string]uint32
	Members       map[uint32][]uint32 // by gid, the users who have that group, primary or not
}

// groupsOf gives the groups of a user, sorted.
func (n *Names) groupsOf(uid uint32) []uint32 {
	if n == nil {
		return nil
	}
	var gids []uint32
	for gid, members := range n.Members {
		if slices.Contains(members, uid) {
			gids = append(gids, gid)
		}
	}
	slices.Sort(gids)
	return gids
}

func (n *Names) user(name string) (uint32, bool) {
	if n == nil {
		return 0, false
	}
	id, ok := n.Users[name]
	return id, ok
}

func (n *Names) group(name string) (uint32, bool) {
	if n == nil {
		return 0, false
	}
	id, ok := n.Groups[name]
	return id, ok
}

// accountSet is a list of accounts, resolved as far as possible.
type accountSet struct {
	ids     []uint32
	unknown []string // names that the server's accounts do not have
}

// resolve looks up accounts with one of Names' methods.
func resolve(list []Account, lookup func(string) (uint32, bool)) *accountSet {
	if len(list) == 0 {
		return nil
	}
	s := &accountSet{}
	for _, a := range list {
		id, ok := a.ID, true
		if a.Name != "" {
			id, ok = lookup(a.Name)
		}
		if ok {
			s.ids = append(s.ids, id)
		} else {
			s.unknown = append(s.unknown, a.Name)
		}
	}
	return s
}

// excludes reports whether an account is certainly not in the set: while a name
// of it is not known, nothing is.
func (s *accountSet) excludes(id uint32) bool {
	return len(s.unknown) == 0 && !slices.Contains(s.ids, id)
}

// nameOf says who the web server is. A name is only shown where it is one of
// those that people know, since a server could have any.
func (n *Names) nameOf(id *Identity) string {
	if id == nil {
		return ""
	}
	for _, name := range [...]string{"www-data", "apache", "nginx", "http", "wwwrun", "www", "nobody"} {
		if uid, known := n.user(name); known && uid == id.UID {
			return name
		}
	}
	return fmt.Sprintf("uid %d", id.UID)
}
