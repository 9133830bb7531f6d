package remotetest

import (
	"encoding/binary"
	"errors"
)

// Type is the type of an SFTP packet (draft-ietf-secsh-filexfer-02, section 3).
type Type uint8

// Types of packets.
const (
	Init     Type = 1
	Version  Type = 2
	Open     Type = 3
	Close    Type = 4
	Read     Type = 5
	Write    Type = 6
	Lstat    Type = 7
	Fstat    Type = 8
	Setstat  Type = 9
	Fsetstat Type = 10
	Opendir  Type = 11
	Readdir  Type = 12
	Remove   Type = 13
	Mkdir    Type = 14
	Rmdir    Type = 15
	Realpath Type = 16
	Stat     Type = 17
	Rename   Type = 18
	Readlink Type = 19
	Symlink  Type = 20
	Status   Type = 101
	Handle   Type = 102
	Data     Type = 103
	Name     Type = 104
	Attrs    Type = 105
	Extended Type = 200
)

// Status codes of a Status packet (section 7 of the draft).
const (
	StatusOK               uint32 = 0
	StatusEOF              uint32 = 1
	StatusNoSuchFile       uint32 = 2
	StatusPermissionDenied uint32 = 3
	StatusFailure          uint32 = 4
	StatusBadMessage       uint32 = 5
	StatusUnsupported      uint32 = 8
)

// maxPacket is the largest packet taken from a client, as OpenSSH limits it.
const maxPacket = 256 << 10

var errMalformed = errors.New("malformed packet")

// Packet is an SFTP packet.
type Packet struct {
	Type Type
	ID   uint32 // request id; the version number in Init and Version
	Body []byte // what follows the id
}

// ParsePacket takes apart the bytes of one whole packet, its length field
// included.
func ParsePacket(raw []byte) (Packet, error) {
	if len(raw) < 9 || binary.BigEndian.Uint32(raw) != uint32(len(raw)-4) {
		return Packet{}, errMalformed
	}
	return Packet{Type: Type(raw[4]), ID: binary.BigEndian.Uint32(raw[5:]), Body: raw[9:]}, nil
}

// Bytes is the inverse of ParsePacket.
func (p Packet) Bytes() []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 9+len(p.Body)), uint32(5+len(p.Body)))
	b = append(b, byte(p.Type))
	b = binary.BigEndian.AppendUint32(b, p.ID)
	return append(b, p.Body...)
}

// StatusPacket makes the reply to a request that has no other result.
func StatusPacket(id, code uint32, message string) Packet {
	b := binary.BigEndian.AppendUint32(nil, code)
	b = appendString(b, message)
	return Packet{Type: Status, ID: id, Body: appendString(b, "")}
}

// NameEntry is one name in a Name packet.
type NameEntry struct {
	Filename string
	Longname string
	Attrs    []byte // as on the wire: flags, then the fields that they announce
}

// ModeAttrs makes attributes that hold st_mode alone.
func ModeAttrs(mode uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, attrPermissions)
	return binary.BigEndian.AppendUint32(b, mode)
}

// NamePacket makes the reply to a Readdir, Realpath or Readlink.
func NamePacket(id uint32, entries []NameEntry) Packet {
	size := 4
	for i := range entries {
		e := &entries[i]
		size += 8 + len(e.Filename) + len(e.Longname) + len(e.Attrs)
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 0, size), uint32(len(entries)))
	for i := range entries {
		e := &entries[i]
		b = appendString(b, e.Filename)
		b = appendString(b, e.Longname)
		b = append(b, e.Attrs...)
	}
	return Packet{Type: Name, ID: id, Body: b}
}

// ParseNames takes apart the body of a Name packet.
func ParseNames(body []byte) ([]NameEntry, error) {
	n, rest, ok := cutUint32(body)
	if !ok {
		return nil, errMalformed
	}
	var entries []NameEntry
	for ; n > 0; n-- {
		var e NameEntry
		var size int
		if e.Filename, rest, ok = cutString(rest); !ok {
			return nil, errMalformed
		}
		if e.Longname, rest, ok = cutString(rest); !ok {
			return nil, errMalformed
		}
		if size, ok = attrsSize(rest); !ok {
			return nil, errMalformed
		}
		e.Attrs, rest = rest[:size:size], rest[size:]
		entries = append(entries, e)
	}
	return entries, nil
}

// Bits of an attributes' flags field (section 5 of the draft).
const (
	attrSize        = 0x00000001
	attrUIDGID      = 0x00000002
	attrPermissions = 0x00000004
	attrACModTime   = 0x00000008
	attrExtended    = 0x80000000
)

// attrsSize measures the attributes at the beginning of b.
func attrsSize(b []byte) (int, bool) {
	flags, _, ok := cutUint32(b)
	if !ok {
		return 0, false
	}
	fixed := modeOffset(flags)
	if flags&attrPermissions != 0 {
		fixed += 4
	}
	if flags&attrACModTime != 0 {
		fixed += 8
	}
	if len(b) < fixed {
		return 0, false
	}
	if flags&attrExtended == 0 {
		return fixed, true
	}
	n, rest, ok := cutUint32(b[fixed:])
	for ; ok && n > 0; n-- {
		if _, rest, ok = cutString(rest); ok {
			_, rest, ok = cutString(rest)
		}
	}
	return len(b) - len(rest), ok
}

// modeOffset gives where the mode stands in attributes with the given flags,
// or would stand.
func modeOffset(flags uint32) int {
	offset := 4
	if flags&attrSize != 0 {
		offset += 8
	}
	if flags&attrUIDGID != 0 {
		offset += 8
	}
	return offset
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func cutUint32(b []byte) (uint32, []byte, bool) {
	if len(b) < 4 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint32(b), b[4:], true
}

func cutString(b []byte) (string, []byte, bool) {
	n, rest, ok := cutUint32(b)
	if !ok || uint64(n) > uint64(len(rest)) {
		return "", nil, false
	}
	return string(rest[:n]), rest[n:], true
}
