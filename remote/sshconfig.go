package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	sshconfig "github.com/kevinburke/ssh_config"
)

// setting is one line of an ssh configuration that applies to a host.
type setting struct {
	key   string // lower case
	value string
	raw   string // with quotes and all, for keywords that take several values
	where string // file:line, for messages
}

// settings are the lines that apply to a host, in the order in which ssh looks
// at them: for most keywords the first one counts.
type settings []setting

// first gives the setting that counts for a keyword (lower case), if any.
func (s settings) first(keys ...string) (setting, bool) {
	i := slices.IndexFunc(s, func(t setting) bool { return slices.Contains(keys, t.key) })
	if i < 0 {
		return setting{}, false
	}
	return s[i], true
}

// all gives every setting of a keyword that adds up, as IdentityFile does.
func (s settings) all(key string) (found settings) {
	for _, t := range s {
		if t.key == key {
			found = append(found, t)
		}
	}
	return found
}

// badValue is the error for a setting that cannot be understood.
func (s setting) badValue(want string) error {
	return usagef("%s: %s is %q, not %s", s.where, s.key, s.value, want)
}

// configFile is a configuration file to read.
type configFile struct {
	path    string
	include string // the directory that a relative Include starts from
	must    bool   // it was named by the user: missing is an error
}

// configFiles gives the files that count, as ssh -F chooses them.
func configFiles(option, home string) []configFile {
	userDir := filepath.Join(home, ".ssh")
	switch {
	case strings.EqualFold(option, "none"):
		return nil
	case option != "":
		return []configFile{{path: option, include: userDir, must: true}}
	}
	dir := systemSSHDir()
	return []configFile{
		{path: filepath.Join(userDir, "config"), include: userDir},
		{path: filepath.Join(dir, "ssh_config"), include: dir},
	}
}

func systemSSHDir() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("ProgramData"), "ssh")
	}
	return "/etc/ssh"
}

// readSettings gives the settings of the files that apply to a host named
// alias. Every Match block that it cannot decide is reported to warn, and left
// out; the rest of the file still applies.
func readSettings(files []configFile, home, alias string, warn func(string)) (settings, error) {
	r := configReader{home: home, alias: alias, warn: warn}
	for _, f := range files {
		r.include = f.include
		err := r.read(f.path, 0, false)
		switch {
		case errors.Is(err, fs.ErrNotExist) && !f.must:
		case errors.Is(err, fs.ErrPermission) && !f.must:
			warn(fmt.Sprintf("the ssh configuration %s cannot be read: its settings are ignored", f.path))
		case errors.Is(err, ErrUsage):
			return nil, err
		case err != nil:
			return nil, usagef("read the ssh configuration: %v", err)
		}
	}
	return append(r.found, r.final...), nil
}

// configReader collects what applies to one host.
type configReader struct {
	home, alias string
	hostName    string // HostName as far as it is known; "" until then
	include     string
	warn        func(string)
	found       settings
	final       settings // from "Match final" blocks, which ssh looks at last
}

// maxIncludeDepth is ssh's.
const maxIncludeDepth = 16

func (r *configReader) read(path string, depth int, final bool) error {
	if depth > maxIncludeDepth {
		return usagef("%s: Include files are nested more than %d deep", path, maxIncludeDepth)
	}
	text, err := readConfigText(path)
	if err != nil {
		return err
	}
	file, err := splitBlocks(text, path, r.warn)
	if err != nil {
		return err
	}
	config, err := sshconfig.DecodeBytes(file.plain)
	if err != nil {
		return usagef("%s: %s", path, printable(err.Error()))
	}
	if len(config.Hosts) != len(file.blocks) {
		return usagef("%s: cannot tell its Host blocks apart", path)
	}
	for i, host := range config.Hosts {
		block := file.blocks[i]
		if !r.applies(block) {
			continue
		}
		for _, node := range host.Nodes {
			kv, ok := node.(*sshconfig.KV)
			if !ok {
				continue
			}
			line := kv.Pos().Line
			if !utf8.ValidString(file.arguments[line-1]) {
				return usagef("%s:%d: the line is not UTF-8", path, line) // the library would read something else
			}
			s := setting{
				key: strings.ToLower(kv.Key), value: kv.Value,
				raw: file.arguments[line-1], where: fmt.Sprintf("%s:%d", path, line),
			}
			if err := r.add(s, depth, final || block.kind == matchFinal); err != nil {
				return err
			}
		}
	}
	return nil
}

// readConfigText reads a file, and refuses one that anybody may write to, as
// ssh does: who writes it decides where a password goes.
func readConfigText(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode()&0o002 != 0 {
		return nil, WithHint(usagef("the ssh configuration %s can be written by anybody", path), "chmod o-w "+path)
	}
	text, err := os.ReadFile(path)
	return bytes.TrimPrefix(text, []byte("\ufeff")), err
}

func (r *configReader) add(s setting, depth int, final bool) error {
	if s.key == includeKey {
		return r.addIncluded(s, depth, final)
	}
	if final {
		r.final = append(r.final, s)
		return nil
	}
	if s.key == "hostname" && r.hostName == "" {
		name, err := expandTokens(s, map[byte]string{'h': r.alias, 'n': r.alias})
		if err != nil {
			return err
		}
		r.hostName = name
	}
	r.found = append(r.found, s)
	return nil
}

func (r *configReader) addIncluded(s setting, depth int, final bool) error {
	patterns, err := splitWords(s.raw)
	if err != nil {
		return usagef("%s: %v", s.where, err)
	}
	for _, pattern := range patterns {
		if pattern, err = expandHome(setting{key: s.key, value: pattern, where: s.where}, r.home); err != nil {
			return err
		}
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(r.include, pattern)
		}
		files, err := filepath.Glob(pattern)
		if err != nil {
			return usagef("%s: Include %q: %v", s.where, pattern, err)
		}
		for _, file := range files {
			if err := r.read(file, depth+1, final); err != nil {
				if errors.Is(err, ErrUsage) {
					return err
				}
				return usagef("%s: Include: %v", s.where, err)
			}
		}
	}
	return nil
}

func (r *configReader) applies(b configBlock) bool {
	switch b.kind {
	case matchNever:
		return false
	case matchHost:
		if r.hostName != "" {
			return matchPatterns(b.patterns, r.hostName)
		}
	}
	return matchPatterns(b.patterns, r.alias)
}
