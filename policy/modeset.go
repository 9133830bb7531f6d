package policy

import "math/bits"

// modeSet is what Modes ask for, compiled.
type modeSet struct {
	exact bool
	modes []Mode // with exact: those that are right, the wanted one first
	bits  Bits   // without
}

func compileModes(m *Modes, groupWrites bool) *modeSet {
	if m == nil {
		return nil
	}
	if m.Want == "" {
		var x modeSet
		if m.Require != "" {
			x.bits, _ = ParseBits(m.Require) // the parser has checked it
		}
		if m.Forbid != "" {
			forbidden, _ := ParseForbidden(m.Forbid)
			x.bits.Clear |= forbidden
		}
		return &x
	}
	x := &modeSet{exact: true}
	for _, text := range append([]string{m.Want}, m.Allow...) {
		mode, _ := ParseMode(text)
		x.modes = append(x.modes, mode)
	}
	if groupWrites {
		for _, mode := range x.modes {
			x.modes = append(x.modes, mode|mode&0o700>>3)
		}
	}
	return x
}

// right reports whether a mode is one of those expected: the nine permission
// bits are, and the special bits of the expected one are there.
func (x *modeSet) right(m Mode) bool {
	if !x.exact {
		return m&x.bits.Clear == 0 && x.bits.Set&^m == 0
	}
	for _, a := range x.modes {
		if m&PermBits == a&PermBits && a&^m == 0 {
			return true
		}
	}
	return false
}

// change gives the bits to remove and to add for m to become right. It goes to
// the wanted mode if that only removes bits; or else to the other right mode
// that only removes bits and keeps the most; or else to the wanted one.
func (x *modeSet) change(m Mode) (extra, missing Mode) {
	if !x.exact {
		return m & x.bits.Clear, x.bits.Set &^ m
	}
	to := x.modes[0]
	if to&^m != 0 {
		kept := -1
		for _, a := range x.modes[1:] {
			if n := bits.OnesCount16(uint16(a)); a&^m == 0 && n > kept {
				to, kept = a, n
			}
		}
	}
	return m & PermBits &^ to, to &^ m
}

// tighten is change for a secret: bits are only removed, and none of those that
// readers may need.
func (x *modeSet) tighten(m, readers Mode) (extra Mode) {
	if !x.exact {
		return m & x.bits.Clear &^ readers
	}
	m &= PermBits &^ readers
	best := m &^ x.modes[0]
	for _, a := range x.modes[1:] {
		if e := m &^ a; bits.OnesCount16(uint16(e)) < bits.OnesCount16(uint16(best)) {
			best = e
		}
	}
	return best
}
