package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// ErrNoIdentities is wrapped where the server shows no /etc/passwd: in a chroot
// there is none, and some servers keep their accounts elsewhere only.
var ErrNoIdentities = errors.New("the server shows no /etc/passwd")

const (
	// maxIdentities is how large /etc/passwd and /etc/group may be, in bytes:
	// some 50,000 accounts.
	maxIdentities = 4 << 20
	// maxIdentityLine is how long one line of them may be, in bytes. A group of
	// 10,000 members has about this.
	maxIdentityLine = 128 << 10
	// maxIdentityName is Linux's LOGIN_NAME_MAX.
	maxIdentityName = 256
)

// Identities reads /etc/passwd and /etc/group from the server. The error wraps
// ErrNoIdentities where the former is not to be seen, and carries a hint. That
// the latter is not is no error: see Identities.Groups.
//
// In a chroot that has these files, they may be a copy that tells of fewer
// accounts than there are.
func (c *Client) Identities(ctx context.Context) (*Identities, error) {
	f := &identityFiles{}
	if err := c.ReadFiles(ctx, maxIdentities, identityPaths(), f.take); err != nil {
		return nil, fmt.Errorf("read /etc/passwd: %w", err)
	}
	return f.identities()
}

// identityPaths are what identityFiles holds, in its order.
func identityPaths() []string { return []string{"/etc/passwd", "/etc/group"} }

// identityFiles are the files in which accounts stand, as read from a server.
type identityFiles struct {
	files [2][]byte
	errs  [2]error
}

func (f *identityFiles) take(i int, b []byte, err error) { f.files[i], f.errs[i] = b, err }

func (f *identityFiles) identities() (*Identities, error) {
	files, errs := &f.files, &f.errs
	switch {
	case errors.Is(errs[0], ErrNotExist):
		return nil, WithHint(wordedError{ErrNoIdentities.Error() + ", as in a chroot", ErrNoIdentities},
			"give the web server's user: --web-user UID:GID")
	case errs[0] != nil:
		return nil, WithHint(fmt.Errorf("%w: %w", ErrNoIdentities, errs[0]), "give the web server's user: --web-user UID:GID")
	}
	ids := ParseIdentities(files[0], files[1])
	if errs[1] != nil {
		ids.NoGroups = fmt.Errorf("read /etc/group: %w", errs[1])
	}
	return ids, nil
}

// User is a line of /etc/passwd.
type User struct {
	Name     string
	UID, GID uint32
}

// Group is a line of /etc/group.
type Group struct {
	Name string
	GID  uint32
}

// Identities are the accounts and groups of a server, as passwd(5) and group(5)
// have them. Where a name or a number stands in several lines, the first counts,
// as for getpwnam(3) and getpwuid(3). Names have no control characters and are
// valid UTF-8; whoever shows them to a person quotes them.
type Identities struct {
	Users  []User // each name once, in the order of the file
	Groups []Group

	NoGroups error // why nothing of /etc/group is known; nil if it is
	Partial  bool  // a line refers to NIS: there are accounts or members that are not listed
	Skipped  int   // lines that are none of passwd(5) or group(5)

	byName  map[string]int      // index in Users
	byUID   map[uint32]int      // index in Users
	byGID   map[uint32]int      // index in Groups
	members map[string][]uint32 // gids of the groups that list a name
}

// ParseIdentities takes apart the contents of the two files. What is no line of
// theirs is left out and counted.
func ParseIdentities(passwd, group []byte) *Identities {
	ids := &Identities{
		byName: make(map[string]int), byUID: make(map[uint32]int), byGID: make(map[uint32]int),
		members: make(map[string][]uint32),
	}
	ids.eachLine(passwd, 7, ids.addUser)
	ids.eachLine(group, 4, ids.addGroup)
	return ids
}

