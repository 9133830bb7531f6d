package remotetest

import (
	"encoding/binary"
	"path"
	"strings"
	"sync"
	"sync/atomic"
)

// Invention is a tree that is nowhere on a disk.
type Invention struct {
	// Root is where it is, as in Exchange.Path. Everything below it exists.
	Root string

	// List gives what the nth READDIR of a directory brings, from 0 on, with
	// dir relative to the invention, "." for its root. Nothing: the end.
	List func(dir string, n int) []NameEntry

	// Handle gives the handle of the nth directory opened, from 0 on; nil: one
	// of its own for each.
	Handle func(n int64) string

	// Mode gives st_mode of what is not listed but asked about; nil: a directory
	// of mode 0755.
	Mode func(p string) uint32
}

// Invent makes the fault that shows an invention.
func Invent(v Invention) Fault {
	x := &inventing{Invention: v, reads: make(map[string]*invented)}
	return Fault{Request: x.answer}
}

type inventing struct {
	Invention
	opened atomic.Int64

	mu    sync.Mutex
	reads map[string]*invented // by handle
}

type invented struct {
	dir string
	n   int
}

// below gives a path relative to the invention, if it is in it.
func (x *inventing) below(p string) (string, bool) {
	if p == x.Root {
		return ".", true
	}
	return strings.CutPrefix(p, x.Root+"/")
}

func (x *inventing) answer(e *Exchange) Action {
	switch e.Request.Type {
	case Readdir, Close:
		return x.ofHandle(e)
	case Opendir, Lstat, Stat, Readlink:
	default:
		return Pass()
	}
	dir, ok := x.below(e.Path)
	switch {
	case !ok:
		return Pass()
	case e.Request.Type == Opendir:
		return Answer(Packet{Type: Handle, Body: appendString(nil, x.open(dir))})
	case e.Request.Type == Readlink:
		return Answer(StatusPacket(0, StatusFailure, ""))
	}
	mode := uint32(0o040755)
	if x.Mode != nil {
		mode = x.Mode(dir)
	}
	return Answer(Packet{Type: Attrs, Body: ModeAttrs(mode)})
}

func (x *inventing) open(dir string) string {
	n := x.opened.Add(1) - 1
	handle := "invented" + string(binary.BigEndian.AppendUint64(nil, uint64(n)))
	if x.Handle != nil {
		handle = x.Handle(n)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reads[handle] = &invented{dir: dir}
	return handle
}

func (x *inventing) ofHandle(e *Exchange) Action {
	handle, _, _ := cutString(e.Request.Body)
	x.mu.Lock()
	at := x.reads[handle]
	if at == nil {
		x.mu.Unlock()
		return Pass()
	}
	if e.Request.Type == Close {
		delete(x.reads, handle)
		x.mu.Unlock()
		return Answer(StatusPacket(0, StatusOK, ""))
	}
	dir, n := at.dir, at.n
	at.n++
	x.mu.Unlock()
	if entries := x.List(dir, n); len(entries) > 0 {
		return Answer(NamePacket(0, entries))
	}
	return Answer(StatusPacket(0, StatusEOF, ""))
}

// Once makes a List that shows the same entries in every directory.
func Once(entries ...NameEntry) func(string, int) []NameEntry {
	return func(_ string, n int) []NameEntry {
		if n > 0 {
			return nil
		}
		return entries
	}
}

// Depth counts the directories between the root of an invention and dir, which
// included: 0 for the root.
func Depth(dir string) int {
	if dir == "." {
		return 0
	}
	return strings.Count(path.Clean(dir), "/") + 1
}

// Entry makes an entry of a listing with st_mode and an owner.
func Entry(name string, mode uint32) NameEntry {
	attrs := binary.BigEndian.AppendUint32(nil, attrUIDGID|attrPermissions)
	attrs = binary.BigEndian.AppendUint32(attrs, 1000)
	attrs = binary.BigEndian.AppendUint32(attrs, 1000)
	return NameEntry{Filename: name, Attrs: binary.BigEndian.AppendUint32(attrs, mode)}
}
