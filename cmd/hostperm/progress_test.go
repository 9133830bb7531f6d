package main

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"hostperm/remote"
)

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 999 * time.Millisecond: "0:00", 61 * time.Second: "1:01", 59*time.Minute + 59*time.Second: "59:59",
		time.Hour: "1:00:00", 26*time.Hour + 61*time.Second: "26:01:01",
	} {
		if got := clock(d); got != want {
			t.Errorf("clock(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestProgressTexts(t *testing.T) {
	counts := &remote.Progress{}
	counts.Listed.Store(1)
	counts.Waiting.Store(7)
	counts.Entries.Store(12345)
	if got, want := walkText("auditing", counts)(5*time.Second), "auditing: 1 directory, 7 waiting, 12,345 entries, 2469/s, 0:05"; got != want {
		t.Errorf("walk: %q, want %q", got, want)
	}
	if got, want := walkText("auditing", &remote.Progress{})(0), "auditing: 0 directories, 0 waiting, 0 entries, 0/s, 0:00"; got != want {
		t.Errorf("walk at its start: %q, want %q", got, want)
	}
	var done atomic.Int64
	done.Store(3)
	if got, want := changeText("repairing", &done, 2000)(time.Minute), "repairing: 3 of 2,000 changes, 1:00"; got != want {
		t.Errorf("changes: %q, want %q", got, want)
	}
}

// A line is taken away for what is printed meanwhile, and is not drawn while a
// question stands on the terminal.
func TestProgressGivesWay(t *testing.T) {
	var out bytes.Buffer
	a := &app{stderr: &out}
	p := &progressLine{out: &out, text: func(time.Duration) string { return "at work" }}
	a.line.Store(p)
	step := func(what, want string) {
		t.Helper()
		if out.String() != want {
			t.Errorf("%s: wrote %q, want %q", what, out.String(), want)
		}
		out.Reset()
	}
	p.draw(0)
	step("draw", "\rat work\x1b[K")
	a.warn("careful")
	step("a warning", "\r\x1b[Kwarning: careful\n")
	a.note("and on")
	step("nothing to take away", "and on\n")
	p.draw(0)
	release := a.line.Load().hold()
	step("hold", "\rat work\x1b[K\r\x1b[K")
	p.draw(0)
	step("held", "")
	release()
	p.draw(0)
	step("released", "\rat work\x1b[K")
	a.line.Store(nil)
	a.line.Load().hold()()
	a.line.Load().clear()
	step("no line", "")
}

// What is not wanted is not shown, and stopping is always possible.
func TestNoProgress(t *testing.T) {
	var out bytes.Buffer
	a := &app{stderr: &out}
	a.progress(false, func(time.Duration) string { return "no" })()
	stop := a.progress(true, connectingText)
	if a.line.Load() == nil {
		t.Error("the line is not known to what prints meanwhile")
	}
	stop()
	if a.line.Load() != nil || out.Len() > 0 {
		t.Errorf("work that ends at once wrote %q", out.String())
	}
}
