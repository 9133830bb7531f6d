//go:build race

package main

// slowdown is by how much the race detector, at least, makes a run slower.
const slowdown = 4
