package remote

import (
	"math"

	"hostperm/remote/fastlane"
)

const (
	// wholeReads is how many READDIRs list a directory in one go: one for the
	// entries of a directory of common size, and one that finds its end.
	wholeReads = 2
	// smallSize is the size, in bytes, of a directory that a listing in one go is
	// tried on: the smallest that ext4 has, with room for about a hundred names.
	smallSize = 4096
	// bytesPerReply is about what a hundred names take in a directory.
	bytesPerReply = 4096
	// maxHint is the most READDIRs that a directory is sent for its size alone.
	maxHint = 64
)

// sizes learns what the size of a directory says about the number of its
// entries, which differs with the file system: ext4 counts blocks that have
// been in use, btrfs and tmpfs bytes of names, ZFS entries. It is a guess to
// save time; wrong, it costs a round trip, or some READDIRs too many.
type sizes struct {
	cut    uint64 // the smallest size that was too large for one go
	whole  uint64 // the largest that was not
	wholes int
	cuts   int
}

func newSizes() sizes { return sizes{cut: math.MaxUint64} }

// small reports whether a directory is likely to be listed in one go.
func (s *sizes) small(a *Attr) bool {
	if a.Flags&fastlane.AttrSize == 0 {
		return s.cuts*4 <= s.wholes
	}
	return a.Size <= smallSize && (a.Size < s.cut || a.Size <= s.whole && s.cuts*4 <= s.wholes)
}

// tried takes in what came of a listing in one go.
func (s *sizes) tried(a *Attr, whole bool) {
	if whole {
		s.wholes++
		s.whole = max(s.whole, a.Size)
		return
	}
	s.cuts++
	if a.Flags&fastlane.AttrSize != 0 {
		s.cut = min(s.cut, a.Size)
	}
}

// reads gives the number of READDIRs to begin a directory with.
func (s *sizes) reads(a *Attr) int {
	if a.Flags&fastlane.AttrSize == 0 {
		return firstReads
	}
	return firstReads + int(min(a.Size/bytesPerReply, maxHint))
}
