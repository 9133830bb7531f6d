// Package remote touches the server: it finds out where a target is and how to
// log in, checks host keys, walks a web root over SFTP, and changes modes by
// means that cannot be turned against an entry other than the one audited.
//
// Every call takes a context, and a cancelled context ends the call at once,
// whether or not the server answers: the connection is closed under it.
// Callbacks are serialised. Paths are bytes as the server sent them; whoever
// shows them to a person quotes them first.
//
// # When the connection is lost
//
// With Options.Reconnect a call outlives its connection: Client.reconnect makes
// another to the same host keys, sees that the web root is the one of before,
// and has the operation go on with new sessions (operation.again). A walk lists
// anew what it had begun, and shows of that only what it had not shown (shown); a
// Change looks again at each entry whose change was sent, and takes what it sees
// for the answer that was lost (changeJob.recalls). Pauses grow, tries are
// counted, and those in a row start over once anything got done in between.
//
// # How a tree is listed
//
// Far away the round trips under way at once decide how long a walk takes, near
// by the work of the server's process does. So a walk uses several sessions,
// each a process of its own on OpenSSH, and in each many directories at once;
// see WalkOptions and flight. The first session is opened beside the one of
// pkg/sftp that finds the root, the others as work shows up. Where the server
// allows one only, it is opened once that of pkg/sftp has been given up. While the
// root is resolved, the first session looks where the target says that it is, and
// around it, and lists it (rootLook, earlyAround, rootListing): what it saw counts
// once the root is known to be there. On OpenSSH, which reads on, it asks behind
// INIT, without waiting for VERSION, and where it finds that only directories lead
// there, the root is resolved so (plainRoot). Far away it goes on with the
// directories in the root, while what an audit must know before it walks is read.
//
// A directory takes two round trips: OPENDIR, then READDIRs and later CLOSE,
// which is not waited for. Where the handle can be foreseen it takes one:
// OPENDIR, two READDIRs and CLOSE go out one behind the other, and nothing of
// the listing is shown before its end was seen; see fastlane.Session.ListWhole
// for why that is exact. Such a listing keeps nothing open, so that a server
// with few handles serves as many at once as one with many. A directory that is
// too large for it, or whose handle was another, is listed anew in the other
// way, with more READDIRs outstanding the longer it goes on.
//
// # What a server cannot do
//
// A server can lie about a tree, and cannot make a walk of it endless or make it
// take all memory. A listing has bounds of its own (see Walk), a path is at most
// 4095 bytes long, which bounds the depth of a tree that contains itself, and
// one walk shows at most 1,000,000,000 entries. Directories that wait are held
// to 256 MiB, LSTATs of what was listed without a mode to 32 MiB, and what comes
// back to a packet for each session; see also package fastlane. A connection on
// which no request is answered for five minutes is given up, whatever else comes
// over it; what is slower than that, and answers, goes on until the context ends.
//
// # How a mode is changed
//
// Whoever owns a directory on the way to an entry can put something else there
// between the audit and the change: a symlink to /etc/shadow, a FIFO, another
// file. SETSTAT, the plain request for a change, follows a symlink and is never
// sent. Client.Change uses the first of these that the server offers for the
// entry:
//
//  1. By handle. LSTAT, compare; OPEN for reading, FSTAT of what was opened,
//     compare; FSETSTAT of the handle. What the handle is open on cannot be
//     exchanged any more. Where the handle can be foreseen, OPEN and FSTAT go
//     out in one go, and the FSTAT counts if the handle is that one. OpenSSH does
//     this for directories too. OPENDIR's handles are not used: ProFTPD changes
//     what the path names by then.
//  2. By path, with lsetstat@openssh.com (OpenSSH 8.0 and later), which does
//     not follow a symlink in the last component: LSTAT, compare, lsetstat.
//     This is for what cannot be opened: the account may change an entry of its
//     own that it may not read. (With older kernels and C libraries OpenSSH
//     needs /proc for this, and says failure without it, as in a chroot.)
//
// Where neither works, the change is refused, and the error says what to ask
// of the host: on ProFTPD that is every directory, and every file that the
// account cannot read. A permission denied to FSETSTAT is an answer, not a
// reason to try the other way: the entry is another's.
//
// To compare means type, twelve permission bits, owner and group, and for a
// file size and time of modification; a directory's change with its contents,
// and so would with every repair inside. Only files and directories are opened:
// OPEN of a FIFO would hang the server's process. Every directory from the root
// down to the entry must be one, by LSTAT, once for each call of Change. Entries
// behind a ChangeRequest.Gate are looked at, and opened, while those before it are
// changed; what is left to be done once it has let them through is the change
// itself, of what the handle is open on. And since ProFTPD's LSTAT tells of what
// a symlink leads to, READLINK goes along with LSTAT on a server that does not
// offer lsetstat: what can be read as a link is one.
//
// Each change is then looked at again, by handle and by path. One that the
// server ignores, masks, or that turns out to be of an entry exchanged
// meanwhile is ChangeFailed, with what is there now. A setgid bit that the
// server drops, because the account is not in the entry's group, shows so.
//
// # What is read besides
//
// Client.Heads reads the first bytes of files, guarded as a change by handle is:
// LSTAT, compare; OPEN, FSTAT, compare; only then READ. Client.ReadFiles reads
// whole small files by absolute paths, and Client.Identities /etc/passwd and
// /etc/group with it. Client.ReadLinks and Client.Above open nothing. What real
// servers answer to the requests that these rest on is tested in
// remotetest/realserver: OpenSSH and ProFTPD resolve symlinks in REALPATH, a
// server built on pkg/sftp does not, and ProFTPD makes a link's text absolute.
//
// # Whose way leads to an entry
//
// The owner of a directory, or of a symlink that the target passes through, can
// put something else in the place of what is in it. So an entry is changed only
// if all of them, from the server's root down, belong to the entry's own owner
// or to root (Way); else the change is refused before anything is opened, and an
// audit says beforehand that it is held back. A regular file is changed only if
// it has one name, where the server tells: OpenSSH's longname has the number of
// links, and nothing else in the protocol does. And setgid is put on a file
// only for the web root's own group.
//
// # What remains
//
// SFTP version 3 has no openat and shows no inode. The owner of a directory
// between the root and the entry, who puts a symlink in its place after it was
// looked at, can have OPEN reach another place. What is reached there is changed
// only if it has the audited entry's type, mode, owner, group and, for a file,
// size and time. That bounds what is won: by the rule above, who can do this is
// the owner of the entry, or root. What is reached must then belong to that
// owner, who could have changed it himself, to a mode that he could have given
// it. So the change is one that he needed no help for, whoever the account is,
// with two exceptions that are closed otherwise: setgid for a group that he is
// not in, and a hard link to a file that is his and lies in another's directory,
// which is his all the same.
//
// By path, where the comparison comes before the change and not with it, the
// exchange of the entry itself within one round trip escapes the comparison, but
// for the second look, which reports it. lsetstat does not follow a symlink in
// the last component; one above it leads elsewhere, and there to whatever has
// the entry's name: there the owner is not compared with the change. This way is
// only taken for what cannot be opened, which for root is nothing.
//
// A FIFO in the place of an entry makes OPEN hang until the run's patience or
// --timeout ends it; nothing is changed by that.
package remote
