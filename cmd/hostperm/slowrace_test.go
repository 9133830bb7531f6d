//go:build race

package main

import "os"

// slowdown is by how much the race detector, at least, makes a run slower.
const slowdown = 4

// Every command that a test starts would wait for a second before it exits, in
// case that one more race shows up. (The tests themselves still do.)
func init() {
	os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
}
