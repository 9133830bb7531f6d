package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// tree is a directory with what is below it, all of it clean by hostperm's
// default profile: directories 0755, files 0644, no name that is a secret's.
type tree struct {
	root   string
	dirs   int // with the root
	files  int
	levels int // of directories below the root, at most
}

func (t *tree) entries() int { return t.dirs + t.files }

// Every tree is in a directory of its own with this prefix, so that what an
// interrupted run left behind can be told from what is somebody's.
const treePrefix = "hostperm-bench-"

// forest makes trees in one directory, each once.
type forest struct {
	dir string
	log func(format string, args ...any)
}

// plant makes a tree, or finds the one that an earlier run completed. name
// stands for all that decides about the tree. All of it is read once, so that
// no contender finds the caches colder than the next.
func (f *forest) plant(ctx context.Context, name string, t tree, build func(ctx context.Context, root string) error) (*tree, error) {
	t.root = filepath.Join(f.dir, treePrefix+name)
	complete := t.root + ".complete"
	if !exists(t.root) || !exists(complete) {
		f.log("making %s: %d directories, %d files", t.root, t.dirs, t.files)
		if err := os.RemoveAll(t.root); err != nil {
			return nil, fmt.Errorf("remove what an earlier run left: %w", err)
		}
		if err := build(ctx, t.root); err != nil {
			return nil, fmt.Errorf("make the tree %s: %w", name, err)
		}
		if err := os.WriteFile(complete, nil, 0o644); err != nil {
			return nil, fmt.Errorf("mark the tree %s as complete: %w", name, err)
		}
	}
	seen, err := countLocally(ctx, t.root)
	if err != nil {
		return nil, fmt.Errorf("read the tree %s: %w", name, err)
	}
	if seen != t.entries() {
		return nil, fmt.Errorf("%s has %d entries, not %d: remove it to have it made anew", t.root, seen, t.entries())
	}
	return &t, nil
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// countLocally leaves the reading to find: this process stays small, which
// watchPeak likes.
func countLocally(ctx context.Context, root string) (int, error) {
	var lines lineCounter
	var complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, "find", root, "-printf", `%m %s\n`)
	cmd.Stdout, cmd.Stderr = &lines, &complaint
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("find: %w: %s", err, bytes.TrimSpace(complaint.Bytes()))
	}
	return lines.n, nil
}

// makeDir and makeFile give modes that no umask changes.
func makeDir(name string) error {
	if err := os.Mkdir(name, 0o755); err != nil {
		return err
	}
	return os.Chmod(name, 0o755)
}

func makeFile(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o644), f.Close())
}

// setFileModes gives every file of a tree one mode.
func (t *tree) setFileModes(mode fs.FileMode) error {
	return t.eachFile(func(name string, _ fs.DirEntry) error { return os.Chmod(name, mode) })
}

// wantFileModes looks whether every file has the mode.
func (t *tree) wantFileModes(mode fs.FileMode) error {
	return t.eachFile(func(name string, d fs.DirEntry) error {
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != mode {
			err = fmt.Errorf("%s is %04o, not %04o", name, info.Mode().Perm(), mode)
		}
		return err
	})
}

func (t *tree) eachFile(do func(name string, d fs.DirEntry) error) error {
	return filepath.WalkDir(t.root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return do(name, d)
	})
}

// wide has all its files in the root.
func (f *forest) wide(ctx context.Context, files int) (*tree, error) {
	name := fmt.Sprintf("wide-%d", files)
	return f.plant(ctx, name, tree{dirs: 1, files: files}, func(ctx context.Context, root string) error {
		if err := makeDir(root); err != nil {
			return err
		}
		for i := range files {
			if err := errors.Join(ctx.Err(), makeFile(filepath.Join(root, fmt.Sprintf("upload-%06d.jpg", i)))); err != nil {
				return err
			}
		}
		return nil
	})
}

// deep has each directory in the one before, and a file in each. The names are
// short: 500 levels fit in the 4095 bytes of a path.
func (f *forest) deep(ctx context.Context, levels int) (*tree, error) {
	name := fmt.Sprintf("deep-%d", levels)
	return f.plant(ctx, name, tree{dirs: 1 + levels, files: levels, levels: levels}, func(ctx context.Context, root string) error {
		if err := makeDir(root); err != nil {
			return err
		}
		dir := root
		for i := range levels {
			dir = filepath.Join(dir, fmt.Sprintf("d%03d", i))
			if err := errors.Join(ctx.Err(), makeDir(dir), makeFile(filepath.Join(dir, "index.html"))); err != nil {
				return err
			}
		}
		return nil
	})
}
