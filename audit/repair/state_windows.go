package repair

import (
	"io/fs"
	"os"
)

// appendFlag is 0: a handle opened for appending can't cut off a torn line.
const appendFlag = 0

// noBlock is 0: Windows has no files that wait for a writer.
const noBlock = 0

// private accepts everything: a profile's access list, which keeps other users
// out of %LocalAppData%, is nothing that a FileInfo tells of.
func private(fs.FileInfo) error { return nil }

// syncDir does nothing: Windows writes names with the file.
func syncDir(*os.File) error { return nil }
