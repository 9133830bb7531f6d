package remote

import (
	"context"
	"errors"
	"fmt"

	"hostperm/remote/fastlane"
)

// errOtherRoot is a web root that is not the one of before the connection was
// lost.
var errOtherRoot = errors.New("the web root is not the one of before")

// knownRoot is a root that ResolveRoot has found, and how.
type knownRoot struct {
	target Target
	root   Root
}

// sameRoot makes sure that a new connection sees the web root of before: the
// one that ResolveRoot found, or else, for work below a path that the server
// resolved at another time, one that still resolves to itself. The caller has
// the turn.
func (c *Client) sameRoot(ctx context.Context, at string) error {
	known := c.root
	switch {
	case known != nil && (at == "" || at == known.root.Path):
	case at == "":
		return nil
	default:
		known = &knownRoot{target: Target{Path: at, HasPath: true}, root: Root{Path: at}}
	}
	now, err := c.lookForRoot(ctx, known.target)
	was := &known.root
	switch {
	case errors.Is(err, ErrDisconnected), ctx.Err() != nil:
		return err
	case err != nil:
		return otherRoot(was.Path, err)
	case now.Path != was.Path:
		return otherRoot(was.Path, fmt.Errorf("it was %q, and is %q now", was.Path, now.Path))
	case was.Attr.Flags&fastlane.AttrUIDGID == 0:
		return nil
	case now.Attr.Flags&fastlane.AttrUIDGID == 0:
		return otherRoot(was.Path, errors.New("the server does not tell whose it is any more"))
	case now.Attr.UID != was.Attr.UID:
		return otherRoot(was.Path, fmt.Errorf("it belonged to %d, and belongs to %d now", was.Attr.UID, now.Attr.UID))
	}
	return nil
}

// otherRoot keeps the words of why, and nothing else of it: that a root does
// not exist now is no news of the target as it was given.
func otherRoot(path string, why error) error {
	return WithHint(wordedError{fmt.Sprintf("%v: %v", errOtherRoot, why), errOtherRoot},
		fmt.Sprintf("look what became of %q on the server, and run it again", path))
}
