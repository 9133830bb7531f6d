package policy

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultProfile is the profile that an empty Options.Profile stands for.
const DefaultProfile = "default"

// Options choose what a Policy checks and what it may assume of the host.
type Options struct {
	Profile   string    // "": DefaultProfile
	WebServer *Identity // the user that serves the files; nil: not known, it counts as one of the others
	Only      []string  // rule IDs to keep; empty: all of them
}

// Profiles lists the names that Options.Profile accepts, sorted.
func Profiles() []string { return []string{DefaultProfile} }

// New builds the policy of a profile. An unknown profile is an error that lists
// those that exist; an unknown rule ID is one that names the nearest.
func New(o Options) (*Policy, error) {
	name := o.Profile
	if name == "" {
		name = DefaultProfile
	}
	if !slices.Contains(Profiles(), name) {
		return nil, fmt.Errorf("unknown profile %q: there is %s", name, strings.Join(Profiles(), ", "))
	}
	rules, err := selectRules(Rules(), o.Only)
	if err != nil {
		return nil, err
	}
	return newPolicy(name, rules, o.WebServer), nil
}

func newPolicy(name string, rules []*Rule, web *Identity) *Policy {
	rules = slices.Clone(rules)
	slices.SortFunc(rules, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	if web != nil {
		web = &Identity{UID: web.UID, GIDs: slices.Clone(web.GIDs)}
	}
	return &Policy{name: name, rules: rules, web: web}
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
