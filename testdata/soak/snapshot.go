package main

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// entry is all that a repair and its undo have to leave alone, and the mode.
type entry struct {
	mode     uint32 // type and twelve permission bits, as stat(2) has them
	uid, gid uint32
	size     int64
	mtime    syscall.Timespec
	links    uint64
	inode    uint64
	leads    string // of a symlink
}

func (e entry) perm() uint32 { return e.mode & 0o7777 }
func (e entry) kind() uint32 { return e.mode & syscall.S_IFMT }

// snapshot is a tree as it is on disk, by paths relative to its root.
type snapshot map[string]entry

// look takes a snapshot.
func look(root string) (snapshot, error) {
	s := make(snapshot)
	err := filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st syscall.Stat_t
		if err := syscall.Lstat(name, &st); err != nil {
			return fmt.Errorf("lstat %q: %w", name, err)
		}
		e := entry{mode: st.Mode, uid: st.Uid, gid: st.Gid, size: st.Size, mtime: st.Mtim, links: uint64(st.Nlink), inode: st.Ino}
		if e.kind() == syscall.S_IFLNK {
			if e.leads, err = os.Readlink(name); err != nil {
				return err
			}
		}
		rel, err := filepath.Rel(root, name)
		s[rel] = e
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("take a snapshot: %w", err)
	}
	return s, nil
}

// differences says what is not the same in now, entry by entry.
func (s snapshot) differences(now snapshot) []string {
	var list []string
	for _, p := range slices.Sorted(maps.Keys(s)) {
		switch e, there := now[p]; {
		case !there:
			list = append(list, fmt.Sprintf("%q is gone", p))
		case e != s[p]:
			list = append(list, fmt.Sprintf("%q was %+v, is %+v", p, s[p], e))
		}
	}
	for p := range now {
		if _, there := s[p]; !there {
			list = append(list, fmt.Sprintf("%q is new", p))
		}
	}
	return list
}

// flaw is a finding, as far as it is judged.
type flaw struct {
	path, rule, mode string
}

// flaws gives the findings that hostperm should have, and the places that it
// cannot see, by what the README says of the rules. The account owns the tree,
// so that the owner's bits decide what is seen.
func (s snapshot) flaws() (found map[flaw]bool, gaps map[string]bool, seen counts) {
	found, gaps = make(map[flaw]bool), make(map[string]bool)
	for p, e := range s {
		if !s.reached(p) {
			continue
		}
		seen.add(e)
		if e.kind() == syscall.S_IFDIR && e.perm()&0o500 != 0o500 {
			gaps[p] = true
		}
		for _, rule := range s.rules(p, e) {
			found[flaw{p, rule, fmt.Sprintf("%04o", e.perm())}] = true
		}
	}
	return found, gaps, seen
}

// counts are the entries seen, by kind.
type counts struct{ Dirs, Files, Symlinks, Other int }

func (c *counts) add(e entry) {
	switch e.kind() {
	case syscall.S_IFDIR:
		c.Dirs++
	case syscall.S_IFREG:
		c.Files++
	case syscall.S_IFLNK:
		c.Symlinks++
	default:
		c.Other++
	}
}

// reached reports whether the owner can list every directory above p.
func (s snapshot) reached(p string) bool {
	for p != "." {
		p = path.Dir(p)
		if s[p].perm()&0o500 != 0o500 {
			return false
		}
	}
	return true
}

// rules names those that flag an entry.
func (s snapshot) rules(p string, e entry) []string {
	var list []string
	flag := func(rule string, is bool) {
		if is {
			list = append(list, rule)
		}
	}
	dir, file := e.kind() == syscall.S_IFDIR, e.kind() == syscall.S_IFREG
	secret := path.Base(p) == ".env"
	nine := e.perm() & 0o777
	flag("dir-mode", dir && nine != 0o755)
	flag("file-mode", file && nine != 0o644 && !(secret && nine&^0o644 == 0))
	flag("world-writable", e.kind() != syscall.S_IFLNK && nine&0o002 != 0)
	flag("setid-file", file && e.perm()&0o6000 != 0)
	flag("special-file", e.kind() == syscall.S_IFIFO)
	if e.kind() == syscall.S_IFLNK {
		outside, there := s.follow(p, e.leads)
		flag("symlink-escape", outside && there)
		flag("symlink-dangling", !there)
	}
	flag("secret-exposed", secret && nine&0o004 != 0)
	flag("htaccess-unreadable", file && path.Base(p) == ".htaccess" && (nine&0o004 == 0 || s.closedToOthers(p)))
	return list
}

// follow tells whether a symlink at p that leads to a path leads out of the tree,
// and whether there is anything. What is absolute is out of the tree.
func (s snapshot) follow(p, to string) (outside, there bool) {
	if path.IsAbs(to) {
		_, err := os.Lstat(to)
		return true, err == nil
	}
	to = path.Join(path.Dir(p), to)
	if to == ".." || strings.HasPrefix(to, "../") {
		return true, to == ".." // the directory that the tree lies in
	}
	_, there = s[to]
	return false, there
}

// closedToOthers reports whether a directory above p keeps others out.
func (s snapshot) closedToOthers(p string) bool {
	for p != "." {
		p = path.Dir(p)
		if s[p].perm()&0o001 == 0 {
			return true
		}
	}
	return false
}

// few shows the first of a list.
func few(list []string) string {
	const most = 5
	if len(list) > most {
		list = append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", len(list)-most))
	}
	return strings.Join(list, "; ")
}
