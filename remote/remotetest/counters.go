package remotetest

import "sync/atomic"

type counters struct {
	connections  atomic.Int64
	authAttempts atomic.Int64
	sessions     atomic.Int64
	forwards     atomic.Int64
	requests     [256]atomic.Int64 // by Type
	handles      atomic.Int64
	peakHandles  atomic.Int64
}

// Connections counts the TCP connections accepted so far.
func (s *Server) Connections() int { return int(s.counters.connections.Load()) }

// AuthAttempts counts the credentials offered so far, by any client: right and
// wrong passwords, public keys asked about, signatures. A question which
// methods exist ("none") is no attempt.
func (s *Server) AuthAttempts() int { return int(s.counters.authAttempts.Load()) }

// Sessions counts the session channels opened so far.
func (s *Server) Sessions() int { return int(s.counters.sessions.Load()) }

// Forwards counts the direct-tcpip channels connected so far.
func (s *Server) Forwards() int { return int(s.counters.forwards.Load()) }

// Requests counts the SFTP requests received so far, of the given types or of
// all, whatever became of them.
func (s *Server) Requests(types ...Type) int {
	var n int64
	if len(types) == 0 {
		for i := range s.counters.requests {
			n += s.counters.requests[i].Load()
		}
	}
	for _, t := range types {
		n += s.counters.requests[t].Load()
	}
	return int(n)
}

// OpenHandles counts the SFTP handles given out and not closed, in all
// sessions that are still open.
func (s *Server) OpenHandles() int { return int(s.counters.handles.Load()) }

// PeakHandles gives the most that OpenHandles has been.
func (s *Server) PeakHandles() int { return int(s.counters.peakHandles.Load()) }

func (c *counters) opened() {
	n := c.handles.Add(1)
	for {
		peak := c.peakHandles.Load()
		if n <= peak || c.peakHandles.CompareAndSwap(peak, n) {
			return
		}
	}
}
