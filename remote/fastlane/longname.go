package fastlane

// maxLinks is the largest link count that a longname is believed; no file
// system in use allows a file more.
const maxLinks = 1<<32 - 1

// linksOf reads the number of hard links from the longname of a regular file
// with the attributes a, 0 if it does not tell. SFTP version 3 has no field for
// it, and leaves the longname's form to the server; but those that are known
// (OpenSSH, ProFTPD, pkg/sftp) write a line of ls -l, which begins with type and
// mode, blanks, and the count. What stands there before the count must be the
// mode of a, to the letter, or nothing of the line is believed. Names come
// behind it, so that whoever names files or accounts has no say in it.
func linksOf(longname []byte, a *Attr) uint32 {
	mode := modeText(a.Mode)
	if len(longname) <= len(mode) || string(longname[:len(mode)]) != string(mode[:]) {
		return 0
	}
	rest := longname[len(mode):]
	blanks := 0
	for blanks < len(rest) && rest[blanks] == ' ' {
		blanks++
	}
	rest = rest[blanks:]
	var n uint64
	for i, c := range rest {
		switch {
		case c >= '0' && c <= '9' && n <= maxLinks:
			n = 10*n + uint64(c-'0')
		case c == ' ' && i > 0 && blanks > 0 && n <= maxLinks:
			return uint32(n)
		default:
			return 0
		}
	}
	return 0
}

// modeText is the mode of a regular file as ls -l shows it.
func modeText(mode uint32) [10]byte {
	text := [10]byte{'-', 'r', 'w', 'x', 'r', 'w', 'x', 'r', 'w', 'x'}
	for i := 1; i < len(text); i++ {
		if mode&(0o1000>>i) == 0 {
			text[i] = '-'
		}
	}
	for i, special := range [...]byte{'s', 's', 't'} {
		if mode&(0o4000>>i) == 0 {
			continue
		}
		at := 3 * (i + 1)
		if text[at] == '-' {
			special -= 'a' - 'A' // the bit without that of execution
		}
		text[at] = special
	}
	return text
}
