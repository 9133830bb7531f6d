package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"hostperm/audit/report"
	"hostperm/remote"
)

// progressDelay is how long work goes on before a progress line shows, and
// progressInterval how often it is redrawn.
const (
	progressDelay    = 700 * time.Millisecond
	progressInterval = 150 * time.Millisecond
)

// progressLine redraws one line on a terminal while work goes on.
type progressLine struct {
	out     io.Writer
	text    func(elapsed time.Duration) string
	started time.Time

	mu    sync.Mutex
	shown bool
	held  bool // a question stands on the terminal

	quit chan struct{}
	done chan struct{}
}

// progress shows a line on stderr, if on says so, until stop is called. There is
// one line at a time.
func (a *app) progress(on bool, text func(elapsed time.Duration) string) (stop func()) {
	if !on {
		return func() {}
	}
	p := &progressLine{out: a.stderr, text: text, started: time.Now(), quit: make(chan struct{}), done: make(chan struct{})}
	a.line.Store(p)
	go p.loop()
	return func() {
		close(p.quit)
		<-p.done
		p.clear()
		a.line.CompareAndSwap(p, nil)
	}
}

func (p *progressLine) loop() {
	defer close(p.done)
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-tick.C:
			if elapsed := time.Since(p.started); elapsed >= progressDelay {
				p.draw(elapsed)
			}
		}
	}
}

func (p *progressLine) draw(elapsed time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held {
		return
	}
	line := p.text(elapsed) // ASCII
	if width := widthOf(p.out); width > 0 && len(line) >= width {
		line = line[:width-1]
	}
	fmt.Fprintf(p.out, "\r%s\x1b[K", line)
	p.shown = true
}

// clear takes the line away until it is drawn again. A nil line has none.
func (p *progressLine) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
}

func (p *progressLine) wipe() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

// hold takes the line away until release is called.
func (p *progressLine) hold() (release func()) {
	if p == nil {
		return func() {}
	}
	set := func(held bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.held = held
		p.wipe()
	}
	set(true)
	return func() { set(false) }
}

// connectingText is the line while a server is reached and its root looked for.
func connectingText(elapsed time.Duration) string { return "connecting, " + clock(elapsed) }

// walkText is the line of a walk.
func walkText(what string, counts *remote.Progress) func(time.Duration) string {
	return func(elapsed time.Duration) string {
		entries := counts.Entries.Load()
		rate := int(float64(entries) / max(elapsed.Seconds(), 0.001))
		return fmt.Sprintf("%s: %s, %d waiting, %s, %d/s, %s", what,
			report.Count(int(counts.Listed.Load()), "directory", "directories"), counts.Waiting.Load(),
			report.Count(int(entries), "entry", "entries"), rate, clock(elapsed))
	}
}

// changeText is the line of changes that are made or put back.
func changeText(what string, done *atomic.Int64, total int) func(time.Duration) string {
	return func(elapsed time.Duration) string {
		return fmt.Sprintf("%s: %d of %s, %s", what, done.Load(), report.Count(total, "change", "changes"), clock(elapsed))
	}
}

// clock is m:ss, or h:mm:ss from an hour on.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
