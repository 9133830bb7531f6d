package remote

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hostperm/remote/fastlane"
	"hostperm/remote/remotetest/realserver"
)

// readFrom answers a READ.
func readFrom(r fakeReq, text string) []byte {
	at, n := binary.BigEndian.Uint64(r.rest), binary.BigEndian.Uint32(r.rest[8:])
	if at >= uint64(len(text)) {
		return status(r.id, codeEOF)
	}
	text = text[at:]
	return fakePacket(pktData, r.id, str(nil, text[:min(int(n), len(text))]))
}

// textFile is a file that holds text.
func textFile(name, text string) *node {
	n := file(name)
	n.text, n.attr.Size = text, uint64(len(text))
	return n
}

// asListed gives requests for paths of f, each expecting what f has now.
func (f *fake) asListed(paths ...string) []HeadRequest {
	var reqs []HeadRequest
	for _, p := range paths {
		reqs = append(reqs, HeadRequest{Path: p, Expect: f.find(below("/r", p)).attr})
	}
	return reqs
}

// headOf is an answer of Heads.
type headOf struct {
	head string
	err  error
	got  bool
}

// heads runs Heads, and checks that no request has two answers.
func heads(t testing.TB, ctx context.Context, c *Client, root string, n int, reqs []HeadRequest) ([]headOf, error) {
	t.Helper()
	results := make([]headOf, len(reqs))
	err := c.Heads(ctx, root, n, reqs, func(i int, head []byte, err error) {
		if results[i].got || err != nil && head != nil || len(head) > n {
			t.Errorf("%q: %q, error %v, answered before: %v", reqs[i].Path, head, err, results[i].got)
		}
		results[i] = headOf{string(head), err, true}
	})
	for i, r := range results {
		if err == nil && !r.got {
			t.Errorf("no answer for %q", reqs[i].Path)
		}
	}
	return results, err
}

