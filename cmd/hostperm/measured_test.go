package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// memoryFile in the environment, next to runAsHostperm, names a file in which
// the command leaves how much memory it took.
const memoryFile = "HOSTPERM_TEST_MEMORY"

// runMeasured is main, and tells how many bytes were taken from the system. The
// runtime never counts that down, so that it is the most at any time.
func runMeasured(file string) int {
	code := impatientApp().run(context.Background(), os.Args[1:])
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if err := os.WriteFile(file, fmt.Append(nil, m.Sys), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

// takenMiB gives what runMeasured left.
func takenMiB(t *testing.T, file string) int {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return n >> 20
}
