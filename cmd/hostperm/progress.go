package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"hostperm/remote"
)

// progressDelay is how long a walk runs before a progress line shows, and how
// often it is redrawn.
const (
	progressDelay    = 700 * time.Millisecond
	progressInterval = 150 * time.Millisecond
)

// progressLine redraws one line on a terminal while a walk runs. A nil
// progressLine does nothing.
type progressLine struct {
	out     io.Writer
	counts  *remote.Progress
	what    string
	started time.Time

	mu    sync.Mutex
	shown bool

	quit chan struct{}
	done chan struct{}
}

// startProgress shows a line on out until stop is called.
func startProgress(out io.Writer, what string, counts *remote.Progress) *progressLine {
	p := &progressLine{out: out, counts: counts, what: what, started: time.Now(),
		quit: make(chan struct{}), done: make(chan struct{})}
	go p.loop()
	return p
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
			if time.Since(p.started) >= progressDelay {
				p.draw()
			}
		}
	}
}

func (p *progressLine) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := progressText(p.what, p.counts, time.Since(p.started))
	if width := widthOf(p.out); width > 0 && len(line) >= width {
		line = line[:width-1]
	}
	fmt.Fprintf(p.out, "\r%s\x1b[K", line)
	p.shown = true
}

// clear takes the line away so that something else can be printed.
func (p *progressLine) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

// stop ends the line and takes it away.
func (p *progressLine) stop() {
	if p == nil {
		return
	}
	close(p.quit)
	<-p.done
	p.clear()
}

// progressText is what a progress line says.
func progressText(what string, counts *remote.Progress, elapsed time.Duration) string {
	entries := counts.Entries.Load()
	rate := int64(float64(entries) / max(elapsed.Seconds(), 0.001))
	return fmt.Sprintf("%s: %d directories, %d waiting, %d entries, %d/s, %s", what,
		counts.Listed.Load(), counts.Waiting.Load(), entries, rate, clock(elapsed))
}

// clock is m:ss, or h:mm:ss from an hour on.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
