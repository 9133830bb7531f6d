package remote

import (
	"hash/maphash"
	"slices"
)

const (
	// maxShown is how many names the walk remembers at once of the directories
	// that are being listed, at 8 bytes each: enough for some very large ones. Of
	// those beyond, nothing is remembered, and where the connection is lost in the
	// middle of one, the rest of it is a gap.
	maxShown = 1 << 19
	// spareShown is the largest memory that is kept for the next directory, in
	// names.
	spareShown = 1 << 10
)

// shown is what was shown of a directory that is not listed to the end yet: if
// its session ends it is listed anew, and nothing is shown twice. Of each name a
// hash is kept, with a seed that nobody knows, so that no name can be made up
// that passes for another.
type shown struct {
	hashes []uint64
	before int  // so many of them, in order, are of listings that were broken off
	lost   bool // there were too many
}

// memory is what a walk remembers of the directories that are being listed.
type memory struct {
	seed  maphash.Seed
	most  int // names
	names int
	spare []*shown
}

func newMemory() memory { return memory{seed: maphash.MakeSeed(), most: maxShown} }

// hash gives what is kept of a name.
func (m *memory) hash(name []byte) uint64 { return maphash.Bytes(m.seed, name) }

// has reports whether a name was shown in an earlier listing of d.
func (m *memory) has(d *Dir, hash uint64) bool {
	if d.shown == nil || d.shown.before == 0 {
		return false
	}
	_, found := slices.BinarySearch(d.shown.hashes[:d.shown.before], hash)
	return found
}

// add remembers that a name of d was shown.
func (m *memory) add(d *Dir, hash uint64) {
	s := d.shown
	switch {
	case s == nil && len(m.spare) > 0:
		s = m.spare[len(m.spare)-1]
		m.spare = m.spare[:len(m.spare)-1]
		d.shown = s
	case s == nil:
		s = &shown{}
		d.shown = s
	case s.lost:
		return
	}
	if m.names >= m.most {
		m.names -= len(s.hashes)
		*s = shown{lost: true}
		return
	}
	m.names++
	s.hashes = append(s.hashes, hash)
}

// breakOff makes d ready to be listed anew, and reports whether it can be
// without anything being shown twice.
func (m *memory) breakOff(d *Dir) bool {
	s := d.shown
	if s == nil {
		return true
	}
	slices.Sort(s.hashes)
	s.before = len(s.hashes)
	return !s.lost
}

// forget is for a directory that is not listed any more.
func (m *memory) forget(d *Dir) {
	s := d.shown
	if s == nil {
		return
	}
	d.shown = nil
	m.names -= len(s.hashes)
	if cap(s.hashes) <= spareShown && !s.lost {
		*s = shown{hashes: s.hashes[:0]}
		m.spare = append(m.spare, s)
	}
}
