package remote

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// readKnownHosts reads the files that there are. The library refuses one without
// a line that it can use, which is as good as none.
func readKnownHosts(files []string) (*knownhosts.HostKeyDB, error) {
	var used []string
	for _, file := range files {
		usable, err := usableKnownHosts(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if usable {
			used = append(used, file)
		}
	}
	return knownhosts.NewDB(used...)
}

// usableKnownHosts tells whether a known_hosts file has a line to go by. A line
// that makes no sense is an error that says where it is, since it may be the one
// that would have refused a key; ssh and the library pass over it. A host name
// that makes no sense is nobody's, as with ssh. Keys of types that x/crypto does
// not know (ssh-dss) are passed over here too: no server is asked for them.
func usableKnownHosts(file string) (bool, error) {
	info, err := os.Stat(file)
	if err != nil {
		return false, err
	}
	if info.Mode()&fs.ModeNamedPipe != 0 { // the library reads it again
		return false, fmt.Errorf("%s: a pipe can be read only once", file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	usable, number := false, 0
	for line := range bytes.Lines(data) {
		number++
		line = bytes.Trim(line, " \t\r\n") // as the library does
		if len(line) == 0 || line[0] == '#' || hasUnknownKeyType(line) {
			continue
		}
		if err := checkKnownHost(line); err != nil {
			return false, fmt.Errorf("%s:%d: %w", file, number, err)
		}
		usable = true
	}
	return usable, nil
}

func checkKnownHost(line []byte) error {
	marker, _, _, _, _, err := ssh.ParseKnownHosts(line)
	switch {
	case err == io.EOF:
		return errors.New("there is no key in the line")
	case err != nil:
		return errors.New(strings.TrimPrefix(err.Error(), "ssh: "))
	case marker != "" && marker != "cert-authority" && marker != "revoked":
		return fmt.Errorf("unknown marker @%s", marker)
	}
	return nil
}

// hasUnknownKeyType is false where the type that the line names is not the one
// that the key itself names: such a line is damaged.
func hasUnknownKeyType(line []byte) bool {
	fields := strings.FieldsFunc(string(line), func(r rune) bool { return r == ' ' || r == '\t' })
	if strings.HasPrefix(fields[0], "@") {
		fields = fields[1:]
	}
	if len(fields) < 3 || slices.Contains(knownKeyTypes, fields[1]) {
		return false
	}
	var key struct {
		Type string
		Rest []byte `ssh:"rest"`
	}
	blob, err := base64.StdEncoding.DecodeString(fields[2])
	return err == nil && ssh.Unmarshal(blob, &key) == nil && key.Type == fields[1]
}

// knownKeyTypes are the types of key that x/crypto reads, of hosts and others.
var knownKeyTypes = func() (types []string) {
	for _, a := range []ssh.Algorithms{ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()} {
		for _, name := range slices.Concat(a.HostKeys, a.PublicKeyAuths) {
			types = append(types, keyType(name))
		}
	}
	return types
}()
