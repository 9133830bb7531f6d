package policy

import (
	"fmt"
	"strings"
)

// Bits says of some of the twelve bits what they have to be.
type Bits struct {
	Set   Mode // have to be there
	Clear Mode // must not be there
}

// bitsOf are the read, write, execute and special bit of a class.
func bitsOf(class byte) (r, w, x, s, t Mode) {
	switch class {
	case 'u':
		return 0o400, 0o200, 0o100, Setuid, 0
	case 'g':
		return 0o040, 0o020, 0o010, Setgid, 0
	}
	return 0o004, 0o002, 0o001, 0, Sticky
}

// ParseBits reads what a mode is required to be, in the symbolic notation of
// chmod(1), clauses with commas between them: u+x has the bit, o-w lacks it,
// g=rx has exactly these of the three bits of that class, o= none. The letters
// before the sign are any of u, g, o and a (all); r, w, x, s (with u or g) and t
// (with o or a) come behind it. That two clauses contradict each other is an
// error.
func ParseBits(text string) (Bits, error) {
	var all Bits
	for clause := range strings.SplitSeq(text, ",") {
		b, err := parseClause(strings.TrimSpace(clause))
		if err != nil {
			return Bits{}, err
		}
		all.Set |= b.Set
		all.Clear |= b.Clear
	}
	if both := all.Set & all.Clear; both != 0 {
		return Bits{}, fmt.Errorf("%q wants %v both set and clear", text, both)
	}
	return all, nil
}

// ParseForbidden reads the bits that a mode must not have, as ParseBits reads
// them with a plus sign: o+w, go+w, u+s.
func ParseForbidden(text string) (Mode, error) {
	if strings.ContainsAny(text, "=-") {
		return 0, fmt.Errorf("%q: what is forbidden is written with +, as in o+w; to have no bit at all for others write require: o=", text)
	}
	b, err := ParseBits(text)
	return b.Set, err
}

func parseClause(clause string) (Bits, error) {
	sign := strings.IndexAny(clause, "+-=")
	if sign < 1 {
		return Bits{}, fmt.Errorf("%q is not a clause such as u+x, o-w or g=rx", clause)
	}
	var named, whole Mode
	who := strings.ReplaceAll(clause[:sign], "a", "ugo")
	for i := range len(who) {
		if !strings.Contains("ugo", who[i:i+1]) {
			return Bits{}, fmt.Errorf("%q: before the sign stand u, g, o or a", clause)
		}
		bits, err := lettersOf(who[i], clause[sign+1:])
		if err != nil {
			return Bits{}, fmt.Errorf("%q: %w", clause, err)
		}
		named |= bits
		r, w, x, _, _ := bitsOf(who[i])
		whole |= r | w | x
	}
	switch {
	case clause[sign] == '=':
		return Bits{Set: named, Clear: whole &^ named}, nil
	case named == 0:
		return Bits{}, fmt.Errorf("%q names no bit: r, w, x, s or t stand behind the sign", clause)
	case clause[sign] == '+':
		return Bits{Set: named}, nil
	}
	return Bits{Clear: named}, nil
}

// lettersOf gives the bits of one class that letters name. s means nothing for
// others and t nothing for owner and group, where chmod ignores them.
func lettersOf(class byte, letters string) (Mode, error) {
	var bits Mode
	r, w, x, s, t := bitsOf(class)
	for _, c := range letters {
		switch c {
		case 'r':
			bits |= r
		case 'w':
			bits |= w
		case 'x':
			bits |= x
		case 's':
			bits |= s
		case 't':
			bits |= t
		default:
			return 0, fmt.Errorf("%q is not one of r, w, x, s and t", c)
		}
	}
	return bits, nil
}
