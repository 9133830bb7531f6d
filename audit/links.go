package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"hostperm/policy"
	"hostperm/remote"
)

const (
	// maxLinks is how many symlinks an audit looks into, and maxLinksText how
	// many bytes their paths may have.
	maxLinks     = 200_000
	maxLinksText = 32 << 20
	// linkBatch is how many are asked about in one go.
	linkBatch = 8192
	// maxTarget is how many bytes of a link's text are told.
	maxTarget = 300
	// maxLinkGaps is how many symlinks that could not be read are told one by one;
	// the others are counted.
	maxLinkGaps = 10
)

// seenLink is a symlink that a walk came by.
type seenLink struct {
	path string
	attr remote.Attr
}

// keepLink remembers the current entry, a symlink, for Follow.
func (c *collector) keepLink(path string, attr remote.Attr) {
	if len(c.result.links) == maxLinks || c.linksText+len(path) > maxLinksText {
		if !c.moreLinks {
			c.moreLinks = true
			c.gap(".", fmt.Errorf("it has more than %d symlinks, or %d MiB of their names: where the others lead was not looked at", maxLinks, maxLinksText>>20))
		}
		return
	}
	c.linksText += len(path)
	c.result.links = append(c.result.links, seenLink{path, attr})
}

// LinkReader finds out where symlinks lead; *remote.Client does.
type LinkReader interface {
	ReadLinks(ctx context.Context, root string, paths []string, each func(i int, l remote.Link, err error)) error
}

// Follow finds out where the symlinks that the audit came by lead, and adds what
// p, which it was made with, finds about that. None of them is followed further.
// One that is not there any more is no finding, and one that cannot be read is a
// gap. The error is that of l: what was not looked at is then not known, and the
// result is not Complete.
func (r *Result) Follow(ctx context.Context, l LinkReader, p *policy.Policy) error {
	links := r.links
	r.links = nil
	if len(links) == 0 {
		return nil
	}
	defer r.settle()
	unread := 0
	for len(links) > 0 {
		n := min(len(links), linkBatch)
		batch := links[:n]
		links = links[n:]
		paths := make([]string, n)
		for i := range batch {
			paths[i] = batch[i].path
		}
		err := l.ReadLinks(ctx, r.Root, paths, func(i int, to remote.Link, err error) {
			switch {
			case err == nil:
				r.judgeLink(p, &batch[i], &to)
			case errors.Is(err, remote.ErrNotExist):
			case unread < maxLinkGaps:
				r.Gaps = append(r.Gaps, Gap{Path: paths[i], Error: err.Error()})
				fallthrough
			default:
				unread++
			}
		})
		if err != nil {
			r.failed = true
			return err
		}
	}
	if more := unread - maxLinkGaps; more > 0 {
		r.Gaps = append(r.Gaps, Gap{Path: ".", Error: fmt.Sprintf("%d more symlinks cannot be read", more)})
	}
	return nil
}

// judgeLink adds what is to be said of where a symlink leads.
func (r *Result) judgeLink(p *policy.Policy, s *seenLink, to *remote.Link) {
	f := policy.EntryAt(s.path)
	f.Kind, f.Mode, f.ModeKnown = policy.KindSymlink, policy.Mode(s.attr.Perm()), s.attr.HasMode()
	f.UID, f.GID, f.OwnerKnown = s.attr.UID, s.attr.GID, s.attr.Flags&ownerSent != 0
	f.Link = &policy.Link{Outside: to.Outside(r.Root, s.path), Dangling: errors.Is(to.Missing, remote.ErrNotExist)}
	if to.Missing == nil && f.OwnerKnown && to.Attr.Flags&ownerSent != 0 {
		f.Link.Foreign = to.Attr.UID != f.UID
		f.Link.Hosts = to.Attr.UID == 0 && f.UID == 0
	}
	found, ignored := p.Judge(nil, f)
	r.Ignored += int64(ignored)
	for i := range found {
		x := NewFinding(s.path, f, &found[i])
		x.Attr = s.attr
		x.Detail += ": " + strconv.Quote(to.Target[:min(len(to.Target), maxTarget)])
		r.Findings = append(r.Findings, x)
	}
}
