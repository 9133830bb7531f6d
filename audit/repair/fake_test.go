package repair

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
	"hostperm/remote/fastlane"
)

// account is who the fake server is logged in to as; stranger owns a few entries.
const (
	account  = 1000
	stranger = 33
)

// node is an entry of a fake tree.
type node struct {
	kind     policy.Kind
	mode     policy.Mode
	uid, gid uint32
	size     uint64
	mtime    uint32
}

func (n node) attr() remote.Attr {
	types := map[policy.Kind]uint32{
		policy.KindFile: fastlane.TypeRegular, policy.KindDir: fastlane.TypeDir,
		policy.KindSymlink: fastlane.TypeSymlink, policy.KindFIFO: fastlane.TypeFIFO,
	}
	return remote.Attr{
		Flags: fastlane.AttrSize | fastlane.AttrUIDGID | fastlane.AttrACModTime | fastlane.AttrPermissions,
		Size:  n.size, UID: n.uid, GID: n.gid, Mtime: n.mtime, Mode: types[n.kind] | uint32(n.mode),
	}
}

// tree maps paths to entries. It is copied by clone.
type tree map[string]node

func (t tree) clone() tree { return maps.Clone(t) }

// allows reports whether the account may do what bit, one of 4, 2 and 1, stands
// for: the owner's bits decide for the owner, and only they.
func (n node) allows(bit policy.Mode) bool {
	if n.uid == account {
		bit <<= 6
	}
	return n.mode&bit != 0
}

// reachable reports whether every directory above p can be searched.
func (t tree) reachable(p string) bool {
	for p != "." {
		p = path.Dir(p)
		if n := t[p]; n.kind != policy.KindDir || !n.allows(1) {
			return false
		}
	}
	return true
}

// visible lists what a walk finds.
func (t tree) visible() []string {
	var list []string
	for p := range t {
		ok := t.reachable(p)
		for d := p; d != "." && ok; {
			d = path.Dir(d)
			ok = t[d].allows(4)
		}
		if ok {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return list
}

// diff says how two trees differ.
func diff(got, want tree) string {
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(want)) {
		if got[p] != want[p] {
			fmt.Fprintf(&b, "%s: %s, want %s\n", p, got[p].mode, want[p].mode)
		}
	}
	return b.String()
}

// killed is the panic that stands for SIGKILL.
type killed struct{}

// life counts the points at which a process may die, and dies at one of them.
type life struct {
	at, end int // end < 0: never
}

func (l *life) tick() {
	if l.at == l.end {
		panic(killed{})
	}
	l.at++
}

// survive runs f and reports whether it was killed.
func survive(f func()) (dead bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
			dead = true
		}
	}()
	f()
	return false
}

// memFile is a journal file that knows what is on disk.
type memFile struct {
	content []byte
	synced  int
	room    int // bytes that still fit; < 0: any
	badSync bool
	life    *life
	closed  bool
}

func newMemFile(content []byte, l *life) *memFile {
	return &memFile{content: slices.Clone(content), synced: len(content), room: -1, life: l}
}

func (f *memFile) Write(p []byte) (int, error) {
	f.life.tick()
	half := len(p) / 2
	if f.room >= 0 && f.room < len(p) {
		f.content = append(f.content, p[:f.room]...)
		return f.room, syscall.ENOSPC
	}
	f.content = append(f.content, p[:half]...)
	f.life.tick()
	f.content = append(f.content, p[half:]...)
	if f.room >= 0 {
		f.room -= len(p)
	}
	return len(p), nil
}

func (f *memFile) Sync() error {
	f.life.tick()
	if f.badSync {
		return syscall.EIO
	}
	f.synced = len(f.content)
	f.life.tick()
	return nil
}

func (f *memFile) Close() error { f.closed = true; return nil }

// fakeServer is a Changer on a tree. It refuses to change anything whose line is
// not on disk.
type fakeServer struct {
	t       testing.TB
	tree    tree
	life    *life
	journal *memFile // nil: not checked
	rng     *rand.Rand
	sent    map[string]int // by path and mode
	lines   map[string]int // that announce it
	paths   map[int]string // of intents
	read    int            // bytes of the journal that lines and paths know

	ignore bool                                // say yes and do nothing
	drop   policy.Mode                         // bits that the server masks
	before func(p string) *remote.ChangeResult // answers instead of the server, if not nil
	after  func(n int) error                   // after n changes: ends the call
	order  []string                            // what was changed
	batch  []int                               // sizes of the calls
	dirty  func(reqs []remote.ChangeRequest)   // sees each call
	lost   map[string]bool                     // Lstat gives permission denied
	looked int
}

func newServer(t testing.TB, tr tree, l *life, seed uint64) *fakeServer {
	return &fakeServer{t: t, tree: tr, life: l, rng: rand.New(rand.NewPCG(seed, 1)), sent: make(map[string]int), lines: make(map[string]int), paths: make(map[int]string)}
}

