package main

import (
	"fmt"
	"time"
)

// trips gives the round trips that each level of a deep tree takes, beyond what
// a tree of one level does.
func (r *results) trips(name string) (float64, bool) {
	deep, shallow := r.find(name), r.find(name+oneLevel)
	if deep == nil || shallow == nil || r.lane.rtt == 0 {
		return 0, false
	}
	levels := deep.tree.levels - shallow.tree.levels
	var all []float64
	for i := range deep.samples {
		more := deep.samples[i].wall - shallow.samples[i].wall
		all = append(all, more.Seconds()/r.lane.rtt.Seconds()/float64(levels))
	}
	return median(all), levels > 0
}

func tripLines(r *results) []string {
	var lines []string
	for _, name := range []string{hostperm, waited} {
		if trips, ok := r.trips(name); ok {
			lines = append(lines, fmt.Sprintf("%s: %.2f round trips a level", name, trips))
		}
	}
	return lines
}

// growth gives how much more the largest of the trees takes for an entry than
// the smallest, what connecting takes left out of both.
func (r *results) growth() (float64, bool) {
	if r.failures() > 0 {
		return 0, false
	}
	connecting := r.series[0].wall()
	small, large := r.series[1], r.series[len(r.series)-1]
	base := netPerEntry(small, connecting)
	return netPerEntry(large, connecting) / base, base > 0
}

func netPerEntry(s *series, connecting time.Duration) float64 {
	return perEntry(s.wall()-connecting, s.tree.entries())
}

func growthLines(r *results) []string {
	if r.failures() > 0 {
		return nil
	}
	ratio, ok := r.growth()
	if !ok {
		return []string{"growth: not measurable: the smallest tree takes no longer than connecting"}
	}
	connecting := r.series[0].wall()
	var lines []string
	whole := func(s *series) float64 { return perEntry(s.wall(), s.tree.entries()) }
	for _, s := range r.series[1:] {
		lines = append(lines, fmt.Sprintf("%s: %.2f µs an entry, %.2f without connecting", s.name, whole(s), netPerEntry(s, connecting)))
	}
	largest := r.series[len(r.series)-1]
	return append(lines, fmt.Sprintf("largest to smallest, by entry: %.2fx, %.2fx without connecting",
		whole(largest)/whole(r.series[1]), ratio))
}
