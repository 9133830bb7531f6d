//go:build unix

package main

import (
	"errors"
	"os"

	"golang.org/x/term"
)

// openTerminalDevice opens the controlling terminal of this process.
func openTerminalDevice() (in, out *os.File, err error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	if !term.IsTerminal(int(tty.Fd())) {
		tty.Close()
		return nil, nil, errors.New("/dev/tty is no terminal")
	}
	return tty, tty, nil
}
