package remote

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errNoTerminal is what a question comes to when there is nobody to ask.
var errNoTerminal = errors.New("there is no terminal to ask on")

// asker puts questions to a person, one at a time. While one waits for its
// answer the clock of the connection stands still, and a cancelled context ends
// the wait, even if the Prompter does not return.
type asker struct {
	prompter Prompter
	refusal  error // why nothing is asked although there may be a person; nil: it is, if there is one
	mu       sync.Mutex
	ctx      context.Context
	clock    *clock
}

// person tells whether there is somebody to ask.
func (a *asker) person() bool { return a.prompter != nil }

// during makes questions end with ctx, and hold up the clock.
func (a *asker) during(ctx context.Context, c *clock) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ctx, a.clock = ctx, c
}

// cancelled gives the reason why nothing more is to be asked; nil if there is
// none.
func (a *asker) cancelled() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	return nil
}

func (a *asker) line(prompt string) (string, error) {
	if a.prompter == nil {
		return "", errNoTerminal
	}
	return a.wait(func() (string, error) { return a.prompter.Line(prompt) })
}

func (a *asker) secret(prompt string) (string, error) {
	if a.prompter == nil {
		return "", errNoTerminal
	}
	return a.wait(func() (string, error) { return a.prompter.Secret(prompt) })
}

func (a *asker) wait(question func() (string, error)) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.ctx.Err(); err != nil {
		return "", context.Cause(a.ctx)
	}
	a.clock.pause()
	defer a.clock.resume()
	type reply struct {
		text string
		err  error
	}
	// Buffered: a Prompter that returns late finds nobody waiting.
	answered := make(chan reply, 1)
	go func() {
		text, err := question()
		answered <- reply{text, err}
	}()
	select {
	case r := <-answered:
		return r.text, r.err
	case <-a.ctx.Done():
		return "", context.Cause(a.ctx)
	}
}

// clock runs out once it has been running for a time, pauses not counted.
type clock struct {
	mu      sync.Mutex
	timer   *time.Timer
	left    time.Duration
	since   time.Time
	paused  int
	stopped bool
}

func startClock(d time.Duration, runsOut func()) *clock {
	return &clock{timer: time.AfterFunc(d, runsOut), left: d, since: time.Now()}
}

// pause stops the clock until resume has been called as often.
func (c *clock) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused++; c.paused == 1 && !c.stopped {
		c.timer.Stop()
		c.left -= time.Since(c.since)
	}
}

func (c *clock) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused--; c.paused == 0 && !c.stopped {
		c.since = time.Now()
		c.timer.Reset(max(c.left, 0))
	}
}

// stop ends the clock for good.
func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	c.timer.Stop()
}
