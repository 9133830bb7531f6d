package policy

import (
	"fmt"
	"slices"
	"time"
)

// compiledIgnore is a line of ignore.
type compiledIgnore struct {
	from  *Ignore
	ended bool
}

// newIgnore compiles a line for a day; a zero time never ends one.
func newIgnore(i *Ignore, now time.Time) *compiledIgnore {
	return &compiledIgnore{from: i, ended: i.Until != "" && !now.IsZero() && now.Format(time.DateOnly) > i.Until}
}

// ignored gives the line that takes a rule's findings of an entry out of the
// report, nil if none does.
func (p *Policy) ignored(f *File, rule string) *Ignore {
	if len(p.lines.ignore) == 0 {
		return nil
	}
	var by *Ignore
	p.lines.each(f, func(i int) {
		if i -= len(p.lines.expect); i < 0 || i >= len(p.lines.ignore) || by != nil {
			return
		}
		if x := p.lines.ignore[i]; !x.ended && (len(x.from.Rules) == 0 || slices.Contains(x.from.Rules, rule)) {
			by = x.from
		}
	})
	return by
}

// Warnings says what of the policy does not take effect: ignores that have
// ended, and expectations of owners and groups whose names are not known. Each
// is one line.
func (p *Policy) Warnings() []string { return append(p.Ended(), p.Unresolved()...) }

// Ended says which ignores have ended, one a line.
func (p *Policy) Ended() []string {
	var out []string
	for _, i := range p.lines.ignore {
		if i.ended {
			out = append(out, fmt.Sprintf("%s: this ignore ended on %s, so what it matches is reported again", i.from.Pos, i.from.Until))
		}
	}
	return out
}

// Unresolved says what does not take effect because Options.Names has not the
// name of a user or a group, one a line.
func (p *Policy) Unresolved() []string {
	var out []string
	for i := range p.lines.expect {
		l := &p.lines.expect[i]
		for _, s := range []struct {
			what string
			set  *accountSet
		}{{"owner", l.owner}, {"group", l.group}} {
			if s.set != nil && len(s.set.unknown) > 0 {
				out = append(out, fmt.Sprintf("%s: the %s is not checked, because the number of %q on the server is not known",
					l.from.Pos, s.what, s.set.unknown[0]))
			}
		}
	}
	if p.webUnknown != "" {
		out = append(out, p.webUnknown)
	}
	return out
}
