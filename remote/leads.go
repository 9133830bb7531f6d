package remote

import (
	"path"
	"strings"
)

// LeadsOutside reports whether a symlink at rel, a path relative to root, leads
// outside root by its text alone: target is relative to the directory that
// holds the link, or absolute. A ".." is taken to leave the directory that is
// named before it, which is wrong where that is itself a symlink; Link.Outside
// has the server's word where there is one. Nothing above the root of the file
// system can be reached: its parent is itself.
func LeadsOutside(root, rel, target string) bool {
	if !strings.HasPrefix(target, "/") {
		target = below(root, rel) + "/../" + target
	}
	return !within(root, path.Clean(target))
}

// within reports whether a clean absolute path is root or below it.
func within(root, full string) bool {
	root = path.Clean(root)
	return full == root || root == "/" || strings.HasPrefix(full, root+"/")
}
