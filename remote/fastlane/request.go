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
	s.simple(typeOpenDir, request{op: OpOpenDir, tag: tag, h: h}, path)
}

// ReadDir asks for further entries of an opened directory. At the end of the
// listing the reply is an ErrEOF.
func (s *Session) ReadDir(h Handler, tag int, handle string) {
	s.simple(typeReadDir, request{op: OpReadDir, tag: tag, h: h}, handle)
}

// Close gives a handle back. h may be nil: the reply is then dropped.
func (s *Session) Close(h Handler, tag int, handle string) {
	if s.begin(typeClose, request{op: OpClose, tag: tag, h: h}) {
		s.putString(handle)
		s.handles.giveBack(handle)
		s.finish()
	}
}

// Foresees reports whether the handles that the server gives out can be
// foreseen: one at least was, and none since was of another kind or order.
func (s *Session) Foresees() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handles.proven
}

// Foresee has handles foreseen before this session has given out its first, where
// what they look like is known: from another session with the same server, or by
// which server it is. What is asked for so counts only if the server proves it.
func (s *Session) Foresee() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handles.proven = s.handles.proven || !s.handles.off
}

// Probe opens a directory and closes it again, to see what the server's handles
// look like before it matters.
func (s *Session) Probe(path string) {
	s.OpenDir(probe{s}, 0, path)
	s.Flush()
}

type probe struct{ s *Session }

// Reply implements Handler.
func (p probe) Reply(_ Op, _ int, r *Reply) {
	if r.Err() == nil {
		p.s.Close(nil, 0, string(r.Handle))
	}
}

// ListWhole asks for a whole directory in one go, if the handle that it will
// get can be foreseen, and reports whether it did so: OPENDIR, READDIR as often
// as reads says, and CLOSE, with no other request in between. h gets the answer
// to OPENDIR with the tag -1 and those to READDIR with the tags from 0 on; that
// to CLOSE is dropped.
//
// If the answer to OPENDIR is Foreseen, those to READDIR are of this directory
// from its beginning on, and it is closed again. If it is another handle, that
// is open and its to be closed by the caller, and the READDIRs say nothing of
// this directory: they have failed, or, should one succeed, have taken away
// entries of whatever else is open.
func (s *Session) ListWhole(h Handler, path string, reads int) bool {
	s.mu.Lock()
	if s.err != nil || !s.handles.proven {
		s.mu.Unlock()
		return false
	}
	number := s.handles.foresee()
	s.head(typeOpenDir, request{op: OpOpenDir, tag: -1, h: h, handle: number, whole: true})
	s.putString(path)
	s.seal()
	for i := range reads {
		s.head(typeReadDir, request{op: OpReadDir, tag: i, h: h})
		s.putNumber(number)
		s.seal()
	}
	s.head(typeClose, request{op: OpClose})
	s.putNumber(number)
	s.seal()
	s.unlock()
	return true
}

// putNumber writes a foreseen handle.
func (s *Session) putNumber(handle uint32) {
	s.putUint32(4)
	s.putUint32(handle)
}

// LStat asks for the attributes of an entry. It does not follow a symlink in
// the last component of path.
func (s *Session) LStat(h Handler, tag int, path string) {
	s.simple(typeLStat, request{op: OpLStat, tag: tag, h: h}, path)
}

// ReadLink asks where a symlink leads. What is none is answered with an error
// of one kind or another. The reply's Names has one name, the target.
func (s *Session) ReadLink(h Handler, tag int, path string) {
	s.simple(typeReadLink, request{op: OpReadLink, tag: tag, h: h}, path)
}

// Open asks for a handle to read a file. The server follows symlinks, and
// blocks on a FIFO; OpenSSH opens directories so too.
func (s *Session) Open(h Handler, tag int, path string) {
	if s.begin(typeOpen, request{op: OpOpen, tag: tag, h: h}) {
		s.putString(path)
		s.putUint32(flagRead)
		s.putUint32(0) // no attributes
		s.finish()
	}
}

// OpenStat asks for a handle to read a file, as Open does, and where the handle
// can be foreseen for the attributes of what it is open on too, in one go. It
// reports whether it did: the answer to the FSTAT counts only if that to the
// OPEN is Foreseen.
func (s *Session) OpenStat(h Handler, openTag, statTag int, path string) bool {
	return s.OpenRead(h, openTag, statTag, 0, path, 0)
}

// OpenRead is OpenStat, and asks for the first bytes of the file in the same go,
// at most as many as length says, unless that is 0. The answer to the READ
// counts as that to the FSTAT does.
func (s *Session) OpenRead(h Handler, openTag, statTag, readTag int, path string, length uint32) bool {
	s.mu.Lock()
	if s.err != nil || !s.handles.proven {
		s.mu.Unlock()
		s.Open(h, openTag, path)
		return false
	}
	number := s.handles.take()
	s.head(typeOpen, request{op: OpOpen, tag: openTag, h: h, handle: number})
	s.putString(path)
	s.putUint32(flagRead)
	s.putUint32(0) // no attributes
	s.seal()
	s.head(typeFStat, request{op: OpFStat, tag: statTag, h: h})
	s.putNumber(number)
	s.seal()
	if length > 0 {
		s.head(typeRead, request{op: OpRead, tag: readTag, h: h, length: length})
		s.putNumber(number)
		s.putUint64(0)
		s.putUint32(length)
		s.seal()
	}
	s.unlock()
	return true
}

// FStat asks for the attributes of what a handle is open on.
func (s *Session) FStat(h Handler, tag int, handle string) {
	s.simple(typeFStat, request{op: OpFStat, tag: tag, h: h}, handle)
}

// FSetStat sets the twelve permission bits of what a handle is open on.
func (s *Session) FSetStat(h Handler, tag int, handle string, perm uint16) {
	if s.begin(typeFSetStat, request{op: OpFSetStat, tag: tag, h: h}) {
		s.putString(handle)
		s.putPerm(perm)
		s.finish()
	}
}

// LSetStat sets the twelve permission bits of an entry by the extension
// LSetStatExtension, which the server must have offered.
func (s *Session) LSetStat(h Handler, tag int, path string, perm uint16) {
	if s.begin(typeExtended, request{op: OpLSetStat, tag: tag, h: h}) {
		s.putString(LSetStatExtension)
		s.putString(path)
		s.putPerm(perm)
		s.finish()
	}
}

// SetStat sets the twelve permission bits of what a path names, or of what that
// leads to if it names a symlink.
func (s *Session) SetStat(h Handler, tag int, path string, perm uint16) {
	if s.begin(typeSetStat, request{op: OpSetStat, tag: tag, h: h}) {
		s.putString(path)
		s.putPerm(perm)
		s.finish()
	}
}

func (s *Session) putPerm(perm uint16) {
	s.putUint32(AttrPermissions)
	s.putUint32(uint32(perm) & 0o7777)
}
