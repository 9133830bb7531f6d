//go:build !race

package main

// slowdown is by how much a run is slower than without the race detector.
const slowdown = 1
