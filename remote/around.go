package remote

import (
	"context"
	"fmt"
	"slices"

	"hostperm/remote/fastlane"
)

// Around is what lies around a web root.
type Around struct {
	Above        []Above     // as of Client.Above
	Identities   *Identities // as of Client.Identities; nil: see NoIdentities
	NoIdentities error       // wraps ErrNoIdentities
}

// Around looks at what the audit of a web root needs to know before it begins,
// all of it at once: it does what Above and Identities do, and Lstat for paths,
// in the round trips that the slowest of them takes.
//
// An error of Around itself is ctx's, or wraps ErrDisconnected or
// fastlane.ErrProtocol; or it is one of the paths, before anything is sent.
func (c *Client) Around(ctx context.Context, root string, paths []string, each func(i int, a Attr, err error)) (*Around, error) {
	dirs, err := dirsAbove(root)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(dirs)
	for _, rel := range paths {
		p, err := absolute(root, rel)
		if err != nil {
			return nil, fmt.Errorf("look at an entry: %w", err)
		}
		all = append(all, p)
	}
	found := &Around{Above: make([]Above, len(dirs))}
	accounts := &identityFiles{}
	f := newFilesReader(maxIdentities, identityPaths(), accounts.take)
	l := newLookup(all, func(i int, a Attr, err error) {
		if i < len(dirs) {
			found.Above[i] = newAbove(dirs[i], a, err)
			return
		}
		each(i-len(dirs), a, err)
	})
	if err := c.run(ctx, root, together(f, l), func(sessions []*fastlane.Session) {
		l.beginIn(sessions)
		f.begin(sessions)
	}); err != nil {
		return nil, err
	}
	found.Identities, found.NoIdentities = accounts.identities()
	return found, nil
}

// together makes one operation of reading files and of looking at entries: that
// of f.
func together(f *filesReader, l *looker) *operation {
	op, each := &f.operation, l.each
	l.op = op
	l.each = func(i int, a Attr, err error) {
		op.steps++
		each(i, a, err)
	}
	ended := func() {
		if l.left == 0 && f.done == len(f.paths) {
			op.finish(nil)
		}
	}
	f.through, l.done = ended, ended
	op.again = func(sessions []*fastlane.Session) {
		l.goOn(sessions)
		f.begin(sessions)
	}
	return op
}
