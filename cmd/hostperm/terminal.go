package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/term"

	"hostperm/audit"
)

// terminal asks questions on the terminal device, so that stdin and stdout
// stay free for pipes. It implements remote.Prompter.
type terminal struct {
	in, out *os.File
	hold    func() (release func()) // keeps the progress line away meanwhile

	ctx atomic.Pointer[context.Context] // no question outlives it

	mu        sync.Mutex // one question at a time
	lines     *bufio.Reader
	abandoned bool // a read that nobody waits for would get the next answer
}

// openTerminal opens the controlling terminal. Without one it returns nil:
// nothing is asked then.
func (a *app) openTerminal(ctx context.Context) *terminal {
	in, out, err := openTerminalDevice()
	if err != nil {
		return nil
	}
	hold := func() func() { return a.line.Load().hold() }
	t := &terminal{in: in, out: out, hold: hold, lines: bufio.NewReader(in)}
	t.within(ctx)
	return t
}

// within ends the questions that are asked from now on with ctx. No terminal
// asks none.
func (t *terminal) within(ctx context.Context) {
	if t != nil {
		t.ctx.Store(&ctx)
	}
}

// Secret asks for a line that is not echoed.
func (t *terminal) Secret(prompt string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.hold()()
	fmt.Fprint(t.out, safeLines(prompt))
	state, err := term.GetState(int(t.in.Fd()))
	if err != nil {
		return "", fmt.Errorf("asking on the terminal: %w", err)
	}
	answer, err := t.await(func() (string, error) {
		b, err := term.ReadPassword(int(t.in.Fd()))
		return string(b), err
	})
	if err != nil {
		_ = term.Restore(int(t.in.Fd()), state) // the echo comes back even if the read still hangs
	}
	fmt.Fprintln(t.out)
	return answer, err
}

// Line asks for a line that is echoed. At the end of input it gives io.EOF.
func (t *terminal) Line(prompt string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.hold()()
	fmt.Fprint(t.out, safeLines(prompt))
	return t.await(func() (string, error) {
		line, err := t.lines.ReadString('\n')
		if err != nil && !(errors.Is(err, io.EOF) && line != "") {
			fmt.Fprintln(t.out) // the cursor still stands behind the question
			return "", err
		}
		return strings.TrimSpace(line), nil
	})
}

// Print shows text on the terminal, a question's context.
func (t *terminal) Print(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.hold()()
	fmt.Fprint(t.out, text)
}

// await runs a blocking read and stops waiting for it when the context ends. A
// read of a terminal cannot be cancelled: what is typed next belongs to a
// question that is gone, and later ones find the end of input.
func (t *terminal) await(read func() (string, error)) (string, error) {
	if t.abandoned {
		return "", io.EOF
	}
	type answer struct {
		line string
		err  error
	}
	ctx := *t.ctx.Load()
	got := make(chan answer, 1)
	go func() {
		line, err := read()
		got <- answer{line, err}
	}()
	select {
	case a := <-got:
		return a.line, a.err
	case <-ctx.Done():
		t.abandoned = true
		fmt.Fprintln(t.out)
		return "", ctx.Err()
	}
}

// Close gives the device back.
func (t *terminal) Close() {
	t.in.Close()
	if t.out != t.in {
		t.out.Close()
	}
}

// safeLines is audit.SafeText for a text of several lines.
func safeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = audit.SafeText(lines[i])
	}
	return strings.Join(lines, "\n")
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// widthOf is the width of the terminal behind a stream in columns, 0 if it is
// none.
func widthOf(stream any) int {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// choice is the value of a flag that takes auto, always or never.
type choice string

func (c *choice) String() string { return string(*c) }
func (c *choice) Type() string   { return "auto|always|never" }
func (c *choice) Set(s string) error {
	switch s {
	case "auto", "always", "never":
		*c = choice(s)
		return nil
	}
	return errors.New("want auto, always or never")
}

// on resolves the choice for a stream. A dumb terminal can neither erase a line
// nor show colours.
func (c choice) on(stream any) bool {
	return c == "always" || (c == "auto" && isTerminal(stream) && os.Getenv("TERM") != "dumb")
}

// colorOn resolves --color for a stream, with NO_COLOR (https://no-color.org)
// honoured where nothing was chosen.
func colorOn(c choice, stream any) bool {
	return c.on(stream) && !(c == "auto" && os.Getenv("NO_COLOR") != "")
}
