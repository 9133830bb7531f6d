package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"hostperm/audit"
	"hostperm/policy"
)

const (
	rowLimit  = 50 // rows of a table, and lines of each list below it
	groupFrom = 4  // siblings alike that make a group
)

// alike is what the entries of a group have in common.
type alike struct {
	dir        string
	kind       policy.Kind
	severity   policy.Severity
	rules      string // worst first, with commas
	mode, want policy.Mode
	modeKnown  bool
	change     policy.Direction
	uid, gid   uint32
	ownerKnown bool
}

// group is a row of the table, or up to three of them: entries of one directory
// that are alike.
type group struct {
	alike
	rules   int      // of each entry
	detail  string   // of the first entry's worst finding
	samples []string // paths of the first entries, fewer than groupFrom
	entries int
}

// rowSet turns findings into groups. It keeps no more than the limit needs: the
// first limit groups of each severity, since findings come sorted by path,
// and a count of the rest.
type rowSet struct {
	all     bool // no grouping, no limit
	limit   int  // of rows
	current []audit.Finding
	byKey   map[alike]*group
	ranked  [policy.Critical + 1][]*group

	entries        int // with findings
	findings       int
	hiddenEntries  int
	hiddenFindings int
}

func newRowSet(all bool, limit int) *rowSet {
	return &rowSet{all: all, limit: limit, byKey: map[alike]*group{}}
}

// add takes the next finding. Findings of one entry follow each other.
func (s *rowSet) add(f audit.Finding) {
	if len(s.current) > 0 && s.current[0].Path != f.Path {
		s.flush()
	}
	s.current = append(s.current, f)
}

// flush ends the entry that findings are being collected of.
func (s *rowSet) flush() {
	if len(s.current) == 0 {
		return
	}
	slices.SortStableFunc(s.current, func(a, b audit.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	first := s.current[0]
	key := keyOf(s.current)
	s.entries++
	s.findings += len(s.current)
	rank := &s.ranked[min(first.Severity, policy.Critical)]
	g := s.byKey[key]
	switch {
	case g != nil && !s.all:
		if g.entries++; len(g.samples) < groupFrom-1 {
			g.samples = append(g.samples, first.Path)
		}
	case s.all || len(*rank) < s.limit:
		g = &group{alike: key, rules: len(s.current), detail: first.Detail, samples: []string{first.Path}, entries: 1}
		*rank = append(*rank, g)
		if !s.all {
			s.byKey[key] = g
		}
	default:
		s.hiddenEntries++
		s.hiddenFindings += len(s.current)
	}
	s.current = s.current[:0]
}

// keyOf describes one entry by its findings, worst first.
func keyOf(found []audit.Finding) alike {
	f := found[0]
	var rules []string
	for _, x := range found {
		rules = append(rules, audit.SafeText(x.Rule))
	}
	key := alike{kind: f.Kind, severity: f.Severity, rules: strings.Join(rules, ", "), mode: f.Mode,
		modeKnown: f.ModeKnown, change: f.Change, uid: f.UID, gid: f.GID, ownerKnown: f.OwnerKnown}
	if f.Change != policy.None {
		key.want = f.Want
	}
	if i := strings.LastIndexByte(f.Path, '/'); i >= 0 {
		key.dir = f.Path[:i]
	} else if f.Path == "." {
		key.dir = "." // the root is no sibling of what is in it
	}
	return key
}

// rows gives the rows to show, most severe first, then by path, and counts what
// is left out.
func (s *rowSet) rows() []row {
	s.flush()
	var out []row
	for severity := policy.Critical; ; severity-- {
		var rows []row
		for _, g := range s.ranked[severity] {
			rows = g.appendRows(rows)
		}
		slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.order, b.order) })
		out = append(out, rows...)
		if severity == 0 {
			break
		}
	}
	if s.all || len(out) <= s.limit {
		return out
	}
	for _, r := range out[s.limit:] {
		s.hiddenEntries += r.entries
		s.hiddenFindings += r.entries * r.rules
	}
	return out[:s.limit]
}

// row is one line of the table, its texts quoted and not yet fitted.
type row struct {
	severity policy.Severity
	mode     string
	owner    string
	path     string // quoted
	suffix   string // of a group: stays when the path is shortened
	short    string // the suffix where there is little room
	rule     string
	detail   string

	order   string // raw path of its first entry
	entries int
	rules   int
}

func (g *group) appendRows(rows []row) []row {
	r := row{severity: g.severity, mode: modeText(g.alike), owner: ownerText(g.alike), rule: g.alike.rules,
		detail: audit.SafeText(g.detail), rules: g.rules}
	if g.entries >= groupFrom {
		r.order, r.entries = g.samples[0], g.entries
		r.suffix = " (" + number(g.entries) + " " + kindPlural(g.kind) + ")"
		r.short = " (" + number(g.entries) + ")"
		r.path = "*"
		if g.dir != "" {
			r.path = audit.Quote(g.dir) + "/*"
		}
		return append(rows, r)
	}
	for _, path := range g.samples {
		r.order, r.entries = path, 1
		r.path = audit.Quote(path)
		if g.kind == policy.KindDir && path != "." {
			r.path += "/"
		}
		rows = append(rows, r)
	}
	return rows
}

func modeText(a alike) string {
	switch {
	case !a.modeKnown:
		return "unknown"
	case a.change == policy.None || a.want == a.mode:
		return a.mode.String()
	}
	return a.mode.String() + " → " + a.want.String()
}

func ownerText(a alike) string {
	if !a.ownerKnown {
		return "unknown"
	}
	return strconv.FormatUint(uint64(a.uid), 10) + ":" + strconv.FormatUint(uint64(a.gid), 10)
}

func kindPlural(k policy.Kind) string {
	switch k {
	case policy.KindFile:
		return "files"
	case policy.KindDir:
		return "directories"
	case policy.KindSymlink:
		return "symlinks"
	case policy.KindFIFO:
		return "FIFOs"
	case policy.KindSocket:
		return "sockets"
	case policy.KindCharDevice, policy.KindBlockDevice:
		return "devices"
	}
	return "entries"
}
