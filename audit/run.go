package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"hostperm/policy"
	"hostperm/remote"
)

// Walker visits everything at and below a web root; *remote.Client is one. It
// visits a directory before what is in it, calls the visitor never twice at a
// time, and not any more once it has returned.
type Walker interface {
	Walk(ctx context.Context, root string, v remote.Visitor, o remote.WalkOptions) error
}

// Options tune an audit; the zero value audits everything.
type Options struct {
	Exclude  []string         // globs of entries to leave out; see ValidateExclude
	From     []string         // directories to audit instead of the root, relative to it; see Result.Merge
	RootAttr *remote.Attr     // what was seen of the root a moment ago; nil: look
	Above    []remote.Above   // the directories above the root, from / down; nil: nothing is known of them
	Window   int              // directories asked for at once in each session; 0: automatic
	Progress *remote.Progress // counts the running walk; may be nil
	Way      remote.Way       // to the root; see Finding.Held

	WaitForHandles bool // see remote.WalkOptions

	// Remember has the result remember directories, for an audit of the same
	// root that names it in After: far away, that one then asks for them before
	// it has come to them. What it says is not affected.
	Remember bool
	After    *Result // may be nil
}

// Run audits what w finds at and below root, an absolute path that the server
// has resolved. The Result is never nil: if the walk ends early it holds what
// was seen until then, is not Complete, and comes with the walk's error. A
// pattern in o.Exclude that is not valid is an error before w is asked for
// anything.
//
// An audit of more than 2,000,000 findings, or 100,000 gaps, or 256 MiB of the
// names and details of the former, or 32 MiB of those of the latter, ends early
// with an error that wraps ErrTooMuch: a server that invents them must not take
// all memory.
func Run(ctx context.Context, w Walker, root string, p *policy.Policy, o Options) (*Result, error) {
	return runLimited(ctx, w, root, p, o, defaultLimits)
}

func runLimited(ctx context.Context, w Walker, root string, p *policy.Policy, o Options, most limits) (*Result, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	c := &collector{policy: p, way: o.Way, result: &Result{Root: root, from: slices.Clone(o.From)}, limits: most, end: end}
	c.file.RootInSSH = policy.HasSSHDir(root)
	c.above = wayAbove(p, o.Above)
	var err error
	if c.excludes, err = compileExcludes(o.Exclude); err != nil {
		return c.result, err
	}
	c.starts, c.remember = pathSet(o.From), o.Remember
	walk := remote.WalkOptions{From: o.From, RootAttr: o.RootAttr, Window: o.Window, Progress: o.Progress,
		WaitForHandles: o.WaitForHandles}
	if o.After != nil {
		walk.Known = o.After.dirs
	}
	err = w.Walk(ctx, root, remote.Visitor{Entry: c.entry, Gap: c.gap}, walk)
	if cause := context.Cause(ctx); c.full && errors.Is(cause, ErrTooMuch) {
		err = cause
	}
	c.result.failed = err != nil
	c.result.settle()
	return c.result, err
}

// collector is the visitor of one walk. file and found are used again for each
// entry, so that one without findings costs no memory.
type collector struct {
	policy   *policy.Policy
	way      remote.Way
	excludes excludes
	starts   map[string]bool // Options.From
	remember bool
	result   *Result
	above    *policy.Way // to the root
	file     policy.File
	found    []policy.Finding

	limits
	findingsText, gapsText int                     // bytes kept
	linksText              int                     // bytes kept
	moreLinks              bool                    // there are symlinks that are not kept
	full                   bool                    // one of the limits was reached, and end called
	end                    context.CancelCauseFunc // ends the walk
}

