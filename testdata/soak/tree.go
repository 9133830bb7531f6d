package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// sprinkle says how much of a tree is broken.
type sprinkle int

const (
	thick   sprinkle = iota // most of it
	thin                    // one entry: what is not seen makes it look clean
	nowhere                 // nothing
)

// plant makes a tree of about n entries below root, by chance alone.
// closed allows directories that their owner cannot list.
func plant(rng *rand.Rand, root string, n int, how sprinkle, closed bool) error {
	p := &planter{rng: rng, root: root, dirs: []string{"."}}
	if err := os.Mkdir(root, 0o755); err != nil {
		return fmt.Errorf("make a tree: %w", err)
	}
	for range n {
		if err := p.add(); err != nil {
			return fmt.Errorf("make a tree: %w", err)
		}
	}
	if err := p.age(); err != nil {
		return fmt.Errorf("make a tree: %w", err)
	}
	if err := p.setModes(how, closed); err != nil {
		return fmt.Errorf("make a tree: %w", err)
	}
	return nil
}

type planter struct {
	rng   *rand.Rand
	root  string
	dirs  []string // relative, each before what it holds
	files []string // with FIFOs, which have modes too
	count int
}

// add makes one entry in a directory that there is already.
func (p *planter) add() error {
	dir := p.dirs[p.rng.IntN(len(p.dirs))]
	if strings.Count(dir, "/") > 8 {
		dir = "."
	}
	p.count++
	rel := filepath.Join(dir, p.name())
	full := filepath.Join(p.root, rel)
	switch chance := p.rng.IntN(100); {
	case chance < 20:
		p.dirs = append(p.dirs, rel)
		return os.Mkdir(full, 0o755)
	case chance < 23:
		return os.Symlink([]string{"/etc/passwd", "..", "nowhere", "/"}[p.rng.IntN(4)], full)
	case chance < 24:
		p.files = append(p.files, rel)
		return syscall.Mkfifo(full, 0o644)
	}
	p.files = append(p.files, rel)
	return os.WriteFile(full, make([]byte, p.rng.IntN(300)), 0o644)
}

// name gives one that no other entry of the directory has.
func (p *planter) name() string {
	odd := []string{
		"a b", "new\nline", "tab\t", "esc\x1b[2J", "\xff\xfe\x80", "ümlaut", "\u202egpj.exe", "quote'\"", "-rf", "$(id)",
		"back\\slash", "*", strings.Repeat("long", 50), "日本", "C1\u009b", " ", "=cmd", "<script>",
	}
	if p.rng.IntN(3) == 0 {
		return fmt.Sprintf("%s-%d", odd[p.rng.IntN(len(odd))], p.count)
	}
	return fmt.Sprintf("%s-%d.php", []string{"index", "post", "image", "wp-load", "x"}[p.rng.IntN(5)], p.count)
}

// age adds the files whose names mean something, and gives all files a past.
func (p *planter) age() error {
	for _, dir := range p.dirs {
		for name, chance := range map[string]float64{".htaccess": 0.2, ".env": 0.05} {
			if p.rng.Float64() >= chance {
				continue
			}
			rel := filepath.Join(dir, name)
			p.files = append(p.files, rel)
			if err := os.WriteFile(filepath.Join(p.root, rel), []byte("x"), 0o644); err != nil {
				return err
			}
		}
	}
	for _, rel := range p.files {
		past := time.Unix(1.6e9+p.rng.Int64N(1e8), 0)
		if err := os.Chtimes(filepath.Join(p.root, rel), past, past); err != nil {
			return err
		}
	}
	return nil
}

// setModes breaks what is to be broken, deepest first: a directory may close
// what is below it.
func (p *planter) setModes(how sprinkle, closed bool) error {
	fileModes := []uint32{0o666, 0o777, 0o600, 0o640, 0o755, 0o4755, 0o2664, 0o6777, 0o606, 0o400, 0o664, 0o1666}
	dirModes := []uint32{0o777, 0o1777, 0o775, 0o700, 0o750, 0o2775, 0o3777, 0o711, 0o2700}
	if closed {
		fileModes = append(fileModes, 0o000, 0o044, 0o222)
		dirModes = append(dirModes, 0o000, 0o300, 0o600, 0o055)
	}
	var err error
	put := func(rel string, mode uint32) {
		err = errors.Join(err, syscall.Chmod(filepath.Join(p.root, rel), mode))
	}
	only := ""
	if how == thin {
		only = p.files[p.rng.IntN(len(p.files))]
	}
	for _, rel := range p.files {
		if how == thick && p.rng.IntN(3) > 0 || rel == only {
			put(rel, fileModes[p.rng.IntN(len(fileModes))])
		}
	}
	for i := len(p.dirs) - 1; i > 0; i-- { // the root stays open
		if how == thick && p.rng.IntN(3) == 0 {
			put(p.dirs[i], dirModes[p.rng.IntN(len(dirModes))])
		}
	}
	return err
}

// uproot removes a tree, whatever its modes.
func uproot(root string) error {
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && err == nil {
			return os.Chmod(name, 0o700)
		}
		return nil
	})
	return errors.Join(err, os.RemoveAll(root))
}
