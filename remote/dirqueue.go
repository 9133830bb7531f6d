package remote

// dirQueue holds the directories that wait to be opened. The zero value is
// empty.
type dirQueue struct {
	ring []*Dir // its length is a power of two, or 0
	head int    // where the oldest is
	n    int
	size int // bytes that the directories take, at least
}

// dirSize is about how many bytes a Dir takes besides its path, with what a
// visitor keeps of it.
const dirSize = 256

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
	q.size += len(d.Path) + dirSize
}

// popOldest takes out the directory that has waited longest. The queue must
// not be empty, here and in popNewest.
func (q *dirQueue) popOldest() *Dir {
	d := q.ring[q.head]
	q.ring[q.head] = nil
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.n--
	q.size -= len(d.Path) + dirSize
	return d
}

func (q *dirQueue) popNewest() *Dir {
	q.n--
	at := (q.head + q.n) & (len(q.ring) - 1)
	d := q.ring[at]
	q.ring[at] = nil
	q.size -= len(d.Path) + dirSize
	return d
}
