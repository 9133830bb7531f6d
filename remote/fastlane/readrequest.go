package fastlane

// Stat asks for the attributes of what a path leads to: it follows symlinks.
func (s *Session) Stat(h Handler, tag int, path string) {
	s.simple(typeStat, request{op: OpStat, tag: tag, h: h}, path)
}

// RealPath asks for a path without symlinks, "." and "..". The reply's Names
// has one name. OpenSSH and ProFTPD resolve symlinks; others only tidy the text.
func (s *Session) RealPath(h Handler, tag int, path string) {
	s.simple(typeRealPath, request{op: OpRealPath, tag: tag, h: h}, path)
}

// Read asks for at most length bytes of an opened file from offset on. The
// server may send fewer although there are more; at the end of the file, and
// for a length of 0 on some servers, the reply is an ErrEOF. What it sends
// beyond length ends the session: it is no answer to the request.
func (s *Session) Read(h Handler, tag int, handle string, offset uint64, length uint32) {
	if s.begin(typeRead, request{op: OpRead, tag: tag, h: h, length: length}) {
		s.putString(handle)
		s.putUint64(offset)
		s.putUint32(length)
		s.finish()
	}
}
