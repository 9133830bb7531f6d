//go:build !unix

package remotetest

import "errors"

func mkfifo(string) error { return errors.ErrUnsupported }
