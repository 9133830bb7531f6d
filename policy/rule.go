package policy

// Rule is one thing that can be wrong with an entry.
type Rule struct {
	ID       string
	Title    string   // what is wrong, one line, no full stop
	Doc      string   // what a visitor or an attacker experiences, and what a repair does
	Severity Severity // the highest it reports
	Check    func(p *Policy, f *File) (Finding, bool)
}

// Policy is a set of rules with what they need to know of the host. It is
// immutable once built.
type Policy struct{}
