package remote

// dirQueue holds the directories that wait to be opened. The zero value is
// empty.
type dirQueue struct {
	ring []*Dir // its length is a power of two, or 0
	head int    // where the oldest is
	n    int
}

func (q *dirQueue) len() int { return q.n }

func (q *dirQueue) push(d *Dir) {
	if q.n == len(q.ring) {
		ring := make([]*Dir, max(64, 2*len(q.ring)))
		for i := range q.n {
			ring[i] = q.ring[(q.head+i)&(len(q.ring)-1)]
		}
		q.ring, q.head = ring, 0
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = d
	q.n++
}

// popOldest takes out the directory that has waited longest. The queue must
// not be empty, here and in popNewest.
func (q *dirQueue) popOldest() *Dir {
	d := q.ring[q.head]
	q.ring[q.head] = nil
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.n--
	return d
}

func (q *dirQueue) popNewest() *Dir {
	q.n--
	at := (q.head + q.n) & (len(q.ring) - 1)
	d := q.ring[at]
	q.ring[at] = nil
	return d
}
