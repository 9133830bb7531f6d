package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// Mode is the twelve permission bits of an entry, 0 to 07777: setuid, setgid,
// sticky, and rwx for owner, group and others. It never carries the file type.
type Mode uint16

const (
	Setuid     Mode = 0o4000
	Setgid     Mode = 0o2000
	Sticky     Mode = 0o1000
	PermBits   Mode = 0o0777
	AllBits    Mode = 0o7777
	OtherRead  Mode = 0o0004
	OtherWrite Mode = 0o0002
	OtherExec  Mode = 0o0001
)

// String gives four octal digits, as chmod and the JSON output take them.
func (m Mode) String() string {
	if m > AllBits {
		return strconv.FormatUint(uint64(m), 8)
	}
	return string([]byte{'0' + byte(m>>9&7), '0' + byte(m>>6&7), '0' + byte(m>>3&7), '0' + byte(m&7)})
}

// ParseMode reads one to four octal digits, as chmod takes them.
func ParseMode(s string) (Mode, error) {
	n, err := strconv.ParseUint(s, 8, 16)
	if err != nil || len(s) > 4 || n > uint64(AllBits) {
		return 0, fmt.Errorf("%q is not a mode of up to four octal digits", s)
	}
	return Mode(n), nil
}

// Kind is what an entry is, as lstat tells it.
type Kind uint8

const (
	KindUnknown Kind = iota // the server did not say
	KindFile
	KindDir
	KindSymlink
	KindFIFO
	KindSocket
	KindCharDevice
	KindBlockDevice
)

var kindNames = [...]string{"unknown", "file", "dir", "symlink", "fifo", "socket", "char-device", "block-device"}

// String gives the word used in the JSON output.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindUnknown]
}

// ParseKind is the inverse of Kind.String.
func ParseKind(s string) (Kind, error) {
	for i, name := range kindNames {
		if s == name {
			return Kind(i), nil
		}
	}
	return KindUnknown, fmt.Errorf("%q is not a kind of entry", s)
}

// Dir is a directory on the way from the web root down to an entry. The chain
// of Parent ends at the web root, whose Parent is nil.
type Dir struct {
	Parent     *Dir
	Path       string // relative to the web root, "." for the root itself
	Mode       Mode
	ModeKnown  bool
	UID, GID   uint32
	OwnerKnown bool

	Above *Way // of the web root: the way to it; nil: nothing is known of it

	entered    *matcher // by Policy.Enter; state is of its patterns
	state      *dirState
	way        Way  // to what it holds
	rewritable bool // see Policy.rewritable
}

// File is one entry as the server listed it: what a rule looks at. Name may be
// a view into a network buffer; a rule must not keep it.
type File struct {
	Dir        *Dir   // the directory that holds the entry; nil for the web root itself
	Name       []byte // last component, "." for the web root itself
	Kind       Kind
	Mode       Mode
	ModeKnown  bool // false: the server left the mode out; Mode is then 0 and means nothing
	UID, GID   uint32
	OwnerKnown bool
	RootInSSH  bool  // the web root itself is, or lies below, a directory named .ssh
	Above      *Way  // of the web root itself: as Dir.Above has it
	Link       *Link // of a symlink: where it leads; nil: nobody has looked
}

// Path gives the entry's path relative to the web root. It allocates.
func (f *File) Path() string {
	if f.Dir == nil || f.Dir.Path == "." {
		return string(f.Name)
	}
	return f.Dir.Path + "/" + string(f.Name)
}

// EntryAt makes an entry of a path relative to the web root, "." for the root
// itself, and the directories that it lies in. Nothing else is known of any.
func EntryAt(path string) *File {
	if path == "." {
		return &File{Name: []byte(path)}
	}
	dir := &Dir{Path: "."}
	for i := range len(path) {
		if path[i] == '/' {
			dir = &Dir{Parent: dir, Path: path[:i]}
		}
	}
	return &File{Dir: dir, Name: []byte(path[strings.LastIndexByte(path, '/')+1:])}
}
