package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// DefaultProfile is the profile that an empty Options.Profile stands for.
const DefaultProfile = "default"

// Options choose what a Policy checks and what it may assume of the host.
type Options struct {
	// Profile names built-in profiles, with + between several. "": DefaultProfile,
	// unless there is a File.
	Profile string
	// File is a policy file, whose lines come before those of profiles; Open reads
	// it, and the files that it extends.
	File string
	Open Open
	// Recognised are profiles of which only the lines count that speak of paths
	// they know: not **, and nothing of who PHP runs as.
	Recognised []string

	WebServer *Identity // the user that serves the files; nil: what the policy says, or else
	Guessed   *Identity // the user that the server's accounts suggest, never root; nil: one of the others
	Only      []string  // rule IDs to keep; empty: all of them
	Names     *Names    // the server's accounts; nil: none is known
	Now       time.Time // the day by which ignores end; zero: none does
}

// New builds a policy. An unknown profile is an error that lists those that
// exist, or names the nearest; an unknown rule ID likewise. What is wrong with a
// policy file is Problems, as is that two profiles disagree.
func New(o Options) (*Policy, error) {
	name, sources, err := load(o)
	if err != nil {
		return nil, err
	}
	rules, err := selectRules(Rules(), o.Only)
	if err != nil {
		return nil, err
	}
	p := newPolicy(name, rules, o.WebServer)
	p.sources = sources
	p.lines = newLineSet(sources, o)
	p.severities = map[string]Severity{}
	for _, s := range slices.Backward(sources) {
		for _, r := range slices.Backward(s.doc.Severities) {
			p.severities[r.Rule] = r.Severity
		}
		if w := s.doc.Web; w.PHP != "" && !s.recognised {
			p.php = w.PHP
		}
		if w := s.doc.Web; w.User.Exists && o.WebServer == nil {
			p.web, p.webUnknown = w.identity(o.Names)
		}
	}
	if p.web == nil && p.webUnknown == "" && o.Guessed != nil && o.Guessed.UID != 0 {
		p.web, p.webGuessed = o.Guessed.clone(), true
	}
	p.webName = o.Names.nameOf(p.web)
	if o.Names != nil {
		p.members = o.Names.Members
	}
	return p, nil
}

// Profiles lists the built-in profiles that the policy is made of, those that
// others extend included.
func (p *Policy) Profiles() []string {
	var out []string
	for _, s := range p.sources {
		if s.doc.Layer != LayerFile {
			out = append(out, s.doc.Name)
		}
	}
	return out
}

// WebServer gives the user that the policy takes for the web server's, nil if
// there is none, and whether that is Options.Guessed.
func (p *Policy) WebServer() (id *Identity, guessed bool) { return p.web, p.webGuessed }

func (id *Identity) clone() *Identity { return &Identity{UID: id.UID, GIDs: slices.Clone(id.GIDs)} }

// identity looks up the web server's user. One whose name is not known counts as
// one of the others, which the warning says; so does a group.
func (w *Web) identity(names *Names) (id *Identity, warning string) {
	user := resolve([]Account{w.User}, names.user)
	groups := &accountSet{}
	if len(w.Groups) > 0 {
		groups = resolve(w.Groups, names.group)
	}
	for _, unknown := range append(user.unknown, groups.unknown...) {
		return nil, fmt.Sprintf("%s: the web server counts as one of the others, because the number of %q on the server is not known",
			w.User.Pos, unknown)
	}
	if len(w.Groups) == 0 {
		groups.ids = names.groupsOf(user.ids[0])
	}
	return &Identity{UID: user.ids[0], GIDs: groups.ids}, ""
}

func newPolicy(name string, rules []*Rule, web *Identity) *Policy {
	rules = slices.Clone(rules)
	slices.SortFunc(rules, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	if web != nil {
		web = web.clone()
	}
	return &Policy{name: name, rules: rules, web: web, lines: newLineSet(nil, Options{})}
}

// selectRules keeps the rules whose IDs are in only, or all if that is empty.
func selectRules(all []*Rule, only []string) ([]*Rule, error) {
	if len(only) == 0 {
		return all, nil
	}
	ids := make([]string, len(all))
	for i, r := range all {
		ids[i] = r.ID
	}
	for _, id := range only {
		if !slices.Contains(ids, id) {
			return nil, unknownRule(id, ids)
		}
	}
	return slices.DeleteFunc(all, func(r *Rule) bool { return !slices.Contains(only, r.ID) }), nil
}

func unknownRule(id string, ids []string) error {
	if near := nearest(id, ids); near != "" {
		return fmt.Errorf("unknown rule %q: did you mean %s?", id, near)
	}
	return fmt.Errorf("unknown rule %q: there are %s", id, strings.Join(ids, ", "))
}
