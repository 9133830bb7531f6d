package main

import (
	"fmt"
	"time"
)

// bar is a number that hostperm is to reach.
type bar struct {
	name     string // of the case
	rtt      int    // in ms, or anyRTT
	what     string
	limit    float64
	least    bool   // the limit is the least, not the most
	unit     string // after a number
	measured quantity
}

const anyRTT = -1

// quantity takes what a bar is about out of the results, if it is there.
type quantity func(r *results) (float64, bool)

// barList holds what is asked of hostperm: it decides nothing else.
func barList() []bar {
	return []bar{
		{"site", 0, "hostperm against ssh find", 1.4, false, "x", wallAgainst(hostperm, sshFind)},
		{"site", 0, "hostperm against its bare walk", 1.15, false, "x", wallAgainst(hostperm, bareWalk)},
		{"site", 0, "faster than rclone's best", 4.5, true, "x", fasterThan(rclone8, rclone64)},
		{"site", 50, "handles waited for, against ssh find", 2.4, false, "x", wallAgainst(waited, sshFind)},
		{"site", 50, "handles foreseen, against ssh find", 1.9, false, "x", wallAgainst(hostperm, sshFind)},
		{"site", 50, "faster than rclone with 64 checkers", 18, true, "x", fasterThan(rclone64)},
		{"site", 50, "faster than pkg/sftp, 1024 at once", 1.8, true, "x", fasterThan(library)},
		{"site", anyRTT, "client CPU for an entry", 4, false, " µs", cpuOf(hostperm)},
		{"big", 0, "hostperm against ssh find", 1.8, false, "x", wallAgainst(hostperm, sshFind)},
		{"big", 50, "hostperm against ssh find", 2.6, false, "x", wallAgainst(hostperm, sshFind)},
		{"big", anyRTT, "client CPU for an entry", 4, false, " µs", cpuOf(hostperm)},
		{"big", anyRTT, "peak memory", 40, false, " MiB", peakOfClient(hostperm)},
		{"growth", 0, "wall for an entry, largest tree to smallest", 1.3, false, "x", (*results).growth},
		{"wide", 50, "hostperm against ssh find", 2.2, false, "x", wallAgainst(hostperm, sshFind)},
		{"wide", anyRTT, "client CPU for an entry", 4, false, " µs", cpuOf(hostperm)},
		{"wide", anyRTT, "peak memory", 30, false, " MiB", peakOfClient(hostperm)},
		{"deep", 50, "round trips a level, handles waited for", 2.1, false, "", tripsOf(waited)},
		{"deep", 50, "round trips a level, handles foreseen", 1.1, false, "", tripsOf(hostperm)},
		{"fix", 50, "hostperm against ssh find -exec chmod", 3, false, "x", wallAgainst(hostpermFix, sshFindChmod)},
	}
}

// bars gives a line for each bar of this case at this distance.
func (r *results) bars() []string {
	var lines []string
	for _, b := range barList() {
		rtt := time.Duration(b.rtt) * time.Millisecond
		if b.name != r.name || b.rtt != anyRTT && rtt != r.lane.rtt {
			continue
		}
		lines = append(lines, fmt.Sprintf("bar: %s %v, %s: %s", r.name, r.lane, b.what, b.verdict(r)))
	}
	return lines
}

func (b bar) verdict(r *results) string {
	limit := "at most"
	if b.least {
		limit = "at least"
	}
	limit = fmt.Sprintf("(bar: %s %v%s)", limit, b.limit, b.unit)
	value, ok := b.measured(r)
	if !ok {
		return "not measured " + limit
	}
	verdict := "MISSED"
	if b.least && value >= b.limit || !b.least && value <= b.limit {
		verdict = "met"
	}
	return fmt.Sprintf("%.2f%s %s %s", value, b.unit, limit, verdict)
}

func wallAgainst(name, other string) quantity {
	return func(r *results) (float64, bool) {
		s, to := r.find(name), r.find(other)
		if s == nil || to == nil {
			return 0, false
		}
		return s.ratio(to), true
	}
}

// fasterThan compares hostperm with the fastest of the others.
func fasterThan(others ...string) quantity {
	return func(r *results) (best float64, ok bool) {
		for _, other := range others {
			ratio, measured := wallAgainst(other, hostperm)(r)
			if measured && (!ok || ratio < best) {
				best, ok = ratio, true
			}
		}
		return best, ok
	}
}

func cpuOf(name string) quantity        { return of(name, (*series).cpuPerEntry) }
func peakOfClient(name string) quantity { return of(name, (*series).peak) }

func of(name string, number func(*series) float64) quantity {
	return func(r *results) (float64, bool) {
		s := r.find(name)
		if s == nil {
			return 0, false
		}
		return number(s), true
	}
}

func tripsOf(name string) quantity {
	return func(r *results) (float64, bool) { return r.trips(name) }
}
