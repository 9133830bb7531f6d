package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"testing"
)

// TestQuestionEndsWithItsTarget has the time of one target run out while a
// question stands: it ends, and what is typed then answers no later question.
func TestQuestionEndsWithItsTarget(t *testing.T) {
	in, keys, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	out, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	tty := &terminal{in: in, out: out, hold: func() func() { return func() {} }, lines: bufio.NewReader(in)}

	tty.within(t.Context()) // of the whole run
	first, end := context.WithCancel(t.Context())
	tty.within(first)
	if _, err := io.WriteString(keys, "y\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := tty.Line("? "); answer != "y" || err != nil {
		t.Errorf("%q, %v", answer, err)
	}
	end()
	if _, err := tty.Line("? "); !errors.Is(err, context.Canceled) {
		t.Errorf("a question outlives its target: %v", err)
	}

	tty.within(t.Context())
	if _, err := io.WriteString(keys, "y\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := tty.Line("? "); answer != "" || !errors.Is(err, io.EOF) {
		t.Errorf("an answer to a question that is gone counts: %q, %v", answer, err)
	}
}
