package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path"
	"strings"
	"sync"

	"github.com/pkg/sftp"

	"hostperm/remote/fastlane"
)

// candidates are the web roots looked for when a target names none, in the
// login directory, the first that exists.
var candidates = [...]string{"public_html", "httpdocs", "htdocs", "www", "html", "web"}

// maxLinks is how many symlinks a root's path may lead through one after the
// other, where the server does not resolve them itself.
const maxLinks = 16

// ResolveRoot finds the web root that t names, or the first of public_html,
// httpdocs, htdocs, www, html and web that exists in the login directory. A
// symlink at the root, and above it, is followed. The error wraps ErrNotExist,
// ErrNotDir or ErrPermission if that is what is wrong with the root, and
// carries a hint.
//
// It uses a session of pkg/sftp, which it gives up before it returns, without
// waiting for the server to have noticed: see Client.openStream for what that
// means where only one is allowed at a time. Beside it, the first session for
// pipelined work is opened, so that a walk can begin at once.
//
// A connection that was lost is made anew (Options.Reconnect).
func (c *Client) ResolveRoot(ctx context.Context, t Target) (Root, error) {
	if err := c.take(ctx); err != nil {
		return Root{}, err
	}
	defer c.give()
	for {
		root, err := c.lookForRoot(ctx, t)
		if err == nil {
			c.root = &knownRoot{t, root}
		}
		if !errors.Is(err, ErrDisconnected) || ctx.Err() != nil {
			c.retries.row = 0
			return root, err
		}
		if err := c.reconnect(ctx, err, false, ""); err != nil {
			return Root{}, err
		}
	}
}

// lookForRoot finds the web root and looks at it, on the connection of the
// moment. The caller has the turn.
func (c *Client) lookForRoot(ctx context.Context, t Target) (Root, error) {
	root, seen, err := c.findRoot(ctx, t)
	if err != nil {
		return Root{}, err
	}
	if seen == nil {
		seen, err = c.seeRoot(ctx, root.Path)
	}
	if err == nil {
		root.Attr, root.Home, root.Way, err = seen.attr, seen.home, root.Way.Beyond(seen.way), seen.err
	}
	if err == nil && root.Attr.HasMode() && root.Attr.Type() != typeDir {
		err = ErrNotDir
	}
	if err != nil {
		return Root{}, fmt.Errorf("web root %q: %w", root.Path, err)
	}
	return root, nil
}

// findRoot gives the root, and what it looks like if that was seen on the way.
// The caller has the turn.
func (c *Client) findRoot(ctx context.Context, t Target) (Root, *seenRoot, error) {
	defer context.AfterFunc(ctx, c.conn.abort)()
	defer context.AfterFunc(c.closing, c.conn.abort)()
	defer c.awaitAnswers()()
	files, stream, err := c.fileSession(ctx, likelyRoot(t))
	if err != nil {
		return Root{}, nil, firstOf(ctx, err)
	}
	defer c.endSession(files, stream)
	if root, seen := c.plainRoot(ctx, t); seen != nil {
		return root, seen, nil
	}
	root, err := findRoot(files, t)
	if errors.Is(err, ErrDisconnected) {
		err = c.sessionLost(files)
	}
	if err != nil {
		return root, nil, firstOf(ctx, err)
	}
	return root, c.seenEarly(ctx, root.Path), nil
}

// sessionLost says why a session of pkg/sftp has ended, and closes the
// connection, so that it has.
func (c *Client) sessionLost(files *sftp.Client) error {
	reason := c.conn.ended()
	c.conn.abort()
	err := files.Wait()
	switch {
	case c.silence() != nil:
		return c.silence()
	case errors.Is(reason, ErrDisconnected):
		return reason
	case err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: the server ended the SFTP session", ErrDisconnected)
	}
	return fmt.Errorf("%w: %s", fastlane.ErrProtocol, plainReason(err))
}

// endSession closes a pkg/sftp session in the background: its Close waits for
// the server, without a limit. Aborting the connection ends the wait.
func (c *Client) endSession(files *sftp.Client, stream io.Closer) {
	ending := make(chan struct{})
	c.lanes.ending = ending
	c.group.Go(func() {
		defer close(ending)
		files.Close()
		stream.Close()
	})
}

func findRoot(files *sftp.Client, t Target) (Root, error) {
	var login string
	var loginErr error
	var asking sync.WaitGroup
	asking.Go(func() { login, loginErr = realPath(files, ".") })
	// A relative path begins in the login directory (section 6.2 of the draft).
	asked, err := t.Path, error(nil)
	if !t.HasPath {
		asked, err = firstCandidate(files)
	}
	var resolved string
	if err == nil && asked != "" {
		resolved, err = resolve(files, asked)
	}
	asking.Wait()
	switch {
	case loginErr != nil:
		return Root{}, fmt.Errorf("find the login directory: %w", loginErr)
	case errors.Is(err, errNoCandidate):
		err = fmt.Errorf("no web root found in the login directory %q (tried %s)", login, strings.Join(candidates[:], ", "))
		return Root{}, WithHint(err, "give the path: host:path")
	case err != nil:
		hint := fmt.Sprintf("a path without a leading slash is looked for in the login directory, %q", login)
		return Root{}, WithHint(fmt.Errorf("web root %q: %w", asked, err), hint)
	}
	full := asked
	if !strings.HasPrefix(asked, "/") {
		full = path.Join(login, asked)
	}
	if asked == "" {
		resolved = login
	}
	root := Root{Path: resolved, Asked: asked, Found: !t.HasPath, Linked: resolved != path.Clean(full)}
	if root.Linked {
		root.Way = linksOnWay(files, full, resolved)
	}
	return root, nil
}

