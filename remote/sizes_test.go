package remote

import (
	"math"
	"testing"

	"hostperm/remote/fastlane"
)

func sized(size uint64) *Attr { return &Attr{Flags: fastlane.AttrSize, Size: size} }

// TestSizesLearn shows what is thought of directories after some of the same
// file system have been listed.
func TestSizesLearn(t *testing.T) {
	type tried struct {
		size  uint64
		whole bool
		times int
	}
	tests := []struct {
		name  string
		tried []tried
		small map[uint64]bool
	}{
		{"nothing yet", nil, map[uint64]bool{0: true, 4096: true, 4097: true, 8192: true, 30719: true, 30720: false, math.MaxUint64: false}},
		{"ext4: one block that was too much once", []tried{{4096, true, 40}, {4096, false, 5}}, map[uint64]bool{4096: true, 8192: true}},
		{"ext4: one block that is often too much", []tried{{4096, true, 4}, {4096, false, 5}}, map[uint64]bool{4096: false, 8192: true}},
		{"ext4: larger ones that are too much", []tried{{8192, true, 1}, {12288, false, 1}}, map[uint64]bool{4096: true, 8192: true, 12288: false, 16384: false}},
		{"ZFS: the size is the number of entries", []tried{{90, true, 10}, {130, false, 1}, {700, false, 1}},
			map[uint64]bool{20: true, 129: true, 130: false, 500: false}},
	}
	for _, test := range tests {
		s := newSizes()
		for _, x := range test.tried {
			for range x.times {
				s.tried(sized(x.size), x.whole)
			}
		}
		for size, want := range test.small {
			if got := s.wholeReads(sized(size)) > 0; got != want {
				t.Errorf("%s: size %d: small %v, want %v", test.name, size, got, want)
			}
		}
	}
}

// TestSizesUnknown has a server that sends no sizes: what is mostly too much is
// not tried any more.
func TestSizesUnknown(t *testing.T) {
	s, unknown := newSizes(), &Attr{}
	if s.wholeReads(unknown) != minWholeReads {
		t.Error("the first is not tried")
	}
	for range 3 {
		s.tried(unknown, false)
	}
	if s.wholeReads(unknown) != 0 {
		t.Error("tried again after three that were too much")
	}
	if got := s.reads(unknown); got != firstReads {
		t.Errorf("%d READDIRs for a directory of unknown size", got)
	}
}

// TestSizesReads bounds what the size of a directory, which a server makes up,
// can have sent.
func TestSizesReads(t *testing.T) {
	s := newSizes()
	for size, want := range map[uint64]int{0: firstReads, 4096: firstReads + 1, 1 << 20: firstReads + maxHint, 1 << 63: firstReads + maxHint} {
		if got := s.reads(sized(size)); got != want {
			t.Errorf("size %d: %d READDIRs, want %d", size, got, want)
		}
	}
	for size, want := range map[uint64]int{0: 2, 4096: 2, 4097: 4, 12288: 8, 30719: maxWholeReads} {
		if got := s.wholeReads(sized(size)); got != want {
			t.Errorf("size %d: %d READDIRs in one go, want %d", size, got, want)
		}
	}
	s.least = farWholeReads
	for size, want := range map[uint64]int{0: 3, 4096: 3, 4097: 5, 28671: maxWholeReads, 28672: 0} {
		if got := s.wholeReads(sized(size)); got != want {
			t.Errorf("far away, size %d: %d READDIRs in one go, want %d", size, got, want)
		}
	}
}
