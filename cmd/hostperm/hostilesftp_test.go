//go:build unix

package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	rt "hostperm/remote/remotetest"
)

// broke is how most lies about the protocol end.
const broke = "the server broke the SFTP protocol"

// hostileSFTP are the servers that speak SFTP wrongly.
func hostileSFTP() []hostileServer {
	rows := append(hostileVersions(), hostileRoots()...)
	return append(append(rows, hostilePackets()...), hostileAnswers()...)
}

// always makes a row's faults of one.
func always(f func() rt.Fault) func() rt.Faults {
	return func() rt.Faults { return rt.Faults{f()} }
}

// replies changes every reply to a type.
func replies(kind rt.Type, change func([]byte) []byte) func() rt.Faults {
	return always(func() rt.Fault { return rt.ChangeReplies(change, kind) })
}

// answers puts a packet in place of every reply to a type.
func answers(kind rt.Type, p rt.Packet) func() rt.Faults {
	return replies(kind, func(raw []byte) []byte {
		p := p // sessions have replies of their own at the same time
		p.ID = binary.BigEndian.Uint32(raw[5:])
		return p.Bytes()
	})
}

// second changes the second listing's reply alone: the first was honest.
func second(kind rt.Type, change func([]byte) []byte) func() rt.Faults {
	return always(func() rt.Fault { return rt.ChangeReply(2, change, kind) })
}

func wireString(s string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...)
}

