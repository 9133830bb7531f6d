package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// kill ends a process and those that it started, each by its id.
func kill(pid int) {
	for _, pid := range append(descendants(pid), pid) {
		if p, err := os.FindProcess(pid); err == nil {
			p.Kill() // it may have ended meanwhile
		}
	}
}

// descendants gives the processes below pid, deepest first.
func descendants(pid int) []int {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	children := map[int][]int{}
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		// pid (name) state ppid ...; the name may hold anything
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if len(fields) > 1 {
			if parent, err := strconv.Atoi(fields[1]); err == nil {
				children[parent] = append(children[parent], child)
			}
		}
	}
	var below func(int) []int
	below = func(pid int) (all []int) {
		for _, child := range children[pid] {
			all = append(append(all, below(child)...), child)
		}
		return all
	}
	return below(pid)
}

// statusField gives a line of /proc/PID/status or /proc/PID/limits: what comes
// after the name, and a number as its first word, or 0.
func statusField(file, name string) int64 {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0 // it has just ended
	}
	for line := range bytes.Lines(data) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			if words := bytes.Fields(rest); len(words) > 0 {
				n, _ := strconv.ParseInt(string(words[0]), 10, 64)
				return n
			}
		}
	}
	return 0
}
