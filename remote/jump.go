package remote

import (
	"slices"
	"strings"
)

// maxHops bounds a chain of jump hosts, as a guard against a configuration that
// sends every host through another.
const maxHops = 16

// route gives the servers to go through, the target last. Options.Jump
// outweighs the configuration. As with ssh, the first jump host of a list is
// reached as its own configuration says, and each other one through the one
// before it.
func (r *resolver) route(t Target) ([]*hop, error) {
	p := place{user: t.User, host: t.Host, port: t.Port, target: true}
	p.routed = r.options.Jump != ""
	target, err := r.hop(p)
	if err != nil {
		return nil, err
	}
	if p.routed {
		target.jump = r.options.Jump
	}
	return r.through(target, nil)
}

// through gives the hops to h, and h. waiting are those that h itself is on
// the way to.
func (r *resolver) through(h *hop, waiting []string) ([]*hop, error) {
	if h.jump == "" || strings.EqualFold(h.jump, "none") {
		return []*hop{h}, nil
	}
	name := h.user + "@" + h.addr()
	if slices.Contains(waiting, name) || len(waiting) >= maxHops {
		return nil, WithHint(usagef("the jump host %s is to be reached through itself", h.alias),
			"give it a Host block with ProxyJump none")
	}
	waiting = append(waiting, name)
	var chain []*hop
	for i, spec := range strings.Split(h.jump, ",") {
		p, err := parseJump(strings.TrimSpace(spec))
		if err != nil {
			return nil, err
		}
		p.routed = i > 0
		next, err := r.hop(p)
		if err != nil {
			return nil, err
		}
		part, err := r.through(next, waiting)
		if err != nil {
			return nil, err
		}
		chain = append(chain, part...)
	}
	if chain = append(chain, h); len(chain) > maxHops {
		return nil, usagef("the way to %s goes through more than %d hosts", h.alias, maxHops-1)
	}
	return chain, nil
}

// parseJump reads [user@]host[:port] or ssh://[user@]host[:port].
func parseJump(spec string) (place, error) {
	const hint = "a jump host is [user@]host[:port]"
	s := strings.TrimSuffix(strings.TrimPrefix(spec, "ssh://"), "/")
	var p place
	if hasControl(s) {
		return p, WithHint(usagef("a jump host contains a control character"), hint)
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		p.user, s = s[:i], s[i+1:]
		if strings.Contains(p.user, ":") {
			return p, passwordInTarget()
		}
		if err := checkUser(p.user); err != nil {
			return p, WithHint(err, hint)
		}
	}
	var err error
	if p.host, p.port, err = parseHostPort(s); err != nil {
		return p, WithHint(err, hint)
	}
	return p, nil
}