// mustHead runs Heads with a client of its own, and waits for what it has sent.
func mustHead(t testing.TB, f *fake, n int, reqs []HeadRequest) []headOf {
	t.Helper()
	c := f.client(t)
	results, err := heads(t, t.Context(), c, "/r", n, reqs)
	if err == nil { // CLOSE is not waited for: this comes behind it
		err = c.Lstat(t.Context(), "/r", []string{"."}, func(int, Attr, error) {})
	}
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestHeads(t *testing.T) {
	texts := map[string]string{"empty": "", "short": "#!", "script": "#!/bin/sh\nexit\n", "d/elf": "\x7fELF" + strings.Repeat("\x00", 300), "d/e/x": "1234"}
	f := newFake(dir("r", textFile("empty", texts["empty"]), textFile("short", texts["short"]), textFile("script", texts["script"]),
		dir("d", textFile("elf", texts["d/elf"]), dir("e", textFile("x", texts["d/e/x"])))))
	for _, n := range []int{MinHead, 10, MaxHead} {
		reqs := f.asListed("empty", "short", "script", "d/elf", "d/e/x")
		for i, r := range mustHead(t, f, n, reqs) {
			text := texts[reqs[i].Path]
			if want := text[:min(len(text), n)]; r.err != nil || r.head != want {
				t.Errorf("%d bytes of %q: %q, error %v, want %q", n, reqs[i].Path, r.head, r.err, want)
			}
		}
	}
	if len(f.handles) > 0 || f.counted(pktOpen) != 15 || f.counted(pktRead) != 15 {
		t.Errorf("%d handles left open, requests %v", len(f.handles), f.count)
	}
	for _, n := range []int{MinHead - 1, MaxHead + 1} {
		if err := f.client(t).Heads(t.Context(), "/r", n, f.asListed("short"), nil); err == nil {
			t.Errorf("%d bytes were read", n)
		}
	}
}

// TestHeadsRefuse has entries that are not to be opened, or not to be read:
// each is an answer, and none is opened that need not be.
func TestHeadsRefuse(t *testing.T) {
	fifo, link, real := file("fifo"), file("link"), file("link")
	fifo.attr.Mode = fastlane.TypeFIFO | 0o755
	link.attr.Mode, link.text = fastlane.TypeSymlink|0o777, "other"
	for name, test := range map[string]struct {
		req   func(f *fake) HeadRequest
		hook  func(f *fake, r fakeReq) []byte
		is    error
		why   string
		opens int
	}{
		"a FIFO as listed":   {req: func(*fake) HeadRequest { return HeadRequest{"fifo", fifo.attr} }, why: "only regular files"},
		"a FIFO since":       {req: func(*fake) HeadRequest { return HeadRequest{"fifo", real.attr} }, why: "a FIFO"},
		"a symlink since":    {req: func(*fake) HeadRequest { return HeadRequest{"link", real.attr} }, why: "a symlink"},
		"a directory":        {req: func(f *fake) HeadRequest { return f.asListed("d")[0] }, why: "only regular files"},
		"mode not known":     {req: func(*fake) HeadRequest { return HeadRequest{Path: "f"} }, why: "only regular files"},
		"gone":               {req: func(*fake) HeadRequest { return HeadRequest{"none", real.attr} }, is: ErrNotExist},
		"outside":            {req: func(*fake) HeadRequest { return HeadRequest{"../r/f", real.attr} }, why: "not one below the root"},
		"way is a symlink":   {req: func(*fake) HeadRequest { return HeadRequest{"way/f", real.attr} }, is: ErrNotDir},
		"way above is gone":  {req: func(*fake) HeadRequest { return HeadRequest{"no/d/f", real.attr} }, is: ErrNotExist},
		"OPEN denied":        {hook: deny(pktOpen, codeDenied), is: ErrPermission, why: "cannot be opened", opens: 1},
		"OPEN fails":         {hook: deny(pktOpen, codeFailure), is: fastlane.ErrFailure, opens: 1},
		"FSTAT fails":        {hook: deny(pktFstat, codeFailure), is: fastlane.ErrFailure, why: "by handle", opens: 1},
		"READ fails":         {hook: deny(pktRead, codeFailure), is: fastlane.ErrFailure, why: "cannot be read", opens: 1},
		"READ ends too soon": {hook: deny(pktRead, codeEOF), why: "0 of its first 4 bytes", opens: 1},
		"READ sends little": {hook: func(_ *fake, r fakeReq) []byte {
			if r.kind == pktRead {
				return fakePacket(pktData, r.id, str(nil, "123"))
			}
			return nil
		}, why: "3 of its first 4 bytes", opens: 1},
		"swapped before OPEN": {hook: func(f *fake, r fakeReq) []byte {
			if r.kind == pktOpen {
				f.find("/r/f").attr.UID++
			}
			return nil
		}, why: "swapped while it was opened", opens: 1},
	} {
		t.Run(name, func(t *testing.T) {
			way := file("way")
			way.attr.Mode, way.kids = fastlane.TypeSymlink|0o777, []*node{file("f")}
			f := newFake(dir("r", fifo, link, way, textFile("f", "0123456789"), dir("d")))
			req := f.asListed("f")[0]
			if test.req != nil {
				req = test.req(f)
			}
			if test.hook != nil {
				f.hook = func(r fakeReq) []byte { return test.hook(f, r) }
			}
			r := mustHead(t, f, MinHead, []HeadRequest{req})[0]
			if r.err == nil || !strings.Contains(r.err.Error(), test.why) || test.is != nil && !errors.Is(r.err, test.is) {
				t.Errorf("%q, error %v", r.head, r.err)
			}
			swapped := name == "swapped before OPEN" && f.counted(pktRead) > 0
			if f.counted(pktOpen) != test.opens || len(f.handles) > 0 || swapped {
				t.Errorf("%d handles left open, requests %v", len(f.handles), f.count)
			}
		})
	}
}

// deny is a hook that answers one kind of request with a status.
func deny(kind byte, code uint32) func(*fake, fakeReq) []byte {
	return func(_ *fake, r fakeReq) []byte {
		if r.kind == kind {
			return status(r.id, code)
		}
		return nil
	}
}

// manyHeads is a tree of n files whose text is their name, and where some are
// denied or swapped as they are opened.
func manyHeads(rnd *rand.Rand, n int) (f *fake, reqs []HeadRequest, odd map[string]bool) {
	top := dir("r")
	odd = make(map[string]bool)
	var names []string
	for i := range n {
		name := fmt.Sprint("file", i)
		top.kids, names = append(top.kids, textFile(name, name)), append(names, name)
		odd[name] = rnd.IntN(10) == 0
	}
	f = newFake(top)
	f.hook = func(r fakeReq) []byte {
		if name := strings.TrimPrefix(r.path, "/r/"); r.kind == pktOpen && odd[name] {
			if rnd.IntN(2) == 0 {
				return status(r.id, codeDenied)
			}
			f.find(r.path).attr.GID = 0
		}
		return nil
	}
	return f, f.asListed(names...), odd
}

// TestHeadsMany has every file answered with what is its own, whichever handles
// the server gives out, and however few.
func TestHeadsMany(t *testing.T) {
	for name, give := range map[string]func(*fakeSession) string{"as OpenSSH": lifo, "the lowest free": lowest, "as ProFTPD": nil} {
		for _, most := range []int{0, 1, 7} {
			t.Run(fmt.Sprint(name, most), func(t *testing.T) {
				f, reqs, odd := manyHeads(rand.New(rand.NewPCG(5, uint64(most))), 900)
				f.give, f.maxHandles = give, most
				for i, r := range mustHead(t, f, 16, reqs) {
					name := reqs[i].Path
					if odd[name] != (r.err != nil) || r.err == nil && r.head != name {
						t.Errorf("%s (odd: %v): %q, error %v", name, odd[name], r.head, r.err)
					}
				}
				if n := len(f.handles); n > 0 && give == nil {
					t.Errorf("%d handles left open", n)
				}
			})
		}
	}
}

// TestHeadsWindow: many are on their way at once, and no more than may be.
func TestHeadsWindow(t *testing.T) {
	f, reqs, _ := manyHeads(rand.New(rand.NewPCG(1, 1)), 4000)
	f.hook = nil
	f.give = lifo
	mustHead(t, f, 16, reqs)
	if f.peak > headWindow || f.peak < 16 {
		t.Errorf("%d files were open at once in a session", f.peak)
	}
	if f.opened < 2 {
		t.Errorf("%d sessions", f.opened)
	}
	for kind, n := range map[byte]int{pktOpen: 4000, pktFstat: 4000, pktRead: 4000, pktClose: 4000} {
		if got := f.counted(kind); got < n || got > n+2 {
			t.Errorf("%d requests of type %d", got, kind)
		}
	}
}

// TestHeadsEnd: a lost connection and a cancelled context end the call.
func TestHeadsEnd(t *testing.T) {
	f, reqs, _ := manyHeads(rand.New(rand.NewPCG(1, 1)), 50)
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktRead && r.path == "/r/file30" {
			r.in.conn.Close()
		}
		return nil
	}
	if _, err := heads(t, t.Context(), f.client(t), "/r", 16, reqs); !errors.Is(err, ErrDisconnected) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f, reqs, _ = manyHeads(rand.New(rand.NewPCG(1, 1)), 50)
	f.hook = func(r fakeReq) []byte {
		if r.kind == pktOpen {
			cancel()
			return []byte{}
		}
		return nil
	}
	if _, err := heads(t, ctx, f.client(t), "/r", 16, reqs); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestHeadsManyOnRealServers looks into more files at once than a session has
// room for. On ProFTPD, which stops answering where several sessions do so, it is
// one session that does.
func TestHeadsManyOnRealServers(t *testing.T) {
	for name, start := range reals() {
		t.Run(name, func(t *testing.T) {
			s := start(t, realserver.Options{})
			root := filepath.Join(s.HomeDir, "www")
			for i := range 1700 {
				dir := filepath.Join(root, fmt.Sprint("d", i%40))
				must(t, os.MkdirAll(dir, 0o755))
				must(t, os.WriteFile(filepath.Join(dir, fmt.Sprint("f", i)), fmt.Appendf(nil, "%04d", i), 0o644))
			}
			s.Chown(t, s.HomeDir)
			c := dialReal(t, s)
			var reqs []HeadRequest
			must(t, c.Walk(t.Context(), root, Visitor{Entry: func(up *Dir, e *Entry) bool {
				if e.Dir == nil {
					reqs = append(reqs, HeadRequest{Path: join(up.Path, string(e.Name)), Expect: e.Attr})
				}
				return true
			}, Gap: func(p string, err error) { t.Errorf("%s: %v", p, err) }}, WalkOptions{}))
			right := 0
			must(t, c.Heads(t.Context(), root, 4, reqs, func(i int, head []byte, err error) {
				if err == nil && strings.HasSuffix(reqs[i].Path, "f"+strings.TrimLeft(string(head[:3]), "0")+string(head[3:])) {
					right++
				}
			}))
			if right != 1700 {
				t.Errorf("%d of %d heads are right", right, len(reqs))
			}
			if n := len(c.lanes.all()); (n == 1) != (name == "ProFTPD") {
				t.Errorf("%d sessions", n)
			}
		})
	}
}