var errNoCandidate = errors.New("none of the usual web roots exists")

// firstCandidate asks for all candidates at once.
func firstCandidate(files *sftp.Client) (string, error) {
	var errs [len(candidates)]error
	var group sync.WaitGroup
	for i, name := range candidates {
		group.Go(func() { errs[i] = isDir(files, name) })
	}
	group.Wait()
	for i, err := range errs {
		if err == nil {
			return candidates[i], nil
		}
		if errors.Is(err, ErrDisconnected) {
			return "", err
		}
	}
	return "", errNoCandidate
}

// isDir reports as an error why p, its symlinks followed, is not a directory.
// A type that the server does not tell is let pass.
func isDir(files *sftp.Client, p string) error {
	kind, err := typeOf(files.Stat(p))
	if err == nil && kind != typeDir && kind != 0 {
		err = ErrNotDir
	}
	return err
}

// resolve gives the path of the directory that p leads to. Some servers resolve
// symlinks in REALPATH, others only tidy the path.
func resolve(files *sftp.Client, p string) (string, error) {
	var isDirErr, pathErr, kindErr error
	var resolved string
	var kind uint32
	var asking sync.WaitGroup
	asking.Go(func() { isDirErr = isDir(files, p) })
	asking.Go(func() { resolved, pathErr = realPath(files, p) })
	asking.Go(func() { kind, kindErr = typeOf(files.Lstat(p)) })
	asking.Wait()
	switch {
	case isDirErr != nil:
		return "", isDirErr
	case pathErr != nil:
		return "", pathErr
	case kindErr == nil && kind == typeDir && p == path.Clean(p) && path.Base(p) == path.Base(resolved):
		return resolved, nil // it does not end in a link, whether or not the server resolves those
	}
	return followLinks(files, resolved)
}

// followLinks resolves the symlinks that p may end in.
func followLinks(files *sftp.Client, p string) (string, error) {
	for range maxLinks {
		kind, err := typeOf(files.Lstat(p))
		if err != nil || kind != fastlane.TypeSymlink {
			return p, err
		}
		link, err := files.ReadLink(p)
		if err != nil {
			return "", fileError(err)
		}
		if !strings.HasPrefix(link, "/") {
			link = path.Join(path.Dir(p), link)
		}
		if p, err = realPath(files, link); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("more than %d symlinks, one leading to the next", maxLinks)
}

// realPath resolves p, and checks what the server says.
func realPath(files *sftp.Client, p string) (string, error) {
	full, err := files.RealPath(p)
	switch {
	case err != nil:
		return "", fileError(err)
	case !strings.HasPrefix(full, "/") || strings.IndexByte(full, 0) >= 0 || len(full) > maxPath:
		return "", fmt.Errorf("%w: it resolves %q to %q, which is no absolute path", fastlane.ErrProtocol, p, full[:min(len(full), maxQuoted)])
	}
	return path.Clean(full), nil
}

// typeOf gives the file type bits of a Stat, 0 if the server did not tell.
func typeOf(info fs.FileInfo, err error) (uint32, error) {
	if err != nil {
		return 0, fileError(err)
	}
	st := statOf(info)
	if st == nil { // pkg/sftp takes a status of OK in place of the attributes
		return 0, fmt.Errorf("%w: it says ok to STAT and sends no answer", fastlane.ErrProtocol)
	}
	return st.Mode & typeMask, nil
}

// statOf gives what the server sent of an entry; nil if that is nothing.
func statOf(info fs.FileInfo) *sftp.FileStat {
	if info == nil {
		return nil
	}
	st, _ := info.Sys().(*sftp.FileStat)
	return st
}

// fileError makes an error of pkg/sftp one that callers of this package know.
func fileError(err error) error {
	var status *sftp.StatusError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ErrNotExist
	case errors.Is(err, fs.ErrPermission):
		return ErrPermission
	case errors.As(err, &status):
		return &fastlane.StatusError{Code: status.Code, Message: printable(status.Error())}
	}
	var network net.Error
	if errors.Is(err, sftp.ErrSSHFxConnectionLost) || errors.Is(err, io.EOF) || errors.As(err, &network) {
		return fmt.Errorf("%w: %w", ErrDisconnected, err)
	}
	return fmt.Errorf("%w: %s", fastlane.ErrProtocol, plainReason(err))
}
