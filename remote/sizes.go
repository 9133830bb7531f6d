package remote

import (
	"math"

	"hostperm/remote/fastlane"
)

const (
	// smallSize is the size, in bytes, of the smallest directory that ext4 has,
	// with room for one to two hundred names. Up to it a listing in one go has
	// minWholeReads READDIRs: one for the entries of a directory of common size,
	// and one that finds its end. Far away it has one more: a READDIR behind the
	// end costs the server little, and one that is missing two round trips.
	smallSize     = 4096
	minWholeReads = 2
	farWholeReads = 3
	// A larger one has one more for every bytesPerWholeRead, which is where even
	// short names need no more than that, and is tried up to maxWholeReads.
	bytesPerWholeRead = 2048
	maxWholeReads     = 16
	// bytesPerReply is about what a hundred names take in a directory.
	bytesPerReply = 4096
	// maxHint is the most READDIRs that a directory is sent for its size alone.
	maxHint = 64
)

// sizes learns what the size of a directory says about the number of its
// entries, which differs with the file system: ext4 counts blocks that have
// been in use, btrfs and tmpfs bytes of names, ZFS entries. It is a guess to
// save time; wrong, it costs a round trip, or some READDIRs too many. Small
// directories and larger ones, which get more READDIRs, are learned of apart.
type sizes struct {
	least         int // READDIRs of a listing in one go
	small, larger learned
}

type learned struct {
	cut    uint64 // the smallest size that was too large for one go
	whole  uint64 // the largest that was not
	wholes int
	cuts   int
}

func newSizes() sizes {
	none := learned{cut: math.MaxUint64}
	return sizes{minWholeReads, none, none}
}

// of gives what is learned of directories such as this one.
func (s *sizes) of(a *Attr) *learned {
	if a.Flags&fastlane.AttrSize != 0 && a.Size > smallSize {
		return &s.larger
	}
	return &s.small
}

// wholeReads gives the number of READDIRs that are likely to list a directory in
// one go; 0: it is not to be tried.
func (s *sizes) wholeReads(a *Attr) int {
	k := s.of(a)
	mostly := k.cuts*4 <= k.wholes
	reads := s.least
	switch {
	case a.Flags&fastlane.AttrSize == 0:
		if !mostly {
			return 0
		}
		return reads
	case a.Size > smallSize:
		if reads += int(min(a.Size/bytesPerWholeRead, maxWholeReads)); reads > maxWholeReads {
			return 0
		}
	}
	if a.Size < k.cut || a.Size <= k.whole && mostly {
		return reads
	}
	return 0
}

// tried takes in what came of a listing in one go.
func (s *sizes) tried(a *Attr, whole bool) {
	k := s.of(a)
	if whole {
		k.wholes++
		k.whole = max(k.whole, a.Size)
		return
	}
	k.cuts++
	if a.Flags&fastlane.AttrSize != 0 {
		k.cut = min(k.cut, a.Size)
	}
}

// reads gives the number of READDIRs to begin a directory with.
func (s *sizes) reads(a *Attr) int {
	if a.Flags&fastlane.AttrSize == 0 {
		return firstReads
	}
	return firstReads + int(min(a.Size/bytesPerReply, maxHint))
}
