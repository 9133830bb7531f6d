package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hostperm/remote/fastlane"
)

// Above is a directory above the web root.
type Above struct {
	Path string // absolute
	Attr Attr   // if Err is nil
	Err  error  // why nothing is known of it
}

// errLinkAbove is what a symlink above the root comes to.
var errLinkAbove = errors.New("it is a symlink, and what lies above where it leads is not seen")

// Above looks at the directories that root lies in, from / down, root itself
// left out, in one flush. root is an absolute path that the server has resolved.
//
// What cannot be seen has an Err: it wraps ErrPermission or ErrNotExist where
// the server says so. A symlink, which a server leaves in the path that does
// not resolve them, is one that cannot be seen past; so is what is no directory
// any more. In a chroot / is the chroot: that there is more above it, nothing
// tells.
//
// An error of Above itself is ctx's, or wraps ErrDisconnected or
// fastlane.ErrProtocol.
func (c *Client) Above(ctx context.Context, root string) ([]Above, error) {
	dirs, err := dirsAbove(root)
	if err != nil || len(dirs) == 0 {
		return nil, err
	}
	found := make([]Above, len(dirs))
	l := newLookup(dirs, func(i int, a Attr, err error) { found[i] = newAbove(dirs[i], a, err) })
	if err := c.run(ctx, root, l.op, l.beginIn); err != nil {
		return nil, err
	}
	return found, nil
}

// newAbove says what an LSTAT of a directory above a root comes to.
func newAbove(path string, a Attr, err error) Above {
	switch {
	case err != nil:
	case !a.HasMode():
		err = errors.New("the server does not tell its mode")
	case a.Type() == fastlane.TypeSymlink:
		err = errLinkAbove
	case a.Type() != typeDir:
		err = ErrNotDir
	}
	return Above{Path: path, Attr: a, Err: err}
}

// dirsAbove gives the directories that an absolute path lies in, from / down.
func dirsAbove(root string) ([]string, error) {
	rel, ok := strings.CutPrefix(root, "/")
	if !ok || len(root) > maxPath {
		return nil, fmt.Errorf("path %q is not absolute", root[:min(len(root), maxQuoted)])
	}
	if rel == "" {
		return nil, nil
	}
	if err := checkRelative(rel); err != nil || rel == "." {
		return nil, fmt.Errorf("path %q is not resolved", root)
	}
	dirs := []string{"/"}
	for i := range len(rel) {
		if rel[i] == '/' {
			dirs = append(dirs, "/"+rel[:i])
		}
	}
	return dirs, nil
}
