package fastlane

// Attr is the ATTRS structure of SFTP version 3, section 5 of
// draft-ietf-secsh-filexfer-02. A field means something only if its bit is in
// Flags: a server may leave any of them out.
type Attr struct {
	Flags        uint32
	Size         uint64 // bytes
	UID, GID     uint32
	Mode         uint32 // st_mode: type and permission bits
	Atime, Mtime uint32 // seconds since 1970

	// Links is the number of hard links of a regular file, 0 if it is not known.
	// It is no part of the structure: only a listing tells it, in words.
	Links uint32
}

// Bits of Attr.Flags.
const (
	AttrSize        uint32 = 0x00000001
	AttrUIDGID      uint32 = 0x00000002
	AttrPermissions uint32 = 0x00000004
	AttrACModTime   uint32 = 0x00000008
	AttrExtended    uint32 = 0x80000000
)

// File type bits of Attr.Mode, as POSIX's <sys/stat.h> numbers them on Linux.
const (
	TypeMask        uint32 = 0o170000
	TypeFIFO        uint32 = 0o010000
	TypeCharDevice  uint32 = 0o020000
	TypeDir         uint32 = 0o040000
	TypeBlockDevice uint32 = 0o060000
	TypeRegular     uint32 = 0o100000
	TypeSymlink     uint32 = 0o120000
	TypeSocket      uint32 = 0o140000
)

// HasMode reports whether the server sent the mode.
func (a *Attr) HasMode() bool { return a.Flags&AttrPermissions != 0 }

// Type gives the file type bits, 0 if the server did not send the mode.
func (a *Attr) Type() uint32 {
	if !a.HasMode() {
		return 0
	}
	return a.Mode & TypeMask
}

// Perm gives the twelve permission bits, 0 if the server did not send the mode.
func (a *Attr) Perm() uint16 {
	if !a.HasMode() {
		return 0
	}
	return uint16(a.Mode & 0o7777)
}
