//go:build unix

package main

import (
	"strconv"
	"strings"

	rt "hostperm/remote/remotetest"
)

const (
	inventedDir  = 0o040755
	inventedFile = 0o100644
	writableFile = 0o100666
)

// site invents what is below the web root.
func site(list func(dir string, n int) []rt.NameEntry) func() rt.Faults {
	return always(func() rt.Fault { return rt.Invent(rt.Invention{Root: "site", List: list}) })
}

// hostileTrees are trees that end nowhere, or hold what cannot be.
func hostileTrees() []hostileServer {
	return append(endlessTrees(), hostileNames()...)
}

func endlessTrees() []hostileServer {
	sub, file := rt.Entry("d", inventedDir), rt.Entry("f", inventedFile)
	left, right := rt.Entry(strings.Repeat("l", 200), inventedDir), rt.Entry(strings.Repeat("r", 200), inventedDir)
	return []hostileServer{
		{name: "a listing of one name without end", status: exitIncomplete, says: "the listing repeats itself",
			faults: site(func(string, int) []rt.NameEntry { return []rt.NameEntry{file, file} })},
		{name: "a listing that goes round in circles", status: exitIncomplete, says: "the listing repeats itself",
			faults: site(func(_ string, n int) []rt.NameEntry { return numbered(n%7, 100, inventedFile) })},
		{name: "a listing of ever new names", long: true, status: exitIncomplete, says: "the server lists more than 10000000 entries",
			faults: site(func(_ string, n int) []rt.NameEntry { return numbered(n, 5000, inventedFile) })},
		{name: "replies without an entry, without end", status: exitIncomplete, says: "replies without an entry", faults: emptyReplies},
		{name: "dots without end", status: exitIncomplete, says: "names that cannot be",
			faults: site(func(_ string, n int) []rt.NameEntry { return manyTimes(5000, rt.Entry(".", inventedDir)) })},
		{name: "a directory that contains itself", status: exitIncomplete, says: "its path is longer than 4095 bytes", faults: site(rt.Once(sub, file))},
		{name: "a directory that contains itself twice", status: exitIncomplete, says: "gave up: more than 100000 places", memory: 320,
			faults: site(rt.Once(left, right))},
		{name: "100,000 levels", status: exitIncomplete, says: "its path is longer than 4095 bytes",
			faults: site(func(dir string, n int) []rt.NameEntry {
				if n > 0 || rt.Depth(dir) == 100_000 {
					return nil
				}
				return numbered(rt.Depth(dir), 1, inventedDir)
			})},
		// TestWalkMillionEmpty has a million; here each costs packets that are encrypted.
		{name: "20,000 empty directories", status: exitClean, faults: site(func(dir string, n int) []rt.NameEntry {
			switch {
			case dir == "." && n < 20:
				return numbered(n, 1000, inventedDir)
			case dir != "." && n == 0:
				return []rt.NameEntry{rt.Entry(".", inventedDir), rt.Entry("..", inventedDir)}
			}
			return nil
		})},
		{name: "directories as fast as they come", status: exitIncomplete, says: "gave up", memory: 320,
			faults: site(func(_ string, n int) []rt.NameEntry { return numbered(n, 8000, inventedDir) })},
		{name: "one handle for all", status: exitIncomplete, says: "listed in part only", faults: always(func() rt.Fault {
			return rt.Invent(rt.Invention{Root: "site", List: rt.Once(sub, file), Handle: func(int64) string { return "same" }})
		})},
	}
}

func emptyReplies() rt.Faults {
	return rt.Faults{{Request: func(e *rt.Exchange) rt.Action {
		if e.Request.Type == rt.Readdir {
			return rt.Answer(rt.NamePacket(0, nil))
		}
		return rt.Pass()
	}}}
}

// numbered gives many entries, those of the nth reply.
func numbered(n, many int, mode uint32) []rt.NameEntry {
	entries := manyTimes(many, rt.Entry("", mode))
	for i := range entries {
		entries[i].Filename = strconv.FormatInt(int64(n*many+i), 36)
	}
	return entries
}

func manyTimes(n int, e rt.NameEntry) []rt.NameEntry {
	entries := make([]rt.NameEntry, n)
	for i := range entries {
		entries[i] = e
	}
	return entries
}

// hostileNames are names that no server must send, each in an honest tree.
func hostileNames() []hostileServer {
	named := func(name string) func() rt.Faults {
		return always(func() rt.Fault { return rt.RenameEntry("y", name) })
	}
	var rows []hostileServer
	for _, name := range []struct{ title, name, says string }{
		{"an empty name", "", "an empty name"},
		{"a name with a slash", "../../etc/passwd", "a name with a slash"},
		{"an absolute name", "/etc/passwd", "a name with a slash"},
		{"a name with a NUL", "y\x00.jpg", "a name with a NUL"},
		{"a name of 200 KB", strings.Repeat(escapes, 4000), "bytes"},
	} {
		rows = append(rows, hostileServer{name: name.title, status: exitIncomplete, says: name.says, may: everyChange, faults: named(name.name)})
	}
	for _, dots := range []string{".", ".."} {
		e := rt.Entry(dots, inventedDir)
		rows = append(rows, hostileServer{name: dots + " twice", status: exitIncomplete, says: "more than once", faults: site(rt.Once(e, e))})
	}
	nasty := []rt.NameEntry{}
	for _, name := range []string{escapes[:len(escapes)-1], "\x9b31m", "\u202egpj.exe", "two\nlines", "\xff\xfe", "=cmd|' /C calc'!A0", "@SUM(1)",
		"<script>alert(1)</script>", "`id`; $(id)", "-rf", " ", "\u200b", "\ufeff", "a\tb\rc", strings.Repeat("\x1b", 1024)} {
		nasty = append(nasty, rt.Entry(name, writableFile))
	}
	for _, format := range []string{"table", "json", "jsonl", "csv"} {
		rows = append(rows, hostileServer{name: "nasty names, as " + format, args: []string{"--format", format}, status: exitIncomplete, may: "*",
			says: "put another entry in its place", faults: site(rt.Once(nasty...))})
	}
	return rows
}
