package fastlane

// simple sends a request whose only field is a string.
func (s *Session) simple(kind byte, r request, arg string) {
	if s.begin(kind, r) {
		s.putString(arg)
		s.finish()
	}
}

// OpenDir asks for a handle to list a directory with. The server follows
// symlinks in every component of path.
func (s *Session) OpenDir(h Handler, tag int, path string) {
	s.simple(typeOpenDir, request{OpOpenDir, tag, h}, path)
}

// ReadDir asks for further entries of an opened directory. At the end of the
// listing the reply is an ErrEOF.
func (s *Session) ReadDir(h Handler, tag int, handle string) {
	s.simple(typeReadDir, request{OpReadDir, tag, h}, handle)
}

// Close gives a handle back. h may be nil: the reply is then dropped.
func (s *Session) Close(h Handler, tag int, handle string) {
	s.simple(typeClose, request{OpClose, tag, h}, handle)
}

// LStat asks for the attributes of an entry. It does not follow a symlink in
// the last component of path.
func (s *Session) LStat(h Handler, tag int, path string) {
	s.simple(typeLStat, request{OpLStat, tag, h}, path)
}

// ReadLink asks where a symlink leads. What is none is answered with an error
// of one kind or another. The reply's Names has one name, the target.
func (s *Session) ReadLink(h Handler, tag int, path string) {
	s.simple(typeReadLink, request{OpReadLink, tag, h}, path)
}

// Open asks for a handle to read a file. The server follows symlinks, and
// blocks on a FIFO; OpenSSH opens directories so too.
func (s *Session) Open(h Handler, tag int, path string) {
	if s.begin(typeOpen, request{OpOpen, tag, h}) {
		s.putString(path)
		s.putUint32(flagRead)
		s.putUint32(0) // no attributes
		s.finish()
	}
}

// FStat asks for the attributes of what a handle is open on.
func (s *Session) FStat(h Handler, tag int, handle string) {
	s.simple(typeFStat, request{OpFStat, tag, h}, handle)
}

// FSetStat sets the twelve permission bits of what a handle is open on.
func (s *Session) FSetStat(h Handler, tag int, handle string, perm uint16) {
	if s.begin(typeFSetStat, request{OpFSetStat, tag, h}) {
		s.putString(handle)
		s.putPerm(perm)
		s.finish()
	}
}

// LSetStat sets the twelve permission bits of an entry by the extension
// LSetStatExtension, which the server must have offered.
func (s *Session) LSetStat(h Handler, tag int, path string, perm uint16) {
	if s.begin(typeExtended, request{OpLSetStat, tag, h}) {
		s.putString(LSetStatExtension)
		s.putString(path)
		s.putPerm(perm)
		s.finish()
	}
}

func (s *Session) putPerm(perm uint16) {
	s.putUint32(AttrPermissions)
	s.putUint32(uint32(perm) & 0o7777)
}
