package fastlane

// MaxPacket is the longest packet that is accepted, in bytes, without its
// length field: 256 KiB, as OpenSSH limits it on both sides (SFTP_MAX_MSG_LENGTH).
const MaxPacket = 256 << 10

// maxHandle is the longest file handle, in bytes; section 6.3 of the draft.
const maxHandle = 256

// version is the protocol version spoken.
const version = 3

// Packet types, section 3 of the draft.
const (
	typeInit     = 1
	typeVersion  = 2
	typeOpen     = 3
	typeClose    = 4
	typeRead     = 5
	typeLStat    = 7
	typeFStat    = 8
	typeSetStat  = 9
	typeFSetStat = 10
	typeOpenDir  = 11
	typeReadDir  = 12
	typeRealPath = 16
	typeStat     = 17
	typeReadLink = 19
	typeStatus   = 101
	typeHandle   = 102
	typeData     = 103
	typeName     = 104
	typeAttrs    = 105
	typeExtended = 200
)

// flagRead is SSH_FXF_READ of the OPEN request.
const flagRead = 1

// LSetStatExtension is the extension of OpenSSH 8.0 and later that changes an
// entry's attributes by path without following a symlink in the last component.
const LSetStatExtension = "lsetstat@openssh.com"

// Op is a kind of request.
type Op uint8

// The requests that a Session can send.
const (
	OpOpenDir Op = iota + 1
	OpReadDir
	OpClose
	OpLStat
	OpOpen
	OpFStat
	OpFSetStat
	OpLSetStat
	OpSetStat
	OpReadLink
	OpStat
	OpRealPath
	OpRead
)

// answers maps each Op to the packet type of its success; a STATUS packet may
// answer any of them.
var answers = [...]byte{
	OpOpenDir:  typeHandle,
	OpReadDir:  typeName,
	OpClose:    typeStatus,
	OpLStat:    typeAttrs,
	OpOpen:     typeHandle,
	OpFStat:    typeAttrs,
	OpFSetStat: typeStatus,
	OpLSetStat: typeStatus,
	OpSetStat:  typeStatus,
	OpReadLink: typeName,
	OpStat:     typeAttrs,
	OpRealPath: typeName,
	OpRead:     typeData,
}

var opNames = [...]string{
	OpOpenDir:  "OPENDIR",
	OpReadDir:  "READDIR",
	OpClose:    "CLOSE",
	OpLStat:    "LSTAT",
	OpOpen:     "OPEN",
	OpFStat:    "FSTAT",
	OpFSetStat: "FSETSTAT",
	OpLSetStat: "lsetstat",
	OpSetStat:  "SETSTAT",
	OpReadLink: "READLINK",
	OpStat:     "STAT",
	OpRealPath: "REALPATH",
	OpRead:     "READ",
}

// String gives the name that the draft gives the request.
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return "unknown request"
}
