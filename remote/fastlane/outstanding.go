package fastlane

// outstanding are the requests that have no answer yet, by id. Ids are given out
// one after the other, and servers mostly answer in that order, so that a ring
// holds them. One that has no answer when the ring comes round to its place moves
// to a map: it makes neither grow.
type outstanding struct {
	ring []request // a power of two; op is 0 where there is none
	used int       // places in the ring
	late map[uint32]request
	last uint32 // id
}

// smallestRing is how many places a ring begins with.
const smallestRing = 64

// add takes a request in, and gives it an id.
func (o *outstanding) add(r request) uint32 {
	if o.used == len(o.ring) {
		o.grow()
	}
	o.last++
	for o.late != nil && o.isLate(o.last) {
		o.last++
	}
	at := o.place(o.last)
	if at.op != 0 {
		if o.late == nil {
			o.late = make(map[uint32]request)
		}
		o.late[at.id] = *at
		o.used--
	}
	*at = r
	at.id = o.last
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
	if at := o.place(id); at.op != 0 && at.id == id {
		r = *at
		*at = request{}
		o.used--
		return r, true
	}
	r, ok = o.late[id]
	delete(o.late, id)
	return r, ok
}

func (o *outstanding) count() int { return o.used + len(o.late) }

func (o *outstanding) place(id uint32) *request { return &o.ring[id&uint32(len(o.ring)-1)] }

// grow makes the ring twice as large. Those in different places before are so
// after.
func (o *outstanding) grow() {
	old := o.ring
	o.ring = make([]request, max(smallestRing, 2*len(old)))
	for i := range old {
		if old[i].op != 0 {
			*o.place(old[i].id) = old[i]
		}
	}
}
