package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// attackCommand is how this program is told to be the attacker.
const attackCommand = "attack"

// attacker is a process of the tenant that exchanges entries of a tree as fast
// as it can.
type attacker struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

// startAttack starts one that leads to what is outside, under the same names.
func (r *soakRun) startAttack(outside string, fifos bool) (*attacker, error) {
	a := &attacker{cmd: exec.Command("/proc/self/exe", attackCommand, r.site, outside, strconv.FormatUint(r.seed, 10), strconv.FormatBool(fifos))}
	a.cmd.Stdout, a.cmd.Stderr = &a.out, &a.out
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(r.server.UID), Gid: uint32(r.server.GID)}}
	if err := a.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the attacker: %w", err)
	}
	return a, nil
}

// stop ends it and gives how many entries it has exchanged.
func (a *attacker) stop() (int, error) {
	a.cmd.Process.Signal(syscall.SIGTERM)
	if err := a.cmd.Wait(); err != nil {
		return 0, fmt.Errorf("the attacker: %w: %s", err, a.out.Bytes())
	}
	return strconv.Atoi(a.out.String())
}

// attack is the attacker's process. It prints how often it has exchanged an
// entry, when it is told to end.
func attack(args []string) int {
	if len(args) != 4 {
		return 2
	}
	seed, _ := strconv.ParseUint(args[2], 10, 64)
	s := &swapper{site: args[0], outside: args[1], fifos: args[3] == "true", rng: rand.New(rand.NewPCG(seed, 1))}
	filepath.WalkDir(s.site, func(name string, _ fs.DirEntry, err error) error {
		if rel, relErr := filepath.Rel(s.site, name); err == nil && relErr == nil && rel != "." {
			s.paths = append(s.paths, rel)
		}
		return nil
	})
	if len(s.paths) == 0 {
		fmt.Fprintln(os.Stderr, "there is nothing to exchange")
		return 1
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	for {
		select {
		case <-end:
			fmt.Print(s.swaps)
			return 0
		default:
			s.swap()
		}
	}
}

// swapper exchanges entries and puts them back.
type swapper struct {
	site, outside string
	fifos         bool
	rng           *rand.Rand
	paths         []string // relative to site
	swaps         int
}

// swap puts something else in the place of an entry, or of a directory above
// it, for some microseconds.
func (s *swapper) swap() {
	rel := s.paths[s.rng.IntN(len(s.paths))]
	for s.rng.IntN(3) == 0 && filepath.Dir(rel) != "." {
		rel = filepath.Dir(rel)
	}
	full, aside := filepath.Join(s.site, rel), filepath.Join(filepath.Dir(s.site), ".aside")
	if os.Rename(full, aside) != nil {
		return
	}
	if s.replace(full, rel) == nil {
		s.swaps++
		time.Sleep(time.Duration(s.rng.IntN(400)) * time.Microsecond)
	}
	os.Remove(full)
	os.Rename(aside, full)
}

// replace makes what takes the place of an entry: mostly what leads to the entry
// of the same name outside, which looks the same but for its owner.
func (s *swapper) replace(full, rel string) error {
	target := filepath.Join(s.outside, rel)
	switch s.rng.IntN(8) {
	case 0:
		return os.Link(target, full) // the kernel refuses it where hard links are protected
	case 1:
		other := s.paths[s.rng.IntN(len(s.paths))]
		return os.Link(filepath.Join(s.site, other), full)
	case 2:
		if s.fifos {
			return syscall.Mkfifo(full, 0o666)
		}
	case 3:
		up, err := filepath.Rel(filepath.Dir(full), target)
		if err != nil {
			return err
		}
		return os.Symlink(up, full)
	}
	return os.Symlink(target, full)
}

// mirror makes a tree that looks as the snapshot does, mode, size and time
// included, and belongs to root or to another tenant.
func mirror(s snapshot, to string, gid int) error {
	const other = 4242 // a uid that nobody has
	paths := make([]string, 0, len(s))
	for p := range s {
		if p != "." {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths) // a directory before what it holds
	err := os.Mkdir(to, 0o755)
	for i, p := range paths {
		name, e := filepath.Join(to, p), s[p]
		var made error
		switch e.kind() {
		case syscall.S_IFDIR:
			made = os.Mkdir(name, 0o755)
		case syscall.S_IFREG:
			made = os.WriteFile(name, make([]byte, e.size), 0o600)
		default:
			continue
		}
		err = errors.Join(err, made, os.Lchown(name, i%2*other, gid), syscall.Chmod(name, e.perm()))
		past := time.Unix(e.mtime.Unix())
		err = errors.Join(err, os.Chtimes(name, past, past))
	}
	return err
}
