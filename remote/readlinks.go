package remote

import (
	"context"
	"fmt"
	"path"
	"strings"

	"hostperm/remote/fastlane"
)

// linkWindow is how many symlinks are asked about at once. That holds nothing
// open on the server, and each is three requests.
const linkWindow = lookWindow / 4

// Link is where a symlink leads. Its texts are as the server sent them.
type Link struct {
	// Target is the link's own text. ProFTPD makes it absolute, with symlinks
	// in what stands before it resolved.
	Target string

	// Real is the path of what it leads to, no symlink in it, or "" where the
	// server does not tell. OpenSSH and ProFTPD resolve symlinks; OpenSSH also
	// where only the last name is missing. A server that merely tidies paths,
	// as those built on pkg/sftp do, gives the link itself, which is not taken
	// for an answer.
	Real string

	// Attr is of what it leads to, if Missing is nil. Else Missing says why
	// that is not known: ErrNotExist if it dangles, ErrPermission if the account
	// may not look there. OpenSSH says of a circle of links that it dangles,
	// others that it fails.
	Attr    Attr
	Missing error
}

// Outside reports whether a link at rel, relative to root, leads outside root:
// by Real if the server told it, else by its text, see LeadsOutside. In a
// chroot an absolute target is taken as one within it, which is not where the
// web server's goes.
func (l *Link) Outside(root, rel string) bool {
	if l.Real != "" {
		return !within(root, l.Real)
	}
	return LeadsOutside(root, rel, l.Target)
}

// ReadLinks finds out where symlinks lead. Paths are relative to root, an
// absolute path that the server has resolved. Nothing is opened.
//
// each is called once for every path, in any order, never twice at a time, with
// the index in paths. err is not nil if the path is none of a symlink, or is
// not any more, and ErrNotExist or ErrPermission where the server says so.
//
// An error of ReadLinks itself is ctx's, or wraps ErrDisconnected or
// fastlane.ErrProtocol; each has then been called for some paths only.
func (c *Client) ReadLinks(ctx context.Context, root string, paths []string, each func(i int, l Link, err error)) error {
	if len(paths) == 0 {
		return nil
	}
	r := &linkReader{root: root, paths: paths, each: each, answered: make([]bool, len(paths))}
	r.again = r.begin
	return c.run(ctx, root, &r.operation, r.begin)
}

// linkReader is a running ReadLinks. It is guarded by operation.mu.
type linkReader struct {
	operation
	s     *fastlane.Session
	root  string
	paths []string
	each  func(i int, l Link, err error)
	next  int
	done  int

	answered []bool // by path
}

// begin asks, or asks anew, for what has no answer yet.
func (r *linkReader) begin(all []*fastlane.Session) {
	r.s, r.next = all[0], 0
	r.more(linkWindow)
}

// more asks about up to n more links.
func (r *linkReader) more(n int) {
	for ; n > 0 && r.next < len(r.paths); n-- {
		i := r.next
		r.next++
		if r.answered[i] {
			n++
			continue
		}
		full, err := absolute(r.root, r.paths[i])
		if err != nil {
			n++
			r.answer(i, Link{}, err)
			continue
		}
		l := &linkJob{r: r, path: full, left: 3}
		r.s.ReadLink(l, i, full)
		r.s.Stat(l, i, full)
		r.s.RealPath(l, i, full)
	}
	if r.done == len(r.paths) {
		r.finish(nil)
	}
}

func (r *linkReader) answer(i int, l Link, err error) {
	r.done++
	r.steps++
	r.answered[i] = true
	r.each(i, l, err)
}

// linkJob is one symlink that is asked about.
type linkJob struct {
	r    *linkReader
	path string
	link Link
	err  error
	left int // replies outstanding
}

// Reply implements fastlane.Handler.
func (j *linkJob) Reply(op fastlane.Op, tag int, r *fastlane.Reply) {
	j.r.mu.Lock()
	defer j.r.mu.Unlock()
	if j.r.over {
		return
	}
	switch err := statusError(r.Err()); op {
	case fastlane.OpReadLink:
		if j.err = err; err == nil {
			j.link.Target, j.err = oneName(r)
		}
	case fastlane.OpStat:
		j.link.Attr, j.link.Missing = r.Attr, err
	case fastlane.OpRealPath:
		if err == nil {
			j.link.Real = j.real(r)
		}
	}
	if j.left--; j.left > 0 {
		return
	}
	if j.err != nil {
		j.r.answer(tag, Link{}, fmt.Errorf("cannot be read as a symlink: %w", j.err))
	} else {
		j.r.answer(tag, j.link, nil)
	}
	j.r.more(1)
}

// real takes the answer to REALPATH. One that is no absolute path, or the link
// itself, says nothing.
func (j *linkJob) real(r *fastlane.Reply) string {
	name, err := oneName(r)
	if err != nil || !strings.HasPrefix(name, "/") {
		return ""
	}
	if name = path.Clean(name); name == path.Clean(j.path) {
		return ""
	}
	return name
}

// oneName gives the name of a reply that has one.
func oneName(r *fastlane.Reply) (string, error) {
	switch n := r.Names.Len(); {
	case n != 1 || !r.Names.Next():
		return "", fmt.Errorf("the server sent %d names for one", n)
	case len(r.Names.Name) == 0 || len(r.Names.Name) > maxPath || strings.IndexByte(string(r.Names.Name), 0) >= 0:
		return "", fmt.Errorf("the server sent %q, which is no path", r.Names.Name[:min(len(r.Names.Name), maxQuoted)])
	}
	return string(r.Names.Name), nil
}
