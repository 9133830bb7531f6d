package remote

import (
	"fmt"
	"strings"
)

// maxPath is the longest absolute path that is asked for, in bytes: Linux's
// PATH_MAX without its NUL, and no POSIX system takes a longer one. It also
// bounds how deep a walk goes, and what a hostile tree can make it remember.
const maxPath = 4095

// join puts a name below a path relative to the root.
func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// absolute gives the server's path of one relative to root. It takes no path
// that leaves the root or that a listing could not have had: an absolute one,
// or one with an empty, "." or ".." component or a NUL.
func absolute(root, rel string) (string, error) {
	if err := checkRelative(rel); err != nil {
		return "", err
	}
	return below(root, rel), nil
}

// checkRelative is absolute without its result.
func checkRelative(rel string) error {
	if rel == "." {
		return nil
	}
	for name := range strings.SplitSeq(rel, "/") {
		if name == "" || name == "." || name == ".." || strings.IndexByte(name, 0) >= 0 {
			return fmt.Errorf("path %q is not one below the root", rel)
		}
	}
	return nil
}

// below is absolute for a path known to be good.
func below(root, rel string) string {
	switch {
	case rel == ".":
		return root
	case strings.HasSuffix(root, "/"):
		return root + rel
	}
	return root + "/" + rel
}

// parent gives the directory that holds a path relative to the root; rel is
// not ".".
func parent(rel string) string {
	if i := strings.LastIndexByte(rel, '/'); i >= 0 {
		return rel[:i]
	}
	return "."
}

// chain gives the directories that rel lies in, from the root down, without
// rel itself; nothing for the root.
func chain(rel string) []string {
	if rel == "." {
		return nil
	}
	dirs := []string{"."}
	for i := range len(rel) {
		if rel[i] == '/' {
			dirs = append(dirs, rel[:i])
		}
	}
	return dirs
}
