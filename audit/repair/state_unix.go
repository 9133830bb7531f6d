//go:build unix

package repair

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// appendFlag makes every write go to the end of the file.
const appendFlag = os.O_APPEND

// noBlock keeps the opening of a FIFO, which is no journal, from waiting for a
// writer.
const noBlock = syscall.O_NONBLOCK

// private returns an error if someone other than the current user could write
// to what info describes. Root always could, and is not counted.
func private(info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("its owner can't be told")
	}
	if uid := os.Geteuid(); int(st.Uid) != uid {
		return fmt.Errorf("it belongs to uid %d, and this is uid %d", st.Uid, uid)
	}
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return fmt.Errorf("others may write to it (mode %04o)", perm)
	}
	return nil
}

// syncDir brings the names in a directory to disk. File systems that can't do
// that for a directory say EINVAL or ENOTSUP; they are taken as they are.
func syncDir(d *os.File) error {
	err := d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}
