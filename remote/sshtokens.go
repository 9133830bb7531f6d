package remote

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// expandTokens replaces the %-tokens of ssh_config(5). One that is not in
// tokens is an error, as it is for ssh.
func expandTokens(s setting, tokens map[byte]string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s.value); i++ {
		c := s.value[i]
		if c != '%' {
			b.WriteByte(c)
			continue
		}
		i++
		if i == len(s.value) {
			return "", s.badValue("text with complete %-tokens")
		}
		if s.value[i] == '%' {
			b.WriteByte('%')
			continue
		}
		text, ok := tokens[s.value[i]]
		if !ok {
			return "", usagef("%s: the token %%%s is not known in %s", s.where, printable(s.value[i:i+1]), s.key)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// expandPath expands environment variables, tokens and a leading tilde.
func expandPath(s setting, home string, tokens map[byte]string) (string, error) {
	var err error
	if s.value, err = expandTokens(s, tokens); err != nil {
		return "", err
	}
	return expandHome(s, home)
}

// expandHome expands ${VARIABLE} and a leading tilde.
func expandHome(s setting, home string) (string, error) {
	value, err := expandEnvironment(s)
	if err != nil || !strings.HasPrefix(value, "~") {
		return value, err
	}
	name, rest, _ := strings.Cut(value[1:], "/")
	if name != "" {
		other, err := user.Lookup(name)
		if err != nil {
			return "", usagef("%s: %s: no user %q is known here", s.where, s.key, name)
		}
		home = other.HomeDir
	}
	return filepath.Join(home, rest), nil
}

func expandEnvironment(s setting) (string, error) {
	var b strings.Builder
	rest := s.value
	for {
		before, after, found := strings.Cut(rest, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, tail, closed := strings.Cut(after, "}")
		value, set := os.LookupEnv(name)
		if !closed || !set {
			return "", usagef("%s: %s: the environment variable %q is not set", s.where, s.key, name)
		}
		b.WriteString(value)
		rest = tail
	}
}

// parseFlag reads yes or no.
func (s setting) parseFlag() (bool, error) {
	switch strings.ToLower(s.value) {
	case "yes", "true":
		return true, nil
	case "no", "false":
		return false, nil
	}
	return false, s.badValue("yes or no")
}

// maxTime keeps sums of times from running over.
const maxTime = 365 * 24 * time.Hour

// parseTime reads a time as ssh writes it: 90, 1m30s, 2h (sshd_config(5), TIME
// FORMATS).
func (s setting) parseTime() (time.Duration, error) {
	const units = "smhdw"
	seconds := [len(units)]int64{1, 60, 3600, 86400, 7 * 86400}
	bad := s.badValue("a time like 30 or 1m30s")
	rest := strings.ToLower(s.value)
	if rest == "" {
		return 0, bad
	}
	var total int64
	for rest != "" {
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end, rest = len(rest), rest+"s"
		}
		n, err := strconv.ParseInt(rest[:end], 10, 32)
		unit := strings.IndexByte(units, rest[end])
		if err != nil || unit < 0 {
			return 0, bad
		}
		if total += n * seconds[unit]; total > int64(maxTime/time.Second) {
			return 0, bad
		}
		rest = rest[end+1:]
	}
	return time.Duration(total) * time.Second, nil
}
