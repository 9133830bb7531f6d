package remote

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// setRoute reads ProxyJump and ProxyCommand: the first of the two counts.
func (r *resolver) setRoute(h *hop, s settings, tokens map[byte]string) error {
	proxy, ok := s.first("proxyjump", "proxycommand")
	if !ok || strings.EqualFold(proxy.value, "none") {
		return nil
	}
	if proxy.key == "proxycommand" {
		return WithHint(
			usagef("%s: %s is reached by a ProxyCommand, which hostperm does not run", proxy.where, h.alias),
			"use ProxyJump, or -J HOST")
	}
	jump, err := expandTokens(proxy, tokens)
	h.jump = jump
	return err
}

func (r *resolver) setTimes(h *hop, _ place, s settings, _ map[byte]string) error {
	h.timeout, h.aliveEvery, h.aliveMax = defaultTimeout, defaultAliveEvery, defaultAliveMax
	times := []struct {
		key string
		to  *time.Duration
	}{{"connecttimeout", &h.timeout}, {"serveraliveinterval", &h.aliveEvery}}
	for _, t := range times {
		if v, ok := s.first(t.key); ok {
			d, err := v.parseTime()
			if err != nil {
				return err
			}
			*t.to = d
		}
	}
	if r.options.Timeout > 0 {
		h.timeout = r.options.Timeout
	}
	if h.timeout <= 0 { // "ConnectTimeout 0" is ssh's way to ask for its default
		h.timeout = defaultTimeout
	}
	if v, ok := s.first("serveralivecountmax"); ok {
		n, err := strconv.ParseUint(v.value, 10, 16)
		if err != nil {
			return v.badValue("a number")
		}
		h.aliveMax = int(n)
	}
	return nil
}

// defaultIdentities are ssh's, in its order.
var defaultIdentities = [...]string{"id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"}

// setIdentities lists the key files to try. Those of the options come first
// for the target, and last for a jump host, which may not know them.
func (r *resolver) setIdentities(h *hop, p place, s settings, tokens map[byte]string) error {
	named, err := expandPaths(s.all("identityfile"), r.home, tokens)
	if err != nil {
		return err
	}
	var given, configured []identityFile
	for _, path := range r.options.Identities {
		given = append(given, identityFile{path, fromOptions})
	}
	for _, path := range named {
		configured = append(configured, identityFile{path, fromConfig})
	}
	if len(s.all("identityfile")) == 0 && (len(given) == 0 || !p.target) {
		for _, name := range defaultIdentities {
			configured = append(configured, identityFile{filepath.Join(r.home, ".ssh", name), fromDefaults})
		}
	}
	if p.target {
		h.identities = append(given, configured...)
	} else {
		h.identities = append(configured, given...)
	}
	if h.certificates, err = expandPaths(s.all("certificatefile"), r.home, tokens); err != nil {
		return err
	}
	if v, ok := s.first("identitiesonly"); ok {
		if h.identitiesOnly, err = v.parseFlag(); err != nil {
			return err
		}
	}
	if v, ok := s.first("preferredauthentications"); ok {
		h.methods = strings.Split(v.value, ",")
	}
	if v, ok := s.first("identityagent"); ok {
		h.agent, err = agentAddress(v, r.home, tokens)
	}
	return err
}

// expandPaths expands every value that is not "none".
func expandPaths(found settings, home string, tokens map[byte]string) (paths []string, err error) {
	for _, s := range found {
		if strings.EqualFold(s.value, "none") {
			continue
		}
		path, err := expandPath(s, home, tokens)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func (r *resolver) setHostKeys(h *hop, p place, s settings, tokens map[byte]string) error {
	ssh := filepath.Join(r.home, ".ssh")
	h.userKnownHosts = []string{filepath.Join(ssh, "known_hosts"), filepath.Join(ssh, "known_hosts2")}
	dir := systemSSHDir()
	h.otherKnownHosts = []string{filepath.Join(dir, "ssh_known_hosts"), filepath.Join(dir, "ssh_known_hosts2")}
	lists := []struct {
		key string
		to  *[]string
	}{{"userknownhostsfile", &h.userKnownHosts}, {"globalknownhostsfile", &h.otherKnownHosts}}
	for _, list := range lists {
		if v, ok := s.first(list.key); ok {
			files, err := v.fileList(r.home, tokens)
			if err != nil {
				return err
			}
			*list.to = files
		}
	}
	if len(r.options.KnownHosts) > 0 {
		h.userKnownHosts, h.otherKnownHosts = r.options.KnownHosts, nil
	}
	if p.target {
		h.pin = r.options.HostKey
	}
	if v, ok := s.first("hashknownhosts"); ok {
		var err error
		if h.hashNames, err = v.parseFlag(); err != nil {
			return err
		}
	}
	return r.setStrictness(h, s)
}

// fileList reads several paths in one setting.
func (s setting) fileList(home string, tokens map[byte]string) ([]string, error) {
	words, err := splitWords(s.raw)
	if err != nil {
		return nil, usagef("%s: %s: %v", s.where, s.key, err)
	}
	var found settings
	for _, word := range words {
		found = append(found, setting{key: s.key, value: word, where: s.where})
	}
	return expandPaths(found, home, tokens)
}

func (r *resolver) setStrictness(h *hop, s settings) error {
	v, ok := s.first("stricthostkeychecking")
	switch strings.ToLower(v.value) {
	case "yes", "true":
		h.strict = strictYes
	case "accept-new":
		h.strict = strictNew
	case "no", "off", "false":
		r.warn(fmt.Sprintf("%s: StrictHostKeyChecking %s is not honoured: host keys are always checked", v.where, v.value))
	default:
		if ok && !strings.EqualFold(v.value, "ask") {
			return v.badValue("yes, accept-new, ask or no")
		}
	}
	if r.options.AcceptNewHostKey {
		h.strict = strictNew
	}
	return nil
}

// agentAddress reads IdentityAgent: a socket, "none", or the name of an
// environment variable that holds one.
func agentAddress(s setting, home string, tokens map[byte]string) (string, error) {
	switch {
	case s.value == "SSH_AUTH_SOCK":
		return "", nil
	case strings.EqualFold(s.value, "none"):
		return noAgent, nil
	case runtime.GOOS == "windows" && strings.HasPrefix(s.value, `\\.\pipe\`):
		return s.value, nil
	case strings.HasPrefix(s.value, "$") && !strings.HasPrefix(s.value, "${"):
		s.value = "${" + s.value[1:] + "}"
	}
	return expandPath(s, home, tokens)
}
