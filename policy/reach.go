package policy

import "slices"

// What a process may do to an entry, for Identity.May: bits as in the last digit
// of a mode.
const (
	MayRead   Mode = 0o4
	MayWrite  Mode = 0o2
	MaySearch Mode = 0o1 // of a directory: reach what is in it
)

// May reports whether a process of id may do all that want says to an entry, as
// the kernel decides it: by the owner's bits for the owner, else by the group's
// for its groups, else by those for others; the first that matches decides, and
// is not helped by another (POSIX.1-2024, 4.7 File Access Permissions). Nothing
// holds up root. A nil id is anybody else, for whom the bits for others decide.
//
// Access control lists, mount options and the like can forbid or allow more, and
// are not to be seen over SFTP.
func (id *Identity) May(want, mode Mode, uid, gid uint32) bool {
	switch {
	case id == nil:
	case id.UID == 0:
		return true
	case id.UID == uid:
		mode >>= 6
	case slices.Contains(id.GIDs, gid):
		mode >>= 3
	}
	return mode&want == want
}

// verdict is an answer that may have to stay open.
type verdict uint8

const (
	unknown verdict = iota
	yes
	no
)

// decides is May for what the server may have left out. Without the owner it is
// still known where all classes agree.
func (id *Identity) decides(want, mode Mode, modeKnown bool, uid, gid uint32, ownerKnown bool) verdict {
	var may bool
	switch {
	case id != nil && id.UID == 0:
		return yes
	case !modeKnown:
		return unknown
	case ownerKnown || id == nil:
		may = id.May(want, mode, uid, gid)
	default:
		owner, group, others := mode>>6&want == want, mode>>3&want == want, mode&want == want
		if owner != group || group != others {
			return unknown
		}
		may = owner
	}
	if may {
		return yes
	}
	return no
}

// Way is what a web server meets on the way down to what a directory holds. It
// is carried from each directory to those in it: the zero Way lies above all,
// and a walk that brings parents before children needs no other state. Each
// directory is the topmost of its kind, so that what it stands in the way of is
// told once, of it, and not of everything below: Blocker is d in the Way that
// Down gives for d, and another or nil in all others.
//
// Directories above the web root are Dirs too, with absolute paths.
type Way struct {
	Blocker *Dir // cannot be searched: 403 Forbidden for all below; nil: none is known
	Unknown *Dir // may or may not be searched: the server did not tell; nil: none

	// Htaccess holds an .htaccess that Apache cannot read, which makes it answer
	// 403 Forbidden for all below. Down leaves it alone: whoever comes upon such
	// a file, see ForbidsAll, may set it for what comes later.
	Htaccess *Dir
}

// Down gives the way to what d holds, from that to d itself. It does not
// allocate.
func (id *Identity) Down(w Way, d *Dir) Way {
	switch id.decides(MaySearch, d.Mode, d.ModeKnown, d.UID, d.GID, d.OwnerKnown) {
	case no:
		if w.Blocker == nil {
			w.Blocker = d
		}
	case unknown:
		if w.Unknown == nil {
			w.Unknown = d
		}
	}
	return w
}

// Reach is what comes of a web server's attempt to send a file.
type Reach uint8

const (
	ReachUnknown Reach = iota // the server did not tell enough of it, or of a directory above
	Readable                  // it can be sent
	Unreadable                // 403: its own bits forbid it
	Unreachable               // 403: Way.Blocker does
	Forbidden                 // 403 on Apache: the .htaccess in Way.Htaccess cannot be read
)

// Reach tells what comes of f, which w leads to. What is sure to fail is told
// before what is not known: Unreachable before Forbidden before Unreadable. Of a
// symlink the bits mean nothing, and what it leads to is not followed:
// ReachUnknown, unless the way to the link itself is barred. It does not
// allocate.
func (id *Identity) Reach(w Way, f *File) Reach {
	own := unknown
	if f.Kind != KindSymlink && f.Kind != KindUnknown {
		own = id.decides(MayRead, f.Mode, f.ModeKnown, f.UID, f.GID, f.OwnerKnown)
	}
	switch {
	case w.Blocker != nil:
		return Unreachable
	case w.Htaccess != nil:
		return Forbidden
	case own == no:
		return Unreadable
	case own == unknown || w.Unknown != nil:
		return ReachUnknown
	}
	return Readable
}

// ForbidsAll reports whether f is an .htaccess that makes Apache answer 403
// Forbidden for all that its directory holds, at any depth: it cannot read it,
// or it is a directory (ap_parse_htaccess of httpd's server/config.c).
func (id *Identity) ForbidsAll(f *File) bool {
	if string(f.Name) != ".htaccess" {
		return false
	}
	return f.Kind == KindDir ||
		f.Kind == KindFile && id.decides(MayRead, f.Mode, f.ModeKnown, f.UID, f.GID, f.OwnerKnown) == no
}