func join(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func number(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func hostileVersions() []hostileServer {
	version := func(v uint32, body []byte) func() rt.Faults {
		return replies(rt.Init, func([]byte) []byte { return rt.Packet{Type: rt.Version, ID: v, Body: body}.Bytes() })
	}
	var many []byte
	for i := range 5000 {
		many = append(many, join(wireString(fmt.Sprint("ext", i, escapes[:7])), wireString("1"))...)
	}
	return []hostileServer{
		{name: "VERSION of 4 GiB", status: exitIncomplete, says: "start SFTP", faults: replies(rt.Init, rt.Oversized)},
		{name: "VERSION of no length", status: exitIncomplete, says: "start SFTP", faults: replies(rt.Init, rt.Empty)},
		{name: "VERSION with five thousand extensions", status: exitClean, may: everyChange, faults: version(3, many)},
		{name: "VERSION with an extension cut off", status: exitIncomplete, says: "start SFTP", faults: version(3, many[:len(many)-3])},
		{name: "version 2", status: exitIncomplete, says: "start SFTP", faults: version(2, nil)},
		{name: "version 4 GiB", status: exitIncomplete, says: "start SFTP", faults: version(1<<32-1, nil)},
		{name: "a STATUS for a VERSION", status: exitIncomplete, says: "start SFTP", faults: answers(rt.Init, rt.StatusPacket(0, 4, escapes))},
		{name: "a greeting for a VERSION", status: exitIncomplete, says: "start SFTP",
			faults: replies(rt.Init, func([]byte) []byte { return []byte(escapes + escapes) })},
		{name: "VERSION a byte at a time", args: soon, status: exitIncomplete, says: "--timeout is over",
			faults: always(func() rt.Fault { return rt.DripFrom(1, 300*time.Millisecond, rt.Init) })},
	}
}

func hostileRoots() []hostileServer {
	names := func(names ...string) rt.Packet {
		var entries []rt.NameEntry
		for _, name := range names {
			entries = append(entries, rt.NameEntry{Filename: name, Attrs: number(0)})
		}
		return rt.NamePacket(0, entries)
	}
	million := rt.Packet{Type: rt.Name, Body: join(number(1e6), wireString("/home"), wireString(""), number(0))}
	rows := []hostileServer{
		{name: "REALPATH relative", says: "which is no absolute path", faults: answers(rt.Realpath, names("site"))},
		{name: "REALPATH empty", says: "which is no absolute path", faults: answers(rt.Realpath, names(""))},
		{name: "REALPATH with a NUL", says: `\x00`, faults: answers(rt.Realpath, names("/home\x00/x"))},
		{name: "REALPATH of 130 KB", says: "which is no absolute path", faults: answers(rt.Realpath, names("/"+strings.Repeat(escapes, 2000)))},
		{name: "REALPATH of two names", says: broke, faults: answers(rt.Realpath, names("/a", "/b"))},
		{name: "REALPATH of no name", says: broke, faults: answers(rt.Realpath, names())},
		{name: "REALPATH of a million names", says: broke, faults: answers(rt.Realpath, million)},
		{name: "REALPATH answered with ok", says: "login directory", faults: answers(rt.Realpath, rt.StatusPacket(0, 0, ""))},
		{name: "REALPATH answered with attributes", says: broke, faults: answers(rt.Realpath, rt.Packet{Type: rt.Attrs, Body: number(0)})},
		{name: "REALPATH to a place with escapes", says: `\x1b`, faults: answers(rt.Realpath, names("/home/"+escapes))},
		{name: "STAT answered with ok", says: "sends no answer", faults: answers(rt.Stat, rt.StatusPacket(0, 0, ""))},
		{name: "STAT with four milliards of extensions", says: broke,
			faults: answers(rt.Stat, rt.Packet{Type: rt.Attrs, Body: join(number(1<<31), number(1<<32-1))})},
		{name: "STAT says that the root is a file", says: "not a directory",
			faults: answers(rt.Stat, rt.Packet{Type: rt.Attrs, Body: rt.ModeAttrs(0o100644)})},
		{name: "STAT refused with 200 KB of escapes", says: `\x1b]0;pwned`, faults: answers(rt.Stat, rt.StatusPacket(0, 4, strings.Repeat(escapes, 4000)))},
		{name: "READLINK refused for a symlink that was listed", says: "cannot be read as a symlink", args: []string{"--dry-run"}, faults: symlinkListed(rt.StatusPacket(0, 4, escapes))},
		{name: "a root of symlinks without end", says: "symlinks, one leading to the next", faults: func() rt.Faults {
			n := 0
			return rt.Faults{{Request: func(e *rt.Exchange) rt.Action {
				switch e.Request.Type {
				case rt.Lstat:
					return rt.Answer(rt.Packet{Type: rt.Attrs, Body: rt.ModeAttrs(0o120777)})
				case rt.Readlink:
					n++
					return rt.Answer(names(fmt.Sprint("/", n)))
				case rt.Realpath:
					return rt.Answer(names("/" + fmt.Sprint(n)))
				}
				return rt.Pass()
			}}}
		}},
	}
	for i := range rows {
		rows[i].status = exitIncomplete
	}
	return rows
}

// symlinkListed has one symlink listed, and READLINK of it answered so.
func symlinkListed(target rt.Packet) func() rt.Faults {
	return func() rt.Faults {
		listed := false
		return rt.Faults{{Request: func(e *rt.Exchange) rt.Action {
			switch {
			case e.Request.Type == rt.Readdir && !listed:
				listed = true
				return rt.Answer(rt.NamePacket(0, []rt.NameEntry{rt.Entry("l", 0o120777)}))
			case e.Request.Type == rt.Readlink && strings.HasSuffix(string(e.Request.Body), "/l"):
				return rt.Answer(target)
			}
			return rt.Pass()
		}}}
	}
}

// hostilePackets are packets that are wrong while a tree is listed. The second
// READDIR or so is, the first was honest.
func hostilePackets() []hostileServer {
	before := func(p rt.Packet) func([]byte) []byte {
		return func(raw []byte) []byte { return append(p.Bytes(), raw...) }
	}
	rows := []hostileServer{
		{name: "READDIR of 4 GiB", faults: second(rt.Readdir, rt.Oversized)},
		{name: "READDIR of no length", faults: second(rt.Readdir, rt.Empty)},
		{name: "READDIR cut off, and its length too", faults: replies(rt.Readdir, rt.Truncated)},
		{name: "READDIR with the wrong id", faults: second(rt.Readdir, rt.WrongID)},
		{name: "READDIR twice", faults: second(rt.Readdir, rt.Twice)},
		{name: "text for a READDIR", faults: second(rt.Readdir, rt.Garbage)},
		{name: "a reply that nobody asked for", faults: second(rt.Readdir, before(rt.StatusPacket(77777, 0, "hello")))},
		{name: "a NAME that nobody asked for", faults: second(rt.Readdir, before(rt.NamePacket(77777, []rt.NameEntry{rt.Entry("x", 0o100666)})))},
		{name: "replies that nobody asked for, without end", faults: second(rt.Readdir, func(raw []byte) []byte {
			return []byte(strings.Repeat(string(rt.StatusPacket(77777, 0, "hello").Bytes()), 10000))
		})},
		{name: "ok for a READDIR", faults: answers(rt.Readdir, rt.StatusPacket(0, 0, ""))},
		{name: "a handle for a READDIR", faults: answers(rt.Readdir, rt.Packet{Type: rt.Handle, Body: wireString("h")})},
		{name: "attributes for an OPENDIR", faults: answers(rt.Opendir, rt.Packet{Type: rt.Attrs, Body: number(0)})},
		{name: "a type that there is not", faults: answers(rt.Readdir, rt.Packet{Type: 250, Body: number(0)})},
		{name: "a count of names that is too large", faults: answers(rt.Readdir, rt.Packet{Type: rt.Name, Body: number(1<<32 - 1)})},
		{name: "a name longer than its packet", faults: answers(rt.Readdir, rt.Packet{Type: rt.Name, Body: join(number(1), number(1<<31), []byte("abc"), make([]byte, 20))})},
		{name: "four milliards of extended attributes", faults: answers(rt.Readdir, rt.Packet{Type: rt.Name,
			Body: join(number(1), wireString("a"), wireString(""), number(1<<31), number(1<<32-1))})},
		{name: "a handle of 10 MB", faults: answers(rt.Opendir, rt.Packet{Type: rt.Handle, Body: wireString(strings.Repeat("h", 10<<20))})},
		{name: "a handle of 1 KB", faults: answers(rt.Opendir, rt.Packet{Type: rt.Handle, Body: wireString(strings.Repeat("h", 1024))})},
		{name: "a name of 1 MB", faults: answers(rt.Readdir, rt.NamePacket(0, []rt.NameEntry{rt.Entry(strings.Repeat("n", 1<<20), 0o100666)}))},
	}
	for i := range rows {
		rows[i].status, rows[i].says = exitIncomplete, broke
	}
	return rows
}

// hostileAnswers are well-formed packets that make no sense, and silences.
func hostileAnswers() []hostileServer {
	long := strings.Repeat(escapes, 4000)
	return []hostileServer{
		{name: "fewer names than there are bytes", status: exitClean, may: everyChange,
			faults: replies(rt.Readdir, func(raw []byte) []byte {
				if raw[4] != byte(rt.Name) {
					return raw
				}
				p, _ := rt.ParsePacket(raw)
				p.Body = append(p.Body, make([]byte, 1000)...)
				return p.Bytes()
			})},
		{name: "a handle of no length", status: exitIncomplete, says: "listed in part only", faults: answers(rt.Opendir, rt.Packet{Type: rt.Handle, Body: wireString("")})},
		{name: "every OPENDIR is refused", status: exitIncomplete, says: "Could not be read: 1 place", faults: answers(rt.Opendir, rt.StatusPacket(0, 3, ""))},
		{name: "every OPENDIR fails with 200 KB of escapes", status: exitIncomplete, says: `\x1b]0;pwned`, faults: answers(rt.Opendir, rt.StatusPacket(0, 4, long))},
		{name: "a status that there is not", status: exitIncomplete, says: "status 4294967295", faults: answers(rt.Readdir, rt.StatusPacket(0, 1<<32-1, ""))},
		{name: "every CLOSE fails", status: exitClean, may: everyChange, faults: answers(rt.Close, rt.StatusPacket(0, 4, "I do not"))},
		{name: "no CLOSE is answered", status: exitClean, may: everyChange,
			faults: always(func() rt.Fault { return rt.Fault{Request: drops(rt.Close)} })},
		{name: "listings a byte at a time", args: soon, status: exitIncomplete, says: "--timeout is over",
			faults: always(func() rt.Fault { return rt.DripFrom(1, 200*time.Millisecond, rt.Readdir) })},
		{name: "no answer from the first READDIR on", args: soon, status: exitIncomplete, says: "--timeout is over",
			faults: always(func() rt.Fault { return rt.StallAtRequest(1, rt.Readdir) })},
		{name: "a packet a byte short, and the rest read at the wrong place", args: soon, status: exitIncomplete, says: "--timeout is over",
			faults: second(rt.Readdir, rt.CutShort)},
		{name: "hangs up at the second OPENDIR, always", status: exitIncomplete, says: "connection lost",
			faults: always(func() rt.Fault { return rt.Fault{Request: hangsUp("site/d")} })},
		{name: "modes are told to nobody", status: exitIncomplete, says: "could be a directory that was not seen",
			faults: always(func() rt.Fault { return rt.WithoutMode(func(p string) bool { return p != "site" }) })},
	}
}

func drops(kind rt.Type) func(*rt.Exchange) rt.Action {
	return func(e *rt.Exchange) rt.Action {
		if e.Request.Type == kind {
			return rt.Drop()
		}
		return rt.Pass()
	}
}

func hangsUp(dir string) func(*rt.Exchange) rt.Action {
	return func(e *rt.Exchange) rt.Action {
		if e.Request.Type == rt.Opendir && e.Path == dir {
			return rt.Hangup()
		}
		return rt.Pass()
	}
}
