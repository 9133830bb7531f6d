//go:build unix

package main

import (
	"encoding/binary"
	"strings"
	"sync/atomic"

	rt "hostperm/remote/remotetest"
)

// hostileChanges are servers that are honest until a mode is to be changed.
func hostileChanges() []hostileServer {
	attrs := func(mode uint32) rt.Packet { return rt.Packet{Type: rt.Attrs, Body: rt.ModeAttrs(mode)} }
	return []hostileServer{
		{name: "changes are confirmed and not made", status: exitRefused, says: "Failed: 3 entries", may: everyChange,
			faults: always(rt.IgnoreChmod)},
		{name: "LSTAT shows symlinks where files were listed", status: exitRefused, says: "Refused", faults: below(rt.Lstat, attrs(0o120777))},
		{name: "LSTAT has no mode to show any more", status: exitRefused, says: "Refused", faults: below(rt.Lstat, rt.Packet{Type: rt.Attrs, Body: number(0)})},
		{name: "OPEN gives a handle of something else", status: exitRefused, says: "Refused", faults: opensAnother},
		{name: "FSTAT shows something else", status: exitRefused, says: "Refused", faults: below(rt.Fstat, attrs(0o100600))},
		{name: "FSTAT shows nothing", status: exitRefused, says: "Refused", faults: below(rt.Fstat, rt.Packet{Type: rt.Attrs, Body: number(0)})},
		{name: "FSTAT answered with ok", status: exitRefused, says: broke, faults: below(rt.Fstat, rt.StatusPacket(0, 0, ""))},
		{name: "OPEN refused with 200 KB of escapes, and no other way", bare: true, status: exitRefused, says: `\x1b]0;pwned`,
			faults: below(rt.Open, rt.StatusPacket(0, 4, strings.Repeat(escapes, 4000)))},
		{name: "OPEN gives a handle of no length, and no other way", bare: true, status: exitRefused, says: "Refused",
			faults: below(rt.Open, rt.Packet{Type: rt.Handle, Body: wireString("")})},
		{name: "FSETSTAT answered with a NAME", status: exitRefused, says: broke, may: everyChange,
			faults: answers(rt.Fsetstat, rt.NamePacket(0, []rt.NameEntry{rt.Entry("x", writableFile)}))},
		{name: "FSETSTAT never answered", args: soon, status: exitRefused, says: "--timeout is over", may: everyChange,
			faults: always(func() rt.Fault { return rt.StallAtRequest(1, rt.Fsetstat) })},
		{name: "FSETSTAT ends every session", status: exitRefused, says: "connection lost", may: everyChange,
			faults: always(func() rt.Fault { return rt.Fault{Request: hangsUpAt(rt.Fsetstat)} })},
		{name: "the second audit cannot list", status: exitIncomplete, says: "Could not be read", may: everyChange, faults: failsLater},
	}
}

// below answers every request of a kind about what is below the web root.
func below(kind rt.Type, p rt.Packet) func() rt.Faults {
	return always(func() rt.Fault {
		return rt.Fault{Request: func(e *rt.Exchange) rt.Action {
			if e.Request.Type == kind && strings.HasPrefix(e.Path, "site/") {
				return rt.Answer(p)
			}
			return rt.Pass()
		}}
	})
}

// opensAnother has OPEN of a open e/y.
func opensAnother() rt.Faults {
	return rt.Faults{{Request: func(e *rt.Exchange) rt.Action {
		if e.Request.Type == rt.Open && strings.HasPrefix(e.Path, "site/") {
			n := binary.BigEndian.Uint32(e.Request.Body)
			path := string(e.Request.Body[4 : 4+n])
			path = path[:strings.LastIndex(path, "/site/")] + "/site/e/y"
			e.Request.Body = append(wireString(path), e.Request.Body[4+n:]...)
		}
		return rt.Pass()
	}}}
}

func hangsUpAt(kind rt.Type) func(*rt.Exchange) rt.Action {
	return func(e *rt.Exchange) rt.Action {
		if e.Request.Type == kind {
			return rt.Hangup()
		}
		return rt.Pass()
	}
}

// failsLater refuses to list once something was changed.
func failsLater() rt.Faults {
	var changed atomic.Bool
	return rt.Faults{{Request: func(e *rt.Exchange) rt.Action {
		switch {
		case e.Request.Type == rt.Fsetstat:
			changed.Store(true)
		case e.Request.Type == rt.Opendir && changed.Load():
			return rt.Answer(rt.StatusPacket(0, rt.StatusPermissionDenied, ""))
		}
		return rt.Pass()
	}}}
}
