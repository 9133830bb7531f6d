package audit

// AppendText appends s to dst as a JSON string, in the way of EncodeMessage.
func AppendText(dst []byte, s string) []byte {
	if isPlain(s) {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"')
	}
	text, err := encodeLine(s)
	if err != nil {
		panic(err) // no string is beyond JSON
	}
	return append(dst, text...)
}

// isPlain reports whether s is printable ASCII that JSON need not escape.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendMember appends a further member of an object, a text.
func appendMember(dst []byte, name, value string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	dst = append(dst, `":`...)
	return AppendText(dst, value)
}
