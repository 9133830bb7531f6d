package remotetest

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
)

// nth gives a function that is true for the nth request, from 1, of the given
// types, or of any type if there are none. Requests of all sessions count.
func nth(n int, types []Type) func(*Exchange) bool {
	var seen atomic.Int64
	return func(e *Exchange) bool {
		return isOf(e, types) && seen.Add(1) == int64(n)
	}
}

func isOf(e *Exchange, types []Type) bool {
	return len(types) == 0 || slices.Contains(types, e.Request.Type)
}

// CutAtRequest closes the TCP connection when the nth request of the types
// arrives, before it is served: once, so that whoever connects again is served.
func CutAtRequest(n int, types ...Type) Fault {
	hit := nth(n, types)
	return Fault{Request: func(e *Exchange) Action {
		if hit(e) {
			return Cut()
		}
		return Pass()
	}}
}

// StallAtRequest never answers the nth request of the types, nor any request
// of any type after it, on other connections neither. The connection stays open,
// and SSH itself goes on answering; see Proxy for one that does not.
func StallAtRequest(n int, types ...Type) Fault {
	hit := nth(n, types)
	var stalled atomic.Bool
	return Fault{Request: func(e *Exchange) Action {
		if hit(e) {
			stalled.Store(true)
		}
		if stalled.Load() {
			return Drop()
		}
		return Pass()
	}}
}

// BeforeRequest calls do with Exchange.Path when the nth request of the types
// arrives, before it is served: the moment to swap a file under a client that
// has just looked at it.
func BeforeRequest(n int, do func(path string), types ...Type) Fault {
	hit := nth(n, types)
	return Fault{Request: func(e *Exchange) Action {
		if hit(e) {
			do(e.Path)
		}
		return Pass()
	}}
}

// FailRequest answers the nth request of the types with a status code.
func FailRequest(n int, code uint32, types ...Type) Fault {
	hit := nth(n, types)
	return Fault{Request: func(e *Exchange) Action {
		if hit(e) {
			return Answer(StatusPacket(0, code, "injected failure"))
		}
		return Pass()
	}}
}

// Deny answers permission denied to every request of the types, or of any type
// if there are none, that names the path or a handle of it. The path is as in
// Exchange.Path.
func Deny(path string, types ...Type) Fault {
	return Fault{Request: func(e *Exchange) Action {
		if e.Path == path && isOf(e, types) {
			return Answer(StatusPacket(0, StatusPermissionDenied, "permission denied"))
		}
		return Pass()
	}}
}

// IgnoreChmod answers OK to Setstat, Fsetstat and lsetstat, and does nothing.
func IgnoreChmod() Fault {
	return Fault{Request: func(e *Exchange) Action {
		if _, ok := attrsOf(e.Request); ok {
			return Answer(StatusPacket(0, StatusOK, "success"))
		}
		return Pass()
	}}
}

// MaskChmod lets only the bits in keep through when a mode is changed, as some
// servers drop setgid or sticky without a word.
func MaskChmod(keep uint32) Fault {
	return Fault{Request: func(e *Exchange) Action {
		attrs, ok := attrsOf(e.Request)
		flags, _, _ := cutUint32(attrs)
		at := modeOffset(flags)
		if ok && flags&attrPermissions != 0 && len(attrs) >= at+4 {
			mode := binary.BigEndian.Uint32(attrs[at:])
			binary.BigEndian.PutUint32(attrs[at:], mode&keep)
		}
		return Pass()
	}}
}

// LstatFollows makes Lstat follow a symlink, as ProFTPD's mod_sftp does: only
// a listing and Readlink tell that there is one.
func LstatFollows() Fault {
	return Fault{Request: func(e *Exchange) Action {
		if e.Request.Type == Lstat {
			e.Request.Type = Stat
		}
		return Pass()
	}}
}

// attrsOf gives the attributes that a request sets, as a part of its body.
func attrsOf(p Packet) ([]byte, bool) {
	_, rest, ok := cutString(p.Body)
	switch {
	case p.Type == Setstat || p.Type == Fsetstat:
		return rest, ok
	case isLSetstat(p):
		_, rest, ok = cutString(rest)
		return rest, ok
	}
	return nil, false
}

// FakeListing answers each Readdir of an existing directory with what batch
// gives for the number of the call since the directory was last opened, from
// 0. An empty batch is the end of the listing. The path is as in
// Exchange.Path.
func FakeListing(path string, batch func(n int) []NameEntry) Fault {
	var mu sync.Mutex
	calls := 0
	return Fault{Request: func(e *Exchange) Action {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case e.Path == path && e.Request.Type == Opendir:
			calls = 0
		case e.Path == path && e.Request.Type == Readdir:
			entries := batch(calls)
			calls++
			if len(entries) == 0 {
				return Answer(StatusPacket(0, StatusEOF, "end of file"))
			}
			return Answer(NamePacket(0, entries))
		}
		return Pass()
	}}
}

// CutFrom closes the TCP connection at the nth request of the types and at each
// after it, before it is served: whoever connects again gets no further.
func CutFrom(n int, types ...Type) Fault {
	var seen atomic.Int64
	return Fault{Request: func(e *Exchange) Action {
		if isOf(e, types) && seen.Add(1) >= int64(n) {
			return Cut()
		}
		return Pass()
	}}
}

// CutEvery closes the TCP connection at every nth request of the types, before
// it is served, so many times in all: whoever connects again gets on by n
// requests each time.
func CutEvery(n, times int, types ...Type) Fault {
	var seen atomic.Int64
	return Fault{Request: func(e *Exchange) Action {
		if !isOf(e, types) {
			return Pass()
		}
		if k := seen.Add(1); k%int64(n) == 0 && k/int64(n) <= int64(times) {
			return Cut()
		}
		return Pass()
	}}
}
