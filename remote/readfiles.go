package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hostperm/remote/fastlane"
)

// ErrTooLarge is wrapped where a file is larger than it may be to be read.
var ErrTooLarge = errors.New("the file is too large to be read")

const (
	// readPiece is how much one READ asks for, in bytes: what every server takes.
	readPiece = 32 << 10
	// filesWindow is how many files ReadFiles reads at once.
	filesWindow = 16
)

// ReadFiles reads whole regular files by their absolute paths, which may be
// anywhere on the server. A symlink in the last component is not followed, and
// no FIFO is opened: what LSTAT shows must be a regular file of at most limit
// bytes, and the same when it is open. What lies above it is trusted. Up to 16
// times limit bytes are held at once.
//
// each is called once for every path, in any order, never twice at a time, with
// the index in paths; content is its own to keep. err is ErrNotExist or
// ErrPermission where the server says so, and ErrTooLarge for a file that is.
//
// An error of ReadFiles itself is ctx's, or wraps ErrDisconnected or
// fastlane.ErrProtocol; each has then been called for some paths only.
func (c *Client) ReadFiles(ctx context.Context, limit int, paths []string, each func(i int, content []byte, err error)) error {
	if len(paths) == 0 {
		return nil
	}
	f := newFilesReader(limit, paths, each)
	return c.run(ctx, "", &f.operation, f.begin)
}

// ReadFile is ReadFiles for one file. Its error has the path.
func (c *Client) ReadFile(ctx context.Context, path string, limit int) (content []byte, err error) {
	failed := c.ReadFiles(ctx, limit, []string{path}, func(_ int, b []byte, e error) { content, err = b, e })
	if failed != nil {
		err = failed
	}
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	return content, nil
}

// filesReader is a running ReadFiles. It is guarded by operation.mu.
type filesReader struct {
	operation
	s     *fastlane.Session
	limit uint64
	paths []string
	each  func(i int, content []byte, err error)
	next  int
	done  int

	through  func() // called after the last each, and maybe more than once
	answered []bool // by path
}

// newFilesReader makes an operation of reading files.
func newFilesReader(limit int, paths []string, each func(i int, content []byte, err error)) *filesReader {
	f := &filesReader{limit: uint64(limit), paths: paths, each: each, answered: make([]bool, len(paths))}
	f.through = func() { f.finish(nil) }
	f.again = f.begin
	return f
}

// begin asks, or asks anew, for what has no answer yet.
func (f *filesReader) begin(all []*fastlane.Session) {
	f.s, f.next = all[0], 0
	f.more(filesWindow)
}

// more begins with up to n more files.
func (f *filesReader) more(n int) {
	for ; n > 0 && f.next < len(f.paths); n-- {
		j := &fileJob{f: f, i: f.next, path: f.paths[f.next]}
		f.next++
		if f.answered[j.i] {
			n++
			continue
		}
		if !strings.HasPrefix(j.path, "/") || len(j.path) > maxPath || strings.IndexByte(j.path, 0) >= 0 {
			n++
			f.answer(j.i, nil, errors.New("it is no absolute path"))
			continue
		}
		j.look.send(f.s, j, fileLook, j.path)
	}
	if f.done == len(f.paths) {
		f.through()
	}
}

func (f *filesReader) answer(i int, content []byte, err error) {
	f.done++
	f.steps++
	f.answered[i] = true
	f.each(i, content, err)
}

// What an outstanding request of a fileJob is for. The tag of a READ is
// filePiece and, above it, which piece.
const (
	fileLook  = iota
	fileOpen  // and with it, where its handle can be foreseen:
	fileGuess // FSTAT
	fileFirst // READ of the first piece
	fileCheck // FSTAT, where that could not be foreseen
	filePiece
)

// fileJob is one file that is being read.
type fileJob struct {
	f       *filesReader
	i       int
	path    string
	look    look
	handle  string
	asked   bool // fileGuess was sent, and fileFirst
	guess   bool // and they count: the handle is the one that was foreseen
	content []byte
	have    []int // bytes of each piece that have come
	left    int   // pieces not there in whole; 0: none was asked for, or all are
	failed  error
}

