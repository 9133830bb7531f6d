package remote

import (
	"errors"
	"fmt"

	"hostperm/remote/fastlane"
)

// lookup looks at an entry that was listed without its mode.
type lookup struct {
	l    *listing
	name string
	attr Attr // as listed
	look look
	size int // bytes that it takes, the requests included
}

// lookupSize is about how many bytes a lookup takes besides its path.
const lookupSize = 512

func (l *listing) lookUp(name string, a *Attr) {
	w := l.w
	path := below(w.root, join(l.dir.Path, name))
	if w.looking += len(path) + lookupSize; w.looking > w.lookSize {
		w.looking -= len(path) + lookupSize
		l.fail(errors.New("listed in part only: too many entries at once of which the server does not say what they are"))
		return
	}
	l.looking += len(path) + lookupSize
	l.lookups++
	u := &lookup{l: l, name: name, attr: *a, size: len(path) + lookupSize}
	u.look.send(l.ln.s, u, 0, path)
}

// isEmpty takes the end of a listing in which there was nothing at all, not
// even "." and "..". OpenSSH leaves out what it cannot look at, so this is how
// it lists a directory that may be read and not searched (mode 0444); "." in it
// cannot be looked at then.
func (l *listing) isEmpty() {
	l.lookups++
	l.ln.s.LStat(emptyCheck{l}, 0, below(l.w.root, l.dir.Path)+"/.")
}

type emptyCheck struct{ l *listing }

// Reply implements fastlane.Handler.
func (c emptyCheck) Reply(_ fastlane.Op, _ int, r *fastlane.Reply) {
	w := c.l.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	if err := statusError(r.Err()); errors.Is(err, ErrPermission) {
		c.l.fail(fmt.Errorf("it can be read and not searched: %w", err))
	}
	c.l.looked()
}

// looked counts a lookup that is done, and lets the walk go on.
func (l *listing) looked() {
	l.lookups--
	l.read()
	l.w.pump(l.ln)
}

// Reply implements fastlane.Handler.
func (u *lookup) Reply(op fastlane.Op, _ int, r *fastlane.Reply) {
	w := u.l.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || !u.look.take(op, r) {
		return
	}
	w.looking -= u.size
	u.l.looking -= u.size
	path := join(u.l.dir.Path, u.name)
	switch err := u.look.err; {
	case !u.l.isNew([]byte(u.name)):
	case err != nil:
		w.visit(u.l.dir, []byte(u.name), &u.attr)
		w.gap(path, fmt.Errorf("%w (%w)", errTypeUnknown, err))
	default:
		w.visit(u.l.dir, []byte(u.name), &u.look.attr)
		if !u.look.attr.HasMode() {
			w.gap(path, errTypeUnknown)
		}
	}
	u.l.looked()
}
