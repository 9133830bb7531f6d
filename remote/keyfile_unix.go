//go:build !windows

package remote

import (
	"io/fs"
	"os"
	"syscall"
)

// tooOpen tells whether a private key of this user can be read by others. As
// with ssh, a key that belongs to somebody else is that one's concern.
func tooOpen(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode().IsRegular() && int(stat.Uid) == os.Getuid() && info.Mode()&0o077 != 0
}
