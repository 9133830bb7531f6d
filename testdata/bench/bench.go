package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bench is what all cases share: the server, the ways to it, and the programs.
type bench struct {
	settings settings
	scratch  string
	stderr   io.Writer
	user     string
	server   *server
	lanes    []lane
	proxies  []*proxy
	forest   *forest
	hostperm string
	foresees bool   // hostperm has --foresee
	self     string // this program
	env      []string
}

// lane is one way to the server.
type lane struct {
	rtt  time.Duration
	port int
}

func (l lane) addr() string   { return fmt.Sprintf("127.0.0.1:%d", l.port) }
func (l lane) String() string { return fmt.Sprintf("%d ms", l.rtt.Milliseconds()) }

// newBench sets all up. What it gives is to be closed even if there is an
// error besides.
func newBench(ctx context.Context, s settings, stderr io.Writer) (*bench, error) {
	scratch, err := os.MkdirTemp("", treePrefix)
	if err != nil {
		return nil, fmt.Errorf("make the scratch directory: %w", err)
	}
	b := &bench{settings: s, scratch: scratch, stderr: stderr}
	if err := b.place(); err != nil {
		return b, err
	}
	if err := b.findPrograms(ctx); err != nil {
		return b, err
	}
	return b, b.open(ctx)
}

// place makes the directories and says what clients have in their environment:
// no agent, and nobody's configuration.
func (b *bench) place() error {
	home := filepath.Join(b.scratch, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return fmt.Errorf("make a home: %w", err)
	}
	b.env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	dir := b.settings.dir
	if dir == "" {
		dir = filepath.Join(b.scratch, "trees")
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("make the directory for the trees: %w", err)
		}
	}
	b.forest = &forest{dir: dir, log: b.log}
	return nil
}

func (b *bench) findPrograms(ctx context.Context) (err error) {
	if b.self, err = os.Executable(); err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	for _, name := range []string{"ssh", "find"} {
		if _, err := findProgram(name); err != nil {
			return err
		}
	}
	if b.hostperm = b.settings.hostperm; b.hostperm == "" {
		if err := b.build(ctx); err != nil {
			return err
		}
	}
	help, err := exec.CommandContext(ctx, b.hostperm, "audit", "--help").Output()
	if err != nil {
		return fmt.Errorf("run hostperm audit --help: %w", err)
	}
	b.foresees = strings.Contains(string(help), "--foresee")
	return nil
}

// build makes hostperm from the module that the current directory is in, as a
// release is made.
func (b *bench) build(ctx context.Context) error {
	b.hostperm = filepath.Join(b.scratch, "hostperm")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.hostperm, "hostperm/cmd/hostperm")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build hostperm: %w\n%s", err, said)
	}
	return nil
}

// open starts the server and a proxy for each round trip time but 0.
func (b *bench) open(ctx context.Context) error {
	me, err := user.Current()
	if err != nil {
		return fmt.Errorf("find out who runs this: %w", err)
	}
	b.user = me.Username
	if b.server, err = startServer(ctx, b.scratch); err != nil {
		b.server = nil
		return err
	}
	// The way without delay is there for preparations even if it is not asked for.
	b.lanes = []lane{{0, b.server.port}}
	ports := []int{b.server.port}
	for _, rtt := range b.settings.rtts {
		if rtt == 0 {
			continue
		}
		p, err := startProxy(b.server.addr(), rtt/2)
		if err != nil {
			return err
		}
		b.proxies = append(b.proxies, p)
		b.lanes = append(b.lanes, lane{rtt, p.port()})
		ports = append(ports, p.port())
	}
	return b.server.know(ports)
}

// close ends all that was started, and removes what was made.
func (b *bench) close() error {
	for _, p := range b.proxies {
		p.close()
	}
	if b.server != nil {
		b.server.close()
	}
	if b.settings.keep {
		b.log("kept: %s", b.scratch)
		return nil
	}
	if err := os.RemoveAll(b.scratch); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the scratch directory: %w", err)
	}
	return nil
}

func (b *bench) log(format string, args ...any) {
	fmt.Fprintf(b.stderr, "bench: "+format+"\n", args...)
}

// lanesFor gives the ways on which a plan is measured.
func (b *bench) lanesFor(p plan) []lane {
	var lanes []lane
	for _, l := range b.lanes {
		if p.nearOnly && l.rtt == 0 || !p.nearOnly && slices.Contains(b.settings.rtts, l.rtt) {
			lanes = append(lanes, l)
		}
	}
	return lanes
}
