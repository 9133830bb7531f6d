package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// said is how a run of hostperm ended.
type said struct {
	status         int // -1: it was killed
	stdout, stderr []byte
	proxy          *proxy // closed, for its counts
}

// hostperm runs it through a proxy with these faults. One that strikes kills it.
func (r *soakRun) hostperm(faults []fault, command string, args ...string) (said, error) {
	cmd := exec.CommandContext(r.ctx, r.settings.hostperm)
	started := make(chan struct{})
	for i := range faults {
		faults[i].then = func() { <-started; cmd.Process.Kill() }
	}
	p, err := startProxy(r.server.Addr(), faults...)
	if err != nil {
		return said{}, err
	}
	cmd.Args = append(cmd.Args, command, "--port", strconv.Itoa(p.port()), "--host-key", r.server.fingerprint(),
		"-F", "none", "-i", r.server.KeyFile, "--timeout", r.settings.patience.String())
	cmd.Args = append(cmd.Args, args...)
	cmd.Env = []string{"HOME=" + r.home, "PATH=" + os.Getenv("PATH"), "XDG_STATE_HOME=" + r.state()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // without a terminal, as from cron
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	// --timeout is what ends it. That it hangs longer is its fault, not a reason to.
	hangs := time.AfterFunc(r.settings.patience+20*time.Second, func() { <-started; cmd.Process.Signal(syscall.SIGABRT) })
	defer hangs.Stop()
	err = cmd.Start()
	close(started)
	if err == nil {
		err = cmd.Wait()
	}
	p.close()
	r.last = said{cmd.ProcessState.ExitCode(), out.Bytes(), complaint.Bytes(), p}
	_, met, _ := p.counts()
	r.faults = append(r.faults, faults[:min(met, len(faults))]...)
	var exit *exec.ExitError
	switch {
	case r.ctx.Err() != nil:
		return r.last, r.ctx.Err()
	case err != nil && !errors.As(err, &exit):
		return r.last, fmt.Errorf("run hostperm: %w", err)
	case bytes.Contains(r.last.stderr, []byte("SIGABRT")):
		return r.last, wrongf("it did not end after --timeout")
	case bytes.Contains(r.last.stderr, []byte("panic:")), bytes.Contains(r.last.stderr, []byte("goroutine ")):
		return r.last, wrongf("it panicked")
	case r.last.status == 2 || r.last.status == 130:
		return r.last, wrongf("exit status %d", r.last.status)
	}
	return r.last, nil
}

// state is where hostperm keeps its own.
func (r *soakRun) state() string { return filepath.Join(r.home, "state") }

// target names the tree as hostperm does.
func (r *soakRun) target() string { return r.server.User + "@" + r.server.Host + ":site" }

// harm chooses faults that come at a byte among those that a run of this kind
// sends undisturbed: once, a few times in a row, or on every connection.
func (r *soakRun) harm(kind string) []fault {
	times := []int{1, 1, 1, 2, 3, 50}[r.rng.IntN(6)]
	var list []fault
	for range times {
		f := r.place(kind)
		f.kind = []faultKind{cut, reset, stall}[r.rng.IntN(3)]
		list = append(list, f)
	}
	return list
}

// place chooses a byte.
func (r *soakRun) place(kind string) fault {
	way := direction(r.rng.IntN(2))
	return fault{way: way, after: r.rng.Int64N(max(1, r.moved[kind][way]))}
}

// measure makes a run of a kind undisturbed, the first time, and keeps its bytes.
func (r *soakRun) measure(kind string, run func() (said, error)) error {
	if _, known := r.moved[kind]; known {
		return nil
	}
	s, err := run()
	if err != nil {
		return err
	}
	_, _, r.moved[kind] = s.proxy.counts()
	return nil
}