func (c *collector) entry(parent *remote.Dir, e *remote.Entry) bool {
	if c.full {
		return false // the walk is about to end
	}
	c.describe(parent, e)
	if e.Dir != nil {
		e.Dir.Value = &policy.Dir{Parent: c.file.Dir, Path: e.Dir.Path, Mode: c.file.Mode, ModeKnown: c.file.ModeKnown,
			UID: c.file.UID, GID: c.file.GID, OwnerKnown: c.file.OwnerKnown}
		if parent == nil {
			e.Dir.Value.(*policy.Dir).Above = c.above
		}
		c.policy.Enter(e.Dir.Value.(*policy.Dir))
		if e.Above {
			return false
		}
	}
	// A directory of Options.From was counted when it was first seen.
	again := e.Dir != nil && c.starts[e.Dir.Path]
	if !again {
		if len(c.excludes) > 0 && c.excludes.match(c.path(e), c.file.Kind == policy.KindDir) {
			c.result.Excluded++
			return false
		}
		c.count()
	}
	var ignored int
	if c.found, ignored = c.policy.Judge(c.found[:0], &c.file); len(c.found) > 0 {
		c.report(c.path(e), e.Attr)
	}
	c.result.Ignored += int64(ignored)
	if c.file.Kind == policy.KindSymlink && c.policy.FollowsLinks() {
		c.keepLink(c.path(e), e.Attr)
	}
	if c.remember && e.Dir != nil && len(c.result.dirs) < maxRemembered {
		c.result.dirs = append(c.result.dirs, remote.Known{Path: e.Dir.Path, Attr: e.Attr})
	}
	return true
}

// maxRemembered is how many directories an audit remembers: a megabyte or two.
const maxRemembered = 1 << 13

// describe turns an entry as the server sent it into what the policy looks at.
func (c *collector) describe(parent *remote.Dir, e *remote.Entry) {
	f := &c.file
	f.Dir, f.Above = nil, c.above
	if parent != nil {
		f.Dir, f.Above = parent.Value.(*policy.Dir), nil
	}
	f.Name = e.Name
	f.Kind = KindOf(&e.Attr)
	if e.Dir != nil {
		f.Kind = policy.KindDir // the root's type may not have been sent, and it was listed all the same
	}
	f.Mode, f.ModeKnown = policy.Mode(e.Attr.Perm()), e.Attr.HasMode()
	f.UID, f.GID, f.OwnerKnown = e.Attr.UID, e.Attr.GID, e.Attr.Flags&ownerSent != 0
}

// path allocates: it is called only for what is reported or may be excluded.
func (c *collector) path(e *remote.Entry) string {
	if e.Dir != nil {
		return e.Dir.Path
	}
	return c.file.Path()
}

func (c *collector) count() {
	switch c.file.Kind {
	case policy.KindDir:
		c.result.Dirs++
	case policy.KindFile:
		c.result.Files++
	case policy.KindSymlink:
		c.result.Symlinks++
	default:
		c.result.Other++
	}
}

// report keeps what was found of the current entry.
func (c *collector) report(path string, attr remote.Attr) {
	f := &c.file
	held := c.held(&attr)
	for i := range c.found {
		finding := NewFinding(path, f, &c.found[i])
		finding.Attr = attr
		if finding.Change != policy.None {
			finding.Held = held
		}
		if c.keepsFinding(&finding) {
			c.result.Findings = append(c.result.Findings, finding)
		}
	}
}

// NewFinding makes a finding of what a policy has found about the entry at a
// path. Attr and Held are left to the caller.
func NewFinding(path string, f *policy.File, x *policy.Finding) Finding {
	finding := Finding{Path: path, Kind: f.Kind, Rule: x.Rule.ID, Severity: x.Severity,
		Mode: f.Mode, ModeKnown: f.ModeKnown, Change: x.Change,
		UID: f.UID, GID: f.GID, OwnerKnown: f.OwnerKnown, Detail: x.Detail, Clear: x.Clear, Set: x.Set}
	if x.Change != policy.None {
		finding.Want = x.Want
	}
	if x.Blocker != "" {
		finding.Detail += ": " + strconv.Quote(x.Blocker)
	}
	return finding
}

// held says why the current entry must not be changed although a rule asks for
// it: who could have the change go elsewhere.
func (c *collector) held(a *remote.Attr) string {
	if a.Links > 1 {
		return fmt.Sprintf("it has %d hard links: another name of it may lie outside the web root", a.Links)
	}
	way := c.way
	for d := c.file.Dir; d != nil; d = d.Parent {
		way = way.ThroughOwner(d.UID, d.OwnerKnown)
	}
	return way.Objection(c.file.UID)
}

// gap keeps a place that could not be seen, unless it is one that nobody
// wanted to see: an excluded entry of which the server does not tell the type.
func (c *collector) gap(path string, err error) {
	if !c.starts[path] && c.excludes.match(path, false) {
		return
	}
	if g := (Gap{Path: path, Error: err.Error()}); c.keepsGap(&g) {
		c.result.Gaps = append(c.result.Gaps, g)
	}
}