// eachLine calls add for each line of n fields, and counts those that are none
// or that add does not take.
func (ids *Identities) eachLine(file []byte, n int, add func(fields [][]byte) bool) {
	for line := range bytes.Lines(file) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		switch {
		case len(bytes.TrimSpace(line)) == 0 || line[0] == '#':
		case line[0] == '+' || line[0] == '-':
			ids.Partial = true // nsswitch.conf(5), compat
		case len(line) > maxIdentityLine:
			ids.Skipped++
		default:
			if fields := bytes.SplitN(line, []byte(":"), n+1); len(fields) != n || !add(fields) {
				ids.Skipped++
			}
		}
	}
}

func (ids *Identities) addUser(f [][]byte) bool {
	uid, ok1 := idNumber(f[2])
	gid, ok2 := idNumber(f[3])
	if !ok1 || !ok2 || !isIdentityName(f[0]) {
		return false
	}
	if _, taken := ids.byName[string(f[0])]; taken {
		return true
	}
	at, name := len(ids.Users), string(f[0])
	ids.Users = append(ids.Users, User{name, uid, gid})
	ids.byName[name] = at
	if _, taken := ids.byUID[uid]; !taken {
		ids.byUID[uid] = at
	}
	return true
}

func (ids *Identities) addGroup(f [][]byte) bool {
	gid, ok := idNumber(f[2])
	if !ok || !isIdentityName(f[0]) {
		return false
	}
	if _, taken := ids.byGID[gid]; !taken {
		ids.byGID[gid] = len(ids.Groups)
		ids.Groups = append(ids.Groups, Group{string(f[0]), gid})
	}
	// All lines of a group count for its members (initgroups(3)).
	for name := range bytes.SplitSeq(f[3], []byte(",")) {
		if name = bytes.TrimSpace(name); isIdentityName(name) {
			ids.members[string(name)] = append(ids.members[string(name)], gid)
		}
	}
	return true
}

// idNumber reads a uid or gid: decimal digits only. The largest stands for "no
// change" in chown(2), and is nobody's.
func idNumber(b []byte) (uint32, bool) {
	if len(b) == 0 || len(b) > 10 || b[0] < '0' || b[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b), 10, 32)
	return uint32(n), err == nil && n != 1<<32-1
}

func isIdentityName(b []byte) bool {
	if len(b) == 0 || len(b) > maxIdentityName || !utf8.Valid(b) {
		return false
	}
	return !bytes.ContainsFunc(b, func(r rune) bool { return unicode.IsControl(r) || r == '/' || r == ',' })
}

// User finds an account by its name.
func (ids *Identities) User(name string) (User, bool) {
	at, ok := ids.byName[name]
	if !ok {
		return User{}, false
	}
	return ids.Users[at], true
}

// UserName gives the name of a uid, "" if it has none.
func (ids *Identities) UserName(uid uint32) string {
	if at, ok := ids.byUID[uid]; ok {
		return ids.Users[at].Name
	}
	return ""
}

// GroupName gives the name of a gid, "" if it has none.
func (ids *Identities) GroupName(gid uint32) string {
	if at, ok := ids.byGID[gid]; ok {
		return ids.Groups[at].Name
	}
	return ""
}

// GIDs gives the groups that a process of u has: its primary group first, then
// those that list it, each once, in the order of the file.
func (ids *Identities) GIDs(u User) []uint32 {
	gids := []uint32{u.GID}
	seen := map[uint32]bool{u.GID: true}
	for _, gid := range ids.members[u.Name] {
		if !seen[gid] {
			seen[gid] = true
			gids = append(gids, gid)
		}
	}
	return gids
}

// WebUsers gives the accounts that web servers commonly run as, of those that
// there are, the likeliest first. That there is one does not mean that a web
// server runs as it: nobody is everywhere, and comes last.
func (ids *Identities) WebUsers() []User {
	var found []User
	for _, name := range []string{
		"www-data", // Debian, Ubuntu
		"apache",   // Red Hat, Alpine
		"nginx",    // Red Hat, Alpine; nginx.org's packages
		"http",     // Arch
		"wwwrun",   // SUSE
		"www",      // FreeBSD, OpenBSD
		"_www",     // macOS
		"nobody",   // cPanel, and servers built from source
	} {
		if u, ok := ids.User(name); ok {
			found = append(found, u)
		}
	}
	return found
}
