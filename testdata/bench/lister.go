package main

import (
	"fmt"
	"io/fs"
	"path"
	"sync"
)

// lister hands directories out to those that list them, the one found last
// first.
type lister struct {
	mu      sync.Mutex
	changed *sync.Cond // signalled for each directory found, and when there is none left
	waiting []string
	busy    int // directories being listed
	seen    int // entries
	err     error
}

func newLister(root string) *lister {
	l := &lister{waiting: []string{root}, seen: 1}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// next waits for a directory. There is none once all are listed.
func (l *lister) next() (dir string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 && l.busy > 0 {
		l.changed.Wait()
	}
	last := len(l.waiting) - 1
	if last < 0 {
		return "", false
	}
	dir, l.waiting = l.waiting[last], l.waiting[:last]
	l.busy++
	return dir, true
}

func (l *lister) listed(dir string, entries []fs.FileInfo, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	l.seen += len(entries)
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("list %q: %w", dir, err)
	}
	for _, e := range entries {
		if e.IsDir() {
			l.waiting = append(l.waiting, path.Join(dir, e.Name()))
			l.changed.Signal()
		}
	}
	if l.busy == 0 && len(l.waiting) == 0 {
		l.changed.Broadcast()
	}
}
