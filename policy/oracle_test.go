package policy

import (
	"path"
	"slices"
	"strings"
)

// What follows says a second time, in the terms of find(1), what the default
// profile flags. It shares no code with the rules.

// subject is an entry as the oracle sees it.
type subject struct {
	path     string
	kind     byte // as find -type takes it; '?' if not known
	mode     uint16
	sent     bool   // whether the server sent the mode
	uid, gid uint32 // of the entry and of every directory above it
	server   *Identity
	above    []uint16 // modes of the directories above, in any order
}

type predicate func(s *subject) bool

func all(ps ...predicate) predicate {
	return func(s *subject) bool {
		return !slices.ContainsFunc(ps, func(p predicate) bool { return !p(s) })
	}
}

func oneOf(ps ...predicate) predicate {
	return func(s *subject) bool {
		return slices.ContainsFunc(ps, func(p predicate) bool { return p(s) })
	}
}

func not(p predicate) predicate { return func(s *subject) bool { return !p(s) } }

// typ is -type with any of the letters; GNU find accepts them with commas.
func typ(letters string) predicate {
	return func(s *subject) bool { return strings.IndexByte(letters, s.kind) >= 0 }
}

func permAll(bits uint16) predicate { return func(s *subject) bool { return s.mode&bits == bits } } // -perm -bits
func permAny(bits uint16) predicate { return func(s *subject) bool { return s.mode&bits != 0 } }    // -perm /bits
func nineBits(m uint16) predicate   { return func(s *subject) bool { return s.mode&0o777 == m } }

func name(globs ...string) predicate {
	matches := remembered(globs)
	return func(s *subject) bool { return matches(path.Base(s.path)) }
}

func wholePath(globs ...string) predicate {
	matches := remembered(globs)
	return func(s *subject) bool { return matches(s.path) }
}

// remembered saves matching the same few words again for each mode.
func remembered(globs []string) func(word string) bool {
	known := map[string]bool{}
	return func(word string) bool {
		matches, ok := known[word]
		if !ok {
			matches = matchesAny(globs, word)
			known[word] = matches
		}
		return matches
	}
}

func matchesAny(globs []string, word string) bool {
	return slices.ContainsFunc(globs, func(g string) bool {
		ok, err := path.Match(g, word)
		if err != nil {
			panic(err)
		}
		return ok
	})
}

// mayAccess is the kernel's decision for one mode and one bit of rwx.
func mayAccess(server *Identity, uid, gid uint32, mode, bit uint16) bool {
	switch {
	case server == nil:
		return mode&bit != 0
	case server.UID == 0:
		return true
	case server.UID == uid:
		return mode&(bit*0o100) != 0
	case slices.Contains(server.GIDs, gid):
		return mode&(bit*0o10) != 0
	}
	return mode&bit != 0
}

func serverCannotRead(s *subject) bool {
	return !mayAccess(s.server, s.uid, s.gid, s.mode, 4) ||
		slices.ContainsFunc(s.above, func(dir uint16) bool { return !mayAccess(s.server, s.uid, s.gid, dir, 1) })
}

func sent(s *subject) bool { return s.sent }

var inSSHDir = oneOf(
	wholePath(".ssh/*", "*/.ssh/*", ".ssh/*/*", "*/.ssh/*/*"),
	all(typ("d"), name(".ssh")))

var (
	phpSecret = all(not(inSSHDir), oneOf(
		name("wp-config.php", "configuration.php", "config.inc.php", "LocalSettings.php"),
		wholePath("sites/*/settings.php", "*/sites/*/settings.php", "sites/*/settings.local.php",
			"app/etc/env.php", "*/app/etc/env.php")))
	servedSecret = all(not(phpSecret), oneOf(
		all(inSSHDir, not(name("*.pub"))),
		name(".env", ".htpasswd", ".htdigest", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk",
			"privkey.pem", "*.key", ".my.cnf", ".pgpass", ".netrc", ".git-credentials"),
		all(name(".env.*"), not(name("*.example", "*.sample", "*.dist", "*.template"))),
		wholePath("app/etc/local.xml", "*/app/etc/local.xml")))
	mayBeTighter = oneOf(inSSHDir, all(typ("f"), oneOf(phpSecret, servedSecret)))

	readable = all(sent, not(typ("?l")))

	oracle = []struct {
		id     string
		broken predicate
	}{
		{"dir-mode", all(readable, typ("d"),
			oneOf(permAny(0o022), all(not(mayBeTighter), not(nineBits(0o755)))))},
		{"file-mode", all(readable, typ("f"),
			oneOf(permAny(0o133), all(not(mayBeTighter), not(nineBits(0o644)))))},
		{"world-writable", all(readable, permAll(0o002))},
		{"htaccess-unreadable", all(readable, name(".htaccess"), oneOf(typ("d"), all(typ("f"), serverCannotRead)))},
		{"setid-file", all(readable, typ("f"), permAny(0o6000))},
		{"secret-exposed", all(readable, typ("f"), permAll(0o004), oneOf(phpSecret, servedSecret))},
		{"special-file", all(readable, typ("psbc"))},
		{"mode-unknown", all(not(typ("l")), oneOf(not(sent), typ("?")))},
	}
)

// expected appends to dst the IDs of the rules that the oracle says are broken.
func expected(dst []string, s *subject) []string {
	for _, rule := range oracle {
		if rule.broken(s) {
			dst = append(dst, rule.id)
		}
	}
	slices.Sort(dst)
	return dst
}