// Reply implements fastlane.Handler.
func (j *fileJob) Reply(op fastlane.Op, tag int, r *fastlane.Reply) {
	j.f.mu.Lock()
	defer j.f.mu.Unlock()
	if j.f.over {
		return
	}
	switch err := statusError(r.Err()); tag {
	case fileLook:
		if j.look.take(op, r) {
			j.open()
		}
	case fileOpen:
		if err != nil {
			j.end(fmt.Errorf("cannot be opened: %w", err))
			return
		}
		j.handle = string(r.Handle)
		if j.guess = j.asked && r.Foreseen; !j.guess {
			j.f.s.FStat(j, fileCheck, j.handle)
		}
	case fileGuess:
		if j.guess {
			j.opened(&r.Attr, err)
		}
	case fileFirst:
		if j.guess && j.left > 0 {
			j.piece(0, r, err)
		}
	case fileCheck:
		j.opened(&r.Attr, err)
	default:
		j.piece(tag-filePiece, r, err)
	}
}

// open opens the file if it is one that may be read.
func (j *fileJob) open() {
	a := &j.look.attr
	switch {
	case j.look.err != nil:
		j.end(j.look.err)
	case a.Type() != fastlane.TypeRegular:
		j.end(fmt.Errorf("it is %s, and only regular files are read", kindName(a.Type())))
	case a.Flags&fastlane.AttrSize == 0:
		j.end(errors.New("the server does not tell its size"))
	case a.Size > j.f.limit:
		j.end(fmt.Errorf("%w: %d bytes, and %d are read at most", ErrTooLarge, a.Size, j.f.limit))
	default:
		j.asked = j.f.s.OpenRead(j, fileOpen, fileGuess, fileFirst, j.path, uint32(min(a.Size, readPiece)))
	}
}

// opened asks for all pieces of the open file, if it is the one looked at.
func (j *fileJob) opened(a *Attr, err error) {
	if err == nil {
		err = sameEntry(&j.look.attr, a)
	}
	if err != nil {
		j.end(fmt.Errorf("swapped while it was opened: %w", err))
		return
	}
	j.content = make([]byte, a.Size)
	j.have = make([]int, (len(j.content)+readPiece-1)/readPiece)
	j.left = len(j.have)
	for i := range j.have {
		if i > 0 || !j.guess { // else the first is on its way
			j.ask(i)
		}
	}
	if j.left == 0 {
		j.end(nil)
	}
}

// bounds gives where a piece begins and ends.
func (j *fileJob) bounds(piece int) (from, to int) {
	return piece * readPiece, min((piece+1)*readPiece, len(j.content))
}

// ask asks for what is missing of a piece.
func (j *fileJob) ask(piece int) {
	from, to := j.bounds(piece)
	from += j.have[piece]
	j.f.s.Read(j, filePiece+piece, j.handle, uint64(from), uint32(to-from))
}

// piece takes some of a piece. A server may send less than it was asked for,
// but not nothing.
func (j *fileJob) piece(i int, r *fastlane.Reply, err error) {
	from, to := j.bounds(i)
	switch {
	case r.EOF():
		j.failed = errors.New("it became shorter while it was read")
	case err != nil:
		j.failed = fmt.Errorf("cannot be read: %w", err)
	case len(r.Data) == 0:
		j.failed = errors.New("the server sends nothing of it")
	default:
		j.have[i] += copy(j.content[from+j.have[i]:to], r.Data)
		if j.have[i] < to-from && j.failed == nil {
			j.ask(i)
			return
		}
	}
	if j.left--; j.left == 0 {
		j.end(j.failed)
	}
}

// end gives the path its answer.
func (j *fileJob) end(err error) {
	if j.handle != "" {
		j.f.s.Close(nil, 0, j.handle)
	}
	if err != nil {
		j.content = nil
	}
	j.f.answer(j.i, j.content, err)
	j.f.more(1)
}
