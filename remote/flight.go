package remote

import "time"

const (
	// perDir is how long a server is taken to work on one directory of common
	// size, with several sessions at work: a window is first made as large as
	// will keep the server busy for a round trip.
	perDir = 400 * time.Microsecond

	minFlight = 32   // in each session
	oneFlight = 1024 // at most, in each session
	allFlight = 2048 // at most, in all: what has been answered and not yet read costs memory
	// worthwhile is by how much more a larger window must get done for it to be
	// made larger yet.
	worthwhile = 1.15
)

// flight is how many directories are asked for at once in each session. It
// grows while that gets more done: far away the round trips in flight decide
// how fast a walk is, near by a large window only costs.
type flight struct {
	size  int
	fixed bool
	full  bool // directories had to wait since the last look
	now   func() time.Time

	began time.Time // of the count
	left  int       // directories until the next look
	rate  float64   // the best so far, in directories a second
}

func newFlight(fixed int) flight {
	if fixed > 0 {
		return flight{size: fixed, fixed: true}
	}
	return flight{size: minFlight, now: time.Now}
}

// measured takes in the round trip time of one more session.
func (f *flight) measured(rtt time.Duration, lanes int) {
	if f.fixed {
		return
	}
	if lanes == 1 {
		f.size = max(int(rtt/perDir), minFlight)
	} else {
		f.rate *= float64(lanes) / float64(lanes-1)
	}
	f.look(lanes)
}

// ended counts a directory, and grows the window if it may.
func (f *flight) ended(lanes int) {
	if f.left--; f.fixed || f.left > 0 {
		return
	}
	took := f.now().Sub(f.began).Seconds()
	rate := float64(f.size*lanes) / max(took, 1e-9)
	if f.full && rate > worthwhile*f.rate {
		f.rate = rate
		f.size *= 2
	}
	f.look(lanes)
}

func (f *flight) look(lanes int) {
	f.size = min(f.size, oneFlight, max(allFlight/lanes, minFlight))
	f.began, f.left, f.full = f.now(), f.size*lanes, false
}
