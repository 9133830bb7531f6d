package policy

// Rule is one thing that can be wrong with an entry.
type Rule struct {
	ID       string
	Title    string   // what is wrong, one line, no full stop
	Doc      string   // what a visitor or an attacker experiences, and what a repair does
	Severity Severity // the highest it reports
	OfLinks  bool     // looks at symlinks of which File.Link is known, and at nothing else
	// Check looks at one entry, which is a symlink if OfLinks says so and else
	// none, and fills in Severity, Detail, Clear, Set and Blocker; Evaluate does
	// the rest.
	Check func(p *Policy, f *File) (Finding, bool)
}

// Policy is a set of rules with what they need to know of the host. It is
// immutable once built; New builds one.
type Policy struct {
	name       string
	rules      []*Rule             // sorted by ID
	web        *Identity           // nil: not known, the web server counts as one of the others
	webName    string              // of web, for a person
	webGuessed bool                // web is not what somebody said
	php        string              // who PHP runs as, as Web.PHP has it
	members    map[uint32][]uint32 // Names.Members
	lines      *lineSet
	severities map[string]Severity // of rules that the policy says it of
	webUnknown string              // a warning: the web server's user has a name that is not known
	sources    []*source
}

// Name is the name of the profile, or of the profiles and the file with + between
// them, that the policy was built from.
func (p *Policy) Name() string { return p.name }
