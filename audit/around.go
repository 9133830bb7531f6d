package audit

import (
	"context"

	"hostperm/policy"
	"hostperm/remote"
)

// AroundLooker looks at what lies around a web root, and at entries of it, in
// one go; *remote.Client is one.
type AroundLooker interface {
	Around(ctx context.Context, root string, paths []string, each func(i int, a remote.Attr, err error)) (*remote.Around, error)
}

// Surroundings are what an audit needs to know of a web root, besides what is in
// it.
type Surroundings struct {
	Recognised []policy.Recognition // the profiles that fit
	Note       string               // why none does, "" if there is nothing to say; see policy.Recognise
	Identities *remote.Identities   // the server's accounts; nil: it does not show them
	Names      *policy.Names        // the same for a policy
	Above      []remote.Above       // see Options.Above
}

// AroundPaths gives the paths that LookAround looks at, for remote.Options.
func AroundPaths(recognise bool) []string {
	if !recognise {
		return []string{}
	}
	return policy.Markers()
}

// LookAround looks at what lies around a web root: the directories above it, the
// server's accounts, and, with recognise, what Recognise needs, which it then
// calls. attr is what was seen of the root itself. An error is the looker's.
func LookAround(ctx context.Context, l AroundLooker, root string, attr remote.Attr, recognise bool) (*Surroundings, error) {
	markers := AroundPaths(recognise)
	seen := make(looked, len(markers))
	around, err := l.Around(ctx, root, markers, func(i int, a remote.Attr, err error) {
		if err == nil {
			seen[markers[i]] = a
		}
	})
	if err != nil {
		return nil, err
	}
	s := &Surroundings{Identities: around.Identities, Names: NamesOf(around.Identities), Above: around.Above}
	if recognise {
		s.Recognised, s.Note, err = Recognise(ctx, seen, root, attr, s.Names)
	}
	return s, err
}

// looked is what was seen of some entries, as a Looker.
type looked map[string]remote.Attr

// Lstat implements Looker.
func (l looked) Lstat(_ context.Context, _ string, paths []string, each func(i int, a remote.Attr, err error)) error {
	for i, p := range paths {
		if a, there := l[p]; there {
			each(i, a, nil)
		} else {
			each(i, remote.Attr{}, remote.ErrNotExist)
		}
	}
	return nil
}
