package remotetest

import (
	"encoding/binary"
	"io/fs"
	"os"
)

// lsetstatName is an extension of OpenSSH (its PROTOCOL document): Setstat that
// does not follow a symlink.
const lsetstatName = "lsetstat@openssh.com"

func isLSetstat(p Packet) bool {
	name, _, _ := cutString(p.Body)
	return p.Type == Extended && name == lsetstatName
}

// offerLSetstat adds the extension to a Version packet.
func offerLSetstat(raw []byte) []byte {
	p, err := ParsePacket(raw)
	if err != nil {
		return raw
	}
	p.Body = appendString(appendString(p.Body, lsetstatName), "1")
	return p.Bytes()
}

// lsetstat does the extension's work for modes, as OpenSSH on Linux does it: a
// symlink has no mode to change, and is answered with a failure. Other
// attributes are not supported.
func (s *Server) lsetstat(p Packet) Packet {
	_, rest, _ := cutString(p.Body)
	name, attrs, ok := cutString(rest)
	flags, _, hasFlags := cutUint32(attrs)
	if !ok || !hasFlags {
		return StatusPacket(p.ID, StatusBadMessage, "bad message")
	}
	if flags != attrPermissions || len(attrs) < 8 {
		return StatusPacket(p.ID, StatusUnsupported, "operation unsupported")
	}
	local := s.localPath(name)
	info, err := os.Lstat(local)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return StatusPacket(p.ID, StatusFailure, "failure")
	}
	if err == nil {
		err = os.Chmod(local, fileMode(binary.BigEndian.Uint32(attrs[4:])))
	}
	return statusOf(p.ID, err)
}

// statusOf gives the status that OpenSSH's server answers for an error.
func statusOf(id uint32, err error) Packet {
	switch {
	case err == nil:
		return StatusPacket(id, StatusOK, "success")
	case os.IsNotExist(err):
		return StatusPacket(id, StatusNoSuchFile, "no such file")
	case os.IsPermission(err):
		return StatusPacket(id, StatusPermissionDenied, "permission denied")
	}
	return StatusPacket(id, StatusFailure, "failure")
}

// fileMode turns the twelve permission bits of st_mode into Go's.
func fileMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	if mode&0o4000 != 0 {
		m |= fs.ModeSetuid
	}
	if mode&0o2000 != 0 {
		m |= fs.ModeSetgid
	}
	if mode&0o1000 != 0 {
		m |= fs.ModeSticky
	}
	return m
}
