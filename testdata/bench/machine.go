package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine describes what the numbers depend on, in one line.
func (b *bench) machine() string {
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		kernel = []byte("unknown")
	}
	memory := float64(statusField("/proc/meminfo", "MemTotal:")) / (1 << 20)
	return strings.Join([]string{
		fmt.Sprintf("%d CPUs%s for client and server together", runtime.NumCPU(), processor()),
		fmt.Sprintf("%.0f GiB of memory", memory),
		fmt.Sprintf("Linux %s", bytes.TrimSpace(kernel)),
		b.server.banner,
		runtime.Version(),
	}, ", ")
}

// processor gives the model in parentheses, or nothing where it is not told.
func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return " (" + strings.TrimSpace(value) + ")"
		}
	}
	return ""
}
