package fastlane

import "encoding/binary"

// cursor reads a packet's fields in order. After a field that does not fit,
// bad is set and everything further reads as zero.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) uint32() uint32 {
	if len(c.b) < 4 {
		c.bad, c.b = true, nil
		return 0
	}
	v := binary.BigEndian.Uint32(c.b)
	c.b = c.b[4:]
	return v
}

func (c *cursor) uint64() uint64 {
	hi := c.uint32()
	return uint64(hi)<<32 | uint64(c.uint32())
}

// bytes reads a string field. The result is a view.
func (c *cursor) bytes() []byte {
	n := c.uint32()
	if uint64(n) > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

// attr reads an ATTRS structure, section 5 of the draft. Extended attributes
// are skipped. Bits of the flags that version 3 does not define are taken to
// announce nothing, as OpenSSH takes them.
func (c *cursor) attr(a *Attr) {
	*a = Attr{Flags: c.uint32()}
	if a.Flags&AttrSize != 0 {
		a.Size = c.uint64()
	}
	if a.Flags&AttrUIDGID != 0 {
		a.UID, a.GID = c.uint32(), c.uint32()
	}
	if a.Flags&AttrPermissions != 0 {
		a.Mode = c.uint32()
	}
	if a.Flags&AttrACModTime != 0 {
		a.Atime, a.Mtime = c.uint32(), c.uint32()
	}
	if a.Flags&AttrExtended != 0 {
		for n := c.uint32(); n > 0 && !c.bad; n-- {
			c.bytes()
			c.bytes()
		}
	}
}

// Names iterates over the entries of a NAME reply. The whole reply has been
// checked before: no entry can turn out to be malformed on the way.
type Names struct {
	Name []byte // of the current entry, as the server sent it: any bytes at all
	Attr Attr   // of the current entry

	rest  cursor
	total uint32
	left  uint32
}

// minName is the shortest entry of a NAME reply: two empty strings and attrs
// without a field.
const minName = 12

// parseNames checks a NAME reply from its count on.
func parseNames(b []byte) (Names, bool) {
	c := cursor{b: b}
	count := c.uint32()
	if c.bad || uint64(count)*minName > uint64(len(c.b)) {
		return Names{}, false
	}
	n := Names{rest: c, total: count, left: count}
	check := n
	for {
		if _, ok := check.take(); !ok {
			return n, true
		}
		if check.rest.bad {
			return Names{}, false
		}
	}
}

// Copy gives an iterator of the same state over a copy of the reply, which is
// made in buf if it has room, and the buffer that holds it.
func (n *Names) Copy(buf []byte) (Names, []byte) {
	buf = append(buf[:0], n.rest.b...)
	again := *n
	again.rest.b = buf
	again.Name = nil
	return again, buf
}

// Len gives the number of entries in the reply.
func (n *Names) Len() int { return int(n.total) }

// Next moves on to the next entry and reports whether there is one.
func (n *Names) Next() bool {
	longname, ok := n.take()
	if ok && n.Attr.Type() == TypeRegular {
		n.Attr.Links = linksOf(longname, &n.Attr)
	}
	return ok
}

// take is Next without the links. It gives the longname: free text, and half of
// the bytes.
func (n *Names) take() (longname []byte, ok bool) {
	if n.left == 0 {
		return nil, false
	}
	n.left--
	n.Name = n.rest.bytes()
	longname = n.rest.bytes()
	n.rest.attr(&n.Attr)
	return longname, true
}
