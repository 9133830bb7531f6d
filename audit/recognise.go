package audit

import (
	"context"

	"hostperm/policy"
	"hostperm/remote"
)

// Looker looks at single entries; *remote.Client is one.
type Looker interface {
	Lstat(ctx context.Context, root string, paths []string, each func(i int, a remote.Attr, err error)) error
}

// Recognise says which profiles fit a web root, by a handful of entries, which
// are asked about in one go; see policy.Recognise. What cannot be seen counts as
// not being there. attr is what was seen of the root itself. An error is the
// Looker's.
func Recognise(ctx context.Context, l Looker, root string, attr remote.Attr, names *policy.Names) ([]policy.Recognition, string, error) {
	markers := policy.Markers()
	seen := make(map[string]policy.Sighting, len(markers))
	err := l.Lstat(ctx, root, markers, func(i int, a remote.Attr, err error) {
		if err == nil {
			seen[markers[i]] = sighting(&a)
		}
	})
	if err != nil {
		return nil, "", err
	}
	found, note := policy.Recognise(root, sighting(&attr), seen, names)
	return found, note, nil
}

func sighting(a *remote.Attr) policy.Sighting {
	return policy.Sighting{Kind: KindOf(a), UID: a.UID, GID: a.GID, OwnerKnown: a.Flags&ownerSent != 0}
}
