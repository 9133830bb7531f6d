package remote

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// configBlock is what opens a section of an ssh configuration file.
type configBlock struct {
	kind     blockKind
	patterns []string
}

type blockKind uint8

const (
	hostBlock  blockKind = iota // Host, Match originalhost, Match all: by the name as typed
	matchHost                   // Match host: by HostName, if that is set by then
	matchFinal                  // Match final: for every host, after all else
	matchNever                  // a Match that cannot be decided here
)

// includeKey stands for Include in the text for the parser, which would read
// included files itself and stumble over a Match block in them.
const includeKey = "hostperm-include"

// configText is a configuration file made digestible for the parser.
type configText struct {
	blocks    []configBlock // the first is what stands before any Host or Match
	plain     []byte        // for the parser: as many lines, with a Host line for each block but the first
	arguments []string      // of each line, as written
}

// splitBlocks takes Host and Match lines out of a configuration file: the
// parser takes a second criterion of a Match for a pattern, splits patterns at
// spaces only, and gives up a whole file for a criterion that it does not know.
func splitBlocks(text []byte, path string, warn func(string)) (*configText, error) {
	c := &configText{blocks: []configBlock{{kind: hostBlock, patterns: []string{"*"}}}}
	var plain bytes.Buffer
	for i, line := range strings.Split(string(text), "\n") {
		where := fmt.Sprintf("%s:%d", path, i+1)
		line = strings.Trim(line, " \t\r\f")
		if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			return nil, usagef("%s: the line contains a control character", where)
		}
		keyword, arguments := cutKeyword(line)
		if keyword != "" && !utf8.ValidString(line) { // the parser would read other bytes
			return nil, usagef("%s: the line is not in UTF-8", where)
		}
		c.arguments = append(c.arguments, arguments)
		switch strings.ToLower(keyword) {
		case "host", "match":
			block, err := parseBlock(keyword, arguments)
			if err != nil {
				return nil, usagef("%s: %s: %v", where, keyword, err)
			}
			if block.kind == matchNever {
				warn(fmt.Sprintf("%s: hostperm cannot decide \"Match %s\": the settings of this block are ignored", where, arguments))
			}
			c.blocks = append(c.blocks, block)
			line = "Host block"
		case "include":
			line = includeKey + " " + arguments
		}
		plain.WriteString(line + "\n")
	}
	c.plain = plain.Bytes()
	return c, nil
}

func parseBlock(keyword, arguments string) (configBlock, error) {
	words, err := splitWords(arguments)
	switch {
	case err != nil:
		return configBlock{}, err
	case len(words) == 0:
		return configBlock{}, errors.New("its argument is missing")
	case strings.EqualFold(keyword, "match"):
		return matchBlock(words), nil
	}
	return configBlock{kind: hostBlock, patterns: words}, nil
}

// matchBlock decides what can be decided without running a command and without
// knowing more than the host.
func matchBlock(words []string) configBlock {
	switch criterion := strings.ToLower(words[0]); {
	case len(words) == 1 && criterion == "all":
		return configBlock{kind: hostBlock, patterns: []string{"*"}}
	case len(words) == 1 && criterion == "final",
		len(words) == 2 && criterion == "final" && strings.EqualFold(words[1], "all"):
		return configBlock{kind: matchFinal, patterns: []string{"*"}}
	case len(words) == 2 && criterion == "host":
		return configBlock{kind: matchHost, patterns: strings.Split(words[1], ",")}
	case len(words) == 2 && criterion == "originalhost":
		return configBlock{kind: hostBlock, patterns: strings.Split(words[1], ",")}
	}
	return configBlock{kind: matchNever}
}

// cutKeyword splits a line at the blank or the = after its first word.
func cutKeyword(line string) (keyword, arguments string) {
	if strings.HasPrefix(line, "#") {
		return "", ""
	}
	i := strings.IndexAny(line, " \t=")
	if i < 0 {
		return line, ""
	}
	rest := strings.TrimLeft(line[i:], " \t")
	return line[:i], strings.TrimLeft(strings.TrimPrefix(rest, "="), " \t")
}

// splitWords splits arguments as ssh does: at blanks outside quotes, up to a
// word that begins with #.
func splitWords(s string) (words []string, err error) {
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" || s[0] == '#' {
			return words, nil
		}
		var word string
		if word, s, err = cutWord(s); err != nil {
			return nil, err
		}
		words = append(words, word)
	}
}

func cutWord(s string) (word, rest string, err error) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`\"'`, s[i+1]) >= 0:
			i++
			b.WriteByte(s[i])
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), s[i:], nil
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", "", errors.New("a quote is not closed")
	}
	return b.String(), "", nil
}

// matchPatterns tells whether a name is matched by a list of patterns, of
// which a negated one (!pattern) outweighs all others (ssh_config(5), PATTERNS).
func matchPatterns(patterns []string, name string) bool {
	found := false
	for _, p := range patterns {
		p, negated := strings.CutPrefix(p, "!")
		if !matchPattern(p, name) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}

// matchPattern knows * (any text) and ? (one byte). It takes time proportional
// to the product of the lengths at most.
func matchPattern(pattern, name string) bool {
	star, mark := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
