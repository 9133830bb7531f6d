package remote

import (
	"testing"
	"time"
)

// farServer is a clock and a server far away: it works on one directory at a time,
// and an answer takes a round trip besides.
type farServer struct {
	now  time.Time
	rtt  time.Duration
	work time.Duration
}

// serve has n windows of directories listed, all of which had to wait.
func (s *farServer) serve(f *flight, windows, lanes int) {
	for range windows {
		all := f.size * lanes
		s.now = s.now.Add(max(s.rtt, time.Duration(all)*s.work))
		for range all {
			f.full = true
			f.ended(lanes)
		}
	}
}

// TestFlightGrows has the window grow while that gets more done, and no
// further: with the distance, and with the speed of the server.
func TestFlightGrows(t *testing.T) {
	tests := []struct {
		name      string
		rtt, work time.Duration
		lanes     int
		min, max  int
	}{
		{"near", 0, 50 * time.Microsecond, 1, minFlight, 2 * minFlight},
		{"far", 50 * time.Millisecond, 50 * time.Microsecond, 1, 1000, oneFlight},
		{"far, a slow server", 50 * time.Millisecond, time.Millisecond, 1, 50, 250},
		{"far, eight sessions", 50 * time.Millisecond, 5 * time.Microsecond, 8, allFlight / 8, allFlight / 8},
	}
	for _, test := range tests {
		s := &farServer{now: time.Unix(1, 0), rtt: test.rtt, work: test.work}
		f := newFlight(0)
		f.now = func() time.Time { return s.now }
		for lane := range test.lanes {
			f.measured(test.rtt, lane+1)
		}
		s.serve(&f, 20, test.lanes)
		if f.size < test.min || f.size > test.max {
			t.Errorf("%s: a window of %d, want %d to %d", test.name, f.size, test.min, test.max)
		}
	}
}

// TestFlightWithoutWork has nothing wait for the window: it stays as it is.
func TestFlightWithoutWork(t *testing.T) {
	s := &farServer{now: time.Unix(1, 0)}
	f := newFlight(0)
	f.now = func() time.Time { return s.now }
	f.measured(0, 1)
	for range 1000 {
		s.now = s.now.Add(time.Millisecond)
		f.ended(1)
	}
	if f.size != minFlight {
		t.Errorf("a window of %d", f.size)
	}
}

func TestFlightFixed(t *testing.T) {
	f := newFlight(7)
	f.measured(time.Second, 1)
	for range 100 {
		f.full = true
		f.ended(1)
	}
	if f.size != 7 {
		t.Errorf("a window of %d, not the 7 that were asked for", f.size)
	}
}