// announced counts the lines on disk that announce giving p a mode.
func (s *fakeServer) announced(key string) int {
	f := s.journal
	for raw := range bytes.Lines(f.content[s.read:f.synced]) {
		var l line
		if json.Unmarshal(raw, &l) != nil {
			continue
		}
		if l.Type == typeIntent {
			s.paths[l.ID], _ = untext(l.Path, l.PathBase64)
		}
		if l.Type == typeIntent || l.Type == typeUndo {
			s.lines[s.paths[l.ID]+" "+l.To]++
		}
	}
	s.read = f.synced
	return s.lines[key]
}

// Change takes the requests between two Gates in any order.
func (s *fakeServer) Change(ctx context.Context, root string, reqs []remote.ChangeRequest, each func(int, remote.ChangeResult)) error {
	if s.dirty != nil {
		s.dirty(reqs)
	}
	var end, rejected error
	for from := 0; from < len(reqs); {
		to := from + 1
		for to < len(reqs) && reqs[to].Gate == nil {
			to++
		}
		if reqs[from].Gate != nil && end == nil && rejected == nil {
			rejected = reqs[from].Gate()
		}
		if rejected == nil {
			s.batch = append(s.batch, to-from)
		}
		for _, i := range s.rng.Perm(to - from) {
			i += from
			if end == nil {
				end = ctx.Err()
			}
			if refusal := cmp.Or(rejected, end); refusal != nil {
				each(i, remote.ChangeResult{Outcome: remote.ChangeRefused, Err: refusal})
				continue
			}
			s.life.tick()
			r := s.change(reqs[i])
			s.life.tick()
			each(i, r)
			if s.after != nil {
				end = s.after(len(s.order))
			}
		}
		from = to
	}
	return end
}

func (s *fakeServer) change(req remote.ChangeRequest) remote.ChangeResult {
	if s.journal != nil {
		key := req.Path + " " + policy.Mode(req.Mode).String()
		s.sent[key]++
		if s.announced(key) < s.sent[key] {
			s.t.Errorf("%q is given %s without a line on disk", req.Path, policy.Mode(req.Mode))
		}
	}
	if s.before != nil {
		if r := s.before(req.Path); r != nil {
			return *r
		}
	}
	n, ok := s.tree[req.Path]
	switch {
	case !s.tree.reachable(req.Path):
		return remote.ChangeResult{Outcome: remote.ChangeFailed, Err: remote.ErrPermission}
	case !ok:
		return remote.ChangeResult{Outcome: remote.ChangeRefused, Err: remote.ErrNotExist}
	case n.attr() != req.Expect:
		return remote.ChangeResult{Outcome: remote.ChangeRefused, Now: n.attr(), Err: errors.New("it is not the entry that was audited")}
	case n.uid != account:
		return remote.ChangeResult{Outcome: remote.ChangeFailed, Now: n.attr(), Err: remote.ErrPermission}
	}
	s.order = append(s.order, req.Path)
	if s.ignore {
		return remote.ChangeResult{Outcome: remote.ChangeFailed, Now: n.attr(), Err: errors.New("the mode is as it was")}
	}
	n.mode = policy.Mode(req.Mode) &^ s.drop
	s.tree[req.Path] = n
	if n.mode != policy.Mode(req.Mode) {
		return remote.ChangeResult{Outcome: remote.ChangeFailed, Now: n.attr(), Err: errors.New("the mode is another")}
	}
	return remote.ChangeResult{Outcome: remote.ChangeApplied, Now: n.attr()}
}

func (s *fakeServer) Lstat(ctx context.Context, root string, paths []string, each func(int, remote.Attr, error)) error {
	for i, p := range paths {
		s.life.tick()
		s.looked++
		n, ok := s.tree[p]
		switch {
		case ctx.Err() != nil:
			each(i, remote.Attr{}, ctx.Err())
		case !s.tree.reachable(p) || s.lost[p]:
			each(i, remote.Attr{}, remote.ErrPermission)
		case !ok:
			each(i, remote.Attr{}, remote.ErrNotExist)
		default:
			each(i, n.attr(), nil)
		}
	}
	return ctx.Err()
}

// finding is what an audit says of an entry that should have the mode want.
func finding(p string, n node, want policy.Mode) audit.Finding {
	return audit.Finding{
		Path: p, Kind: n.kind, Rule: "file-mode", Severity: policy.Medium, Mode: n.mode, ModeKnown: true,
		Want: want, Change: policy.DirectionOf(n.mode, want), UID: n.uid, GID: n.gid, OwnerKnown: true, Attr: n.attr(),
	}
}

// all is a choice that allows everything.
func all() Choice { return Choice{Tighten: true, Loosen: true} }

// steps plans with everything allowed.
func steps(findings ...audit.Finding) []PlannedStep {
	list, _ := NewPlan(findings).Select(all())
	return list
}

func testHeader() Header {
	uid := uint32(account)
	return Header{
		Target: "deploy@shop.example.com", User: "deploy", Host: "shop.example.com", Port: 22, Root: "/srv/www",
		RootUID: &uid, HostKey: "SHA256:abc", Version: "test", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func ignoreChange(audit.Change) {}

// noRest stands for waiting, where the fake server does nothing meanwhile.
func noRest(context.Context) error { return nil }
