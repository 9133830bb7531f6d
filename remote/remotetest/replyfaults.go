package remotetest

import (
	"bytes"
	"encoding/binary"
	"path"
	"sync"
	"sync/atomic"
	"time"
)

// CutBeforeReply lets the nth request of the types be served, and closes the
// TCP connection in place of the reply: the client cannot know what was done.
func CutBeforeReply(n int, types ...Type) Fault {
	hit := nth(n, types)
	return Fault{Reply: func(e *Exchange, raw []byte) ([]byte, Action) {
		if hit(e) {
			return nil, Cut()
		}
		return raw, Pass()
	}}
}

// CutAfterBytes closes the TCP connection once n bytes of replies have been
// sent in all sessions together, in the middle of a packet or not, and from then
// on in place of every reply, on other connections too; see Proxy for one that
// lets whoever connects again be served.
func CutAfterBytes(n int) Fault {
	var mu sync.Mutex
	return Fault{Reply: func(_ *Exchange, raw []byte) ([]byte, Action) {
		mu.Lock()
		defer mu.Unlock()
		if len(raw) < n {
			n -= len(raw)
			return raw, Pass()
		}
		raw, n = raw[:n], 0
		return raw, Cut()
	}}
}

// ChangeReply puts change's result in place of the reply to the nth request of
// the types. See Truncated and the functions after it.
func ChangeReply(n int, change func(raw []byte) []byte, types ...Type) Fault {
	hit := nth(n, types)
	return Fault{Reply: func(e *Exchange, raw []byte) ([]byte, Action) {
		if hit(e) {
			raw = change(raw)
		}
		return raw, Pass()
	}}
}

// ChangeReplies puts change's result in place of every reply to the types, or
// to any type if there are none, errors included.
func ChangeReplies(change func(raw []byte) []byte, types ...Type) Fault {
	return Fault{Reply: func(e *Exchange, raw []byte) ([]byte, Action) {
		if isOf(e, types) {
			raw = change(raw)
		}
		return raw, Pass()
	}}
}

// DripFrom sends the nth reply to the types, and all behind it, a byte at a time.
func DripFrom(n int, pause time.Duration, types ...Type) Fault {
	hit := nth(n, types)
	var dripping atomic.Bool
	return Fault{Reply: func(e *Exchange, raw []byte) ([]byte, Action) {
		if hit(e) {
			dripping.Store(true)
		}
		if dripping.Load() {
			return raw, Drip(pause)
		}
		return raw, Pass()
	}}
}

// Truncated is a change for ChangeReply: the second half of the body is
// missing, and the length field says so. The packet is malformed, the stream
// is not.
func Truncated(raw []byte) []byte {
	p, err := ParsePacket(raw)
	if err != nil {
		return raw
	}
	p.Body = p.Body[:len(p.Body)/2]
	return p.Bytes()
}

// CutShort is a change for ChangeReply: the length field promises one byte more
// than the packet has, so the next one is read at the wrong place.
func CutShort(raw []byte) []byte {
	raw = bytes.Clone(raw)
	binary.BigEndian.PutUint32(raw, binary.BigEndian.Uint32(raw)+1)
	return raw
}

// Garbage is a change for ChangeReply: text where a packet should be, as from
// a login script that prints.
func Garbage([]byte) []byte { return []byte("Welcome to example.test!\r\n") }

// Oversized is a change for ChangeReply: a length field of almost 4 GiB, and
// the packet's own bytes after it.
func Oversized(raw []byte) []byte {
	raw = bytes.Clone(raw)
	binary.BigEndian.PutUint32(raw, 0xfffffff0)
	return raw
}

// Empty is a change for ChangeReply: a packet of length 0.
func Empty([]byte) []byte { return make([]byte, 4) }

// WrongID is a change for ChangeReply: the reply answers a request that was
// never made.
func WrongID(raw []byte) []byte {
	p, err := ParsePacket(raw)
	if err != nil {
		return raw
	}
	p.ID ^= 0x80000000
	return p.Bytes()
}

// Twice is a change for ChangeReply: the reply comes a second time, unasked.
func Twice(raw []byte) []byte { return append(bytes.Clone(raw), raw...) }

// Padded is a change for ChangeReply: the packet comes a second time inside its
// own length, as in ProFTPD's answer to an Fsetstat that it refuses.
func Padded(raw []byte) []byte {
	p, err := ParsePacket(raw)
	if err != nil {
		return raw
	}
	p.Body = append(bytes.Clone(p.Body), raw...)
	return p.Bytes()
}

// RenameEntry sends the entries called from in listings under the name to,
// which may be one that no server must send: "", "..", or with a slash, a NUL
// or control characters.
func RenameEntry(from, to string) Fault {
	return editNames(func(_ *Exchange, n *NameEntry) {
		if n.Filename == from {
			n.Filename = to
		}
	})
}

// WithoutMode leaves the mode out of the attributes, in listings and in the
// replies to Stat, Lstat and Fstat, of the entries that match. The path is as
// in Exchange.Path. A nil match is for all.
func WithoutMode(match func(path string) bool) Fault {
	matches := func(p string) bool { return match == nil || match(p) }
	names := editNames(func(e *Exchange, n *NameEntry) {
		if matches(path.Join(e.Path, n.Filename)) {
			n.Attrs = dropMode(n.Attrs)
		}
	})
	return Fault{Reply: func(e *Exchange, raw []byte) ([]byte, Action) {
		p, err := ParsePacket(raw)
		if err == nil && p.Type == Attrs && matches(e.Path) {
			p.Body = dropMode(p.Body)
			return p.Bytes(), Pass()
		}
		return names.Reply(e, raw)
	}}
}

// editNames changes the entries of listings, one at a time.
func editNames(edit func(*Exchange, *NameEntry)) Fault {
	return Fault{Reply: func(e *Exchange, raw []byte) ([]byte, Action) {
		p, err := ParsePacket(raw)
		if err != nil || p.Type != Name || e.Request.Type != Readdir {
			return raw, Pass()
		}
		entries, err := ParseNames(p.Body)
		if err != nil {
			return raw, Pass()
		}
		for i := range entries {
			edit(e, &entries[i])
		}
		return NamePacket(p.ID, entries).Bytes(), Pass()
	}}
}

func dropMode(attrs []byte) []byte {
	flags, _, ok := cutUint32(attrs)
	at := modeOffset(flags)
	if !ok || flags&attrPermissions == 0 || len(attrs) < at+4 {
		return attrs
	}
	short := binary.BigEndian.AppendUint32(nil, flags&^attrPermissions)
	short = append(short, attrs[4:at]...)
	return append(short, attrs[at+4:]...)
}
