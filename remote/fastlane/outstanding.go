package fastlane

// outstanding are the requests that have no answer yet, by id. Ids are given out
// one after the other, and servers mostly answer in that order, so that a ring
// holds them. One that has no answer when the ring comes round to its place moves
// to a map: it makes neither grow.
type outstanding struct {
	ring []place // a power of two
	used int     // places in the ring
	late map[uint32]request
	last uint32 // id
}

type place struct {
	id    uint32
	taken bool
	request
}

// smallestRing is how many places a ring begins with.
const smallestRing = 64

// add takes a request in, and gives it an id.
func (o *outstanding) add(r request) uint32 {
	if 2*o.used >= len(o.ring) {
		o.grow()
	}
	o.last++
	for o.late != nil && o.isLate(o.last) {
		o.last++
	}
	at := o.place(o.last)
	if at.taken {
		if o.late == nil {
			o.late = make(map[uint32]request)
		}
		o.late[at.id] = at.request
		o.used--
	}
	*at = place{o.last, true, r}
	o.used++
	return o.last
}

func (o *outstanding) isLate(id uint32) bool {
	_, is := o.late[id]
	return is
}

// take takes the request with an id out, if there is one.
func (o *outstanding) take(id uint32) (r request, ok bool) {
	if len(o.ring) == 0 {
		return request{}, false
	}
	if at := o.place(id); at.taken && at.id == id {
		r = at.request
		*at = place{}
		o.used--
		return r, true
	}
	r, ok = o.late[id]
	delete(o.late, id)
	return r, ok
}

func (o *outstanding) count() int { return o.used + len(o.late) }

func (o *outstanding) place(id uint32) *place { return &o.ring[id&uint32(len(o.ring)-1)] }

// grow makes the ring twice as large. Those in different places before are so
// after.
func (o *outstanding) grow() {
	old := o.ring
	o.ring = make([]place, max(smallestRing, 2*len(old)))
	for i := range old {
		if old[i].taken {
			*o.place(old[i].id) = old[i]
		}
	}
}
