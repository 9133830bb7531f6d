package remote

import (
	"context"
	"path"
	"strings"

	"github.com/pkg/sftp"

	"hostperm/remote/fastlane"
)

// seenRoot is what was seen at a root, and on the way to it.
type seenRoot struct {
	attr Attr
	err  error
	way  Way  // through the directories that it lies in
	home Attr // of the login directory; no flags: not seen
}

// pathsTo gives the login directory, the directories that a root lies in, from
// the server's root down, and the root itself.
func pathsTo(root string) []string {
	paths := []string{"."}
	for _, dir := range ancestors(root) {
		paths = append(paths, below("/", dir))
	}
	return append(paths, root)
}

// newSeenRoot sums up what pathsTo gives.
func newSeenRoot(n int, seen func(i int) (Attr, error)) *seenRoot {
	r := new(seenRoot)
	for i := range n - 1 {
		a, err := seen(i)
		if err != nil || a.Type() != typeDir {
			a = Attr{}
		}
		if i == 0 {
			r.home = a
		} else {
			r.way = r.way.Through(a)
		}
	}
	r.attr, r.err = seen(n - 1)
	return r
}

// seeRoot looks at a resolved root and at the directories that it lies in. The
// caller has the turn.
func (c *Client) seeRoot(ctx context.Context, root string) (*seenRoot, error) {
	paths := pathsTo(root)
	attrs, errs := make([]Attr, len(paths)), make([]error, len(paths))
	l := newLookup(paths, func(i int, a Attr, err error) { attrs[i], errs[i] = a, err })
	if err := c.attempt(ctx, l.op, l.beginIn); err != nil {
		return nil, err
	}
	return newSeenRoot(len(paths), func(i int) (Attr, error) { return attrs[i], errs[i] }), nil
}

// linksOnWay goes the way of the absolute path asked, link by link, which leads
// to resolved. What cannot be seen of it is of unknown owner; so is all of it if
// it leads elsewhere by now.
func linksOnWay(files *sftp.Client, asked, resolved string) Way {
	var way Way
	at, rest := "/", strings.Split(asked, "/")
	for links := 0; len(rest) > 0 && links <= maxLinks; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, name)
		if len(rest) == 0 && next == resolved {
			return way // the root itself, which need not be its own owner's
		}
		seen, target := lookOnWay(files, next)
		way = way.Through(seen)
		if target == "" {
			at = next
			continue
		}
		links++
		if strings.HasPrefix(target, "/") {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	if at != resolved {
		way = way.Through(Attr{})
	}
	return way
}

// lookOnWay looks at what a path names, and gives the target if that is a
// symlink. Of a link that LSTAT does not know to be one (see look) nobody can
// say whose it is.
func lookOnWay(files *sftp.Client, p string) (seen Attr, target string) {
	info, err := files.Lstat(p)
	st := statOf(info)
	if err != nil || st == nil {
		return Attr{}, ""
	}
	target, err = files.ReadLink(p)
	if err != nil {
		target = ""
	}
	seen = Attr{Flags: fastlane.AttrUIDGID | fastlane.AttrPermissions, UID: st.UID, GID: st.GID, Mode: st.Mode}
	if isLink := seen.Type() == fastlane.TypeSymlink; isLink != (target != "") {
		seen = Attr{}
	}
	return seen, target
}
