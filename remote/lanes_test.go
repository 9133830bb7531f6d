package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"hostperm/remote/remotetest"
)

// laneServer is a fake that has a say in every session.
type laneServer struct {
	*fake
	mu     sync.Mutex
	opened int
	// session decides about the nth session, from 0 on: it may refuse it, or
	// change its stream.
	session func(n int, stream io.ReadWriteCloser) (io.ReadWriteCloser, error)
}

func (s *laneServer) openSFTP(ctx context.Context, confirm bool) (io.ReadWriteCloser, error) {
	s.mu.Lock()
	n := s.opened
	s.opened++
	s.mu.Unlock()
	stream, err := s.fake.openSFTP(ctx, confirm)
	if err != nil || s.session == nil {
		return stream, err
	}
	return s.session(n, stream)
}

func (s *laneServer) client(t testing.TB) *Client {
	c := newClient(s)
	t.Cleanup(func() {
		c.Close()
		s.group.Wait()
	})
	return c
}

// twoLevels is a tree of n directories and as many files.
func twoLevels(n int) *node {
	top := dir("r")
	for i := range n / 20 {
		d := dir(fmt.Sprint("d", i), file("x"))
		for j := range 19 {
			d.kids = append(d.kids, dir(fmt.Sprint("e", j), file("y")))
		}
		top.kids = append(top.kids, d)
	}
	return top
}

func seeAll(t *testing.T, s *laneServer, dirs int, o WalkOptions) {
	t.Helper()
	seen, err := walkAll(t, s.client(t), "/r", o)
	if err != nil || len(seen.entries) != 1+2*dirs || len(seen.gaps) > 0 || len(seen.twice) > 0 {
		t.Errorf("error %v, %d entries of %d, gaps %v, twice %v", err, len(seen.entries), 1+2*dirs, seen.gaps, seen.twice)
	}
}

// TestLanesAsWorkShowsUp opens one session for a small tree, and never more
// than are allowed.
func TestLanesAsWorkShowsUp(t *testing.T) {
	for _, test := range []struct{ dirs, most, min, max int }{
		{20, 0, 1, 1}, {2000, 0, 2, autoSessions}, {2000, 2, 2, 2}, {2000, 1, 1, 1},
	} {
		s := &laneServer{fake: newFake(twoLevels(test.dirs))}
		seeAll(t, s, test.dirs, WalkOptions{Sessions: test.most, Window: 8})
		if s.opened < test.min || s.opened > test.max {
			t.Errorf("%d directories, at most %d sessions: %d were opened", test.dirs, test.most, s.opened)
		}
	}
}

// TestLanesRefused has a server that allows so many sessions: one that is
// refused is no error, and asked for once.
func TestLanesRefused(t *testing.T) {
	for _, allowed := range []int{1, 3} {
		s := &laneServer{fake: newFake(twoLevels(2000))}
		s.session = func(n int, stream io.ReadWriteCloser) (io.ReadWriteCloser, error) {
			if n >= allowed {
				stream.Close()
				return nil, refusedError{errors.New("open failed")}
			}
			return stream, nil
		}
		seeAll(t, s, 2000, WalkOptions{Window: 8})
		if s.opened < allowed || s.opened > autoSessions {
			t.Errorf("%d sessions were asked for where %d are allowed", s.opened, allowed)
		}
	}
}

// endingStream ends after so many reads.
type endingStream struct {
	io.ReadWriteCloser
	left int
}

func (s *endingStream) Read(b []byte) (int, error) {
	if s.left--; s.left < 0 {
		s.Close()
		return 0, io.EOF
	}
	return s.ReadWriteCloser.Read(b)
}

// TestLanesEnd has the further sessions end on the way: the first does their
// work. What they had listed in part is a gap, and nothing is shown twice.
func TestLanesEnd(t *testing.T) {
	for reads := range 60 {
		s := &laneServer{fake: newFake(twoLevels(1000))}
		s.session = func(n int, stream io.ReadWriteCloser) (io.ReadWriteCloser, error) {
			if n == 0 {
				return stream, nil
			}
			return &endingStream{stream, reads * n}, nil
		}
		seen, err := walkAll(t, s.client(t), "/r", WalkOptions{Window: 8})
		if err != nil || len(seen.twice) > 0 {
			t.Fatalf("after %d reads: error %v, twice %v", reads, err, seen.twice)
		}
		missing := 2001 - len(seen.entries)
		if missing > 0 && len(seen.gaps) == 0 {
			t.Errorf("after %d reads: %d entries are missing without a gap", reads, missing)
		}
		for path, why := range seen.gaps {
			if _, ok := seen.entries[path]; !ok {
				t.Errorf("a gap at %q, which was not seen: %s", path, why)
			}
		}
	}
}

// TestLastLaneEnds has the only session end: the walk is not whole.
func TestLastLaneEnds(t *testing.T) {
	s := &laneServer{fake: newFake(twoLevels(1000))}
	s.session = func(_ int, stream io.ReadWriteCloser) (io.ReadWriteCloser, error) {
		return &endingStream{stream, 50}, nil
	}
	if _, err := walkAll(t, s.client(t), "/r", WalkOptions{Sessions: 1}); !errors.Is(err, ErrDisconnected) {
		t.Errorf("error %v", err)
	}
}

// TestLanesEmbedded walks a real connection that allows one session, or two,
// after ResolveRoot has used one.
func TestLanesEmbedded(t *testing.T) {
	top := t.TempDir()
	want := 1
	for i := range 3 * dirsPerSession {
		dir := filepath.Join(top, fmt.Sprintf("d%d", i%8), fmt.Sprint(i))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		want += 2
	}
	want += 8
	for _, allowed := range []int{1, 2, 0} {
		c := serveDir(t, remotetest.Config{Dir: top, MaxSessions: allowed})
		root, err := c.ResolveRoot(t.Context(), Target{Path: top, HasPath: true})
		if err != nil {
			t.Fatalf("%d sessions: %v", allowed, err)
		}
		seen, err := walkAll(t, c, root.Path, WalkOptions{RootAttr: &root.Attr})
		if err != nil || len(seen.entries) != want {
			t.Errorf("%d sessions: error %v, %d entries of %d", allowed, err, len(seen.entries), want)
		}
	}
}
