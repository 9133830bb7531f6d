package remotetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/pkg/sftp"
)

// tree makes a/f and a/g, and a server that serves them.
func tree(t *testing.T, faults ...Fault) (*Server, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "a", "f"), 0o644)
	writeFile(t, filepath.Join(dir, "a", "g"), 0o644)
	return start(t, Config{Dir: dir, LSetstat: true, Faults: faults}), dir
}

func names(infos []os.FileInfo) []string {
	var list []string
	for _, i := range infos {
		list = append(list, i.Name())
	}
	slices.Sort(list)
	return list
}

func (r *raw) list(path string) []NameEntry {
	r.t.Helper()
	handle := r.open(Opendir, path)
	var all []NameEntry
	for {
		p := r.ask(Readdir, handle)
		if p.Type == Status {
			if code := r.code(p); code != StatusEOF {
				r.t.Fatalf("READDIR %s: status %d", path, code)
			}
			r.ask(Close, handle)
			return all
		}
		entries, err := ParseNames(p.Body)
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, entries...)
	}
}

func TestCuts(t *testing.T) {
	for name, test := range map[string]struct {
		fault Fault
		mode  os.FileMode // of a/f after the client has tried to make it 0600
	}{
		"at request":                     {CutAtRequest(1, Setstat), 0o644},
		"before reply":                   {CutBeforeReply(1, Setstat), 0o600},
		"before reply, of another type":  {CutBeforeReply(1, Readdir), 0o600},
		"at the second, there being one": {CutAtRequest(2, Setstat), 0o600},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("Windows has no mode bits")
			}
			s, dir := tree(t, test.fault)
			c := dialSFTP(t, s)
			err := c.Chmod("a/f", 0o600)
			wantErr := name == "at request" || name == "before reply"
			if (err != nil) != wantErr {
				t.Errorf("chmod: %v, want an error: %v", err, wantErr)
			}
			if info, err := os.Stat(filepath.Join(dir, "a", "f")); err != nil || info.Mode() != test.mode {
				t.Errorf("mode is now %v, %v, want %v", info.Mode(), err, test.mode)
			}
		})
	}
}

func TestCutAfterBytes(t *testing.T) {
	s, _ := tree(t)
	r := rawSession(t, s)
	s.SetFaults(CutAfterBytes(30))
	for range 10 {
		r.id++
		if r.Send(Packet{Type: Lstat, ID: r.id, Body: appendString(nil, "a")}) != nil {
			break
		}
	}
	got, _ := io.ReadAll(r.r)
	if len(got) != 30 {
		t.Errorf("%d bytes of replies came, want 30", len(got))
	}
}

func TestStall(t *testing.T) {
	s, _ := tree(t, StallAtRequest(2, Lstat))
	c := dialSFTP(t, s)
	if _, err := c.Lstat("a"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() { _, err := c.Lstat("a"); done <- err }()
	for s.Requests(Lstat) < 2 {
		runtime.Gosched()
	}
	go func() { _, err := c.ReadDir("a"); done <- err }()
	for s.Requests(Opendir) < 1 {
		runtime.Gosched()
	}
	select {
	case err := <-done:
		t.Fatalf("answered: %v", err)
	default:
	}
	s.DropConnections()
	for range 2 {
		if err := <-done; err == nil {
			t.Error("a stalled request succeeded")
		}
	}
}

func TestRefusals(t *testing.T) {
	s, dir := tree(t, Deny("a", Opendir), Deny("a/g", Open), FailRequest(2, StatusFailure, Lstat))
	r := rawSession(t, s)
	abs := filepath.ToSlash(filepath.Join(dir, "a"))
	for _, p := range []string{"a", "./a/", abs} {
		if code := r.code(r.ask(Opendir, p)); code != StatusPermissionDenied {
			t.Errorf("OPENDIR %s: status %d", p, code)
		}
	}
	if code := r.code(r.ask(Open, "a/g", uint32(1), uint32(0))); code != StatusPermissionDenied {
		t.Errorf("OPEN a/g: status %d", code)
	}
	r.ask(Close, r.open(Open, "a/f", uint32(1), uint32(0)))
	r.lstatMode("a/f")
	if code := r.code(r.ask(Lstat, "a/f")); code != StatusFailure {
		t.Errorf("second LSTAT: status %d", code)
	}
	r.lstatMode("a/f")
	s.SetFaults()
	r.ask(Close, r.open(Opendir, "a"))
}

func TestChmodFaults(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no mode bits")
	}
	for name, test := range map[string]struct {
		fault Fault
		want  uint32
	}{
		"ignored": {IgnoreChmod(), 0o644},
		"masked":  {MaskChmod(0o777), 0o755},
		"none":    {Fault{}, 0o2755},
	} {
		s, dir := tree(t, test.fault)
		r := rawSession(t, s)
		for i, change := range []func(string, uint32) uint32{r.setstat, r.fsetstat, r.lsetstat} {
			if err := os.Chmod(filepath.Join(dir, "a", "f"), 0o644); err != nil {
				t.Fatal(err)
			}
			if code := change("a/f", 0o2755); code != StatusOK {
				t.Errorf("%s, way %d: status %d", name, i, code)
			}
			if got := r.lstatMode("a/f") & 0o7777; got != test.want {
				t.Errorf("%s, way %d: mode %04o, want %04o", name, i, got, test.want)
			}
		}
	}
}

func TestBeforeRequest(t *testing.T) {
	s, dir := tree(t)
	s.SetFaults(BeforeRequest(2, func(p string) {
		if p != "a/f" {
			t.Errorf("called for %q", p)
		}
		os.Remove(filepath.Join(dir, "a", "f"))
	}, Lstat))
	c := dialSFTP(t, s)
	if _, err := c.Lstat("a/f"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Lstat("a/f"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("second look: %v, want no such file", err)
	}
}

func TestLstatFollows(t *testing.T) {
	s, dir := tree(t)
	if err := os.Symlink("f", filepath.Join(dir, "a", "link")); err != nil {
		t.Skip(err)
	}
	r := rawSession(t, s)
	if mode := r.lstatMode("a/link"); mode&0o170000 != 0o120000 {
		t.Errorf("mode of a symlink is %o", mode)
	}
	s.SetFaults(LstatFollows())
	if mode := r.lstatMode("a/link"); mode&0o170000 != 0o100000 {
		t.Errorf("mode of what a symlink leads to is %o", mode)
	}
}

func TestWithoutMode(t *testing.T) {
	s, _ := tree(t, WithoutMode(func(p string) bool { return p == "a/f" }))
	r := rawSession(t, s)
	for _, e := range r.list("a") {
		flags, _, _ := cutUint32(e.Attrs)
		if known := flags&attrPermissions != 0; known == (e.Filename == "f") {
			t.Errorf("%s: mode sent: %v", e.Filename, known)
		}
		if flags&attrSize == 0 || flags&attrACModTime == 0 {
			t.Errorf("%s: more than the mode is missing, flags %x", e.Filename, flags)
		}
		full, ok := attrsSize(e.Attrs)
		if !ok || full != len(e.Attrs) {
			t.Errorf("%s: attributes of %d bytes measure %d", e.Filename, len(e.Attrs), full)
		}
	}
	for _, test := range []struct {
		path  string
		known bool
	}{{"a/f", false}, {"a/g", true}} {
		flags, _, _ := cutUint32(r.ask(Lstat, test.path).Body)
		if known := flags&attrPermissions != 0; known != test.known {
			t.Errorf("LSTAT %s: mode sent: %v", test.path, known)
		}
	}
	s.SetFaults(WithoutMode(nil))
	if flags, _, _ := cutUint32(r.ask(Lstat, "a/g").Body); flags&attrPermissions != 0 {
		t.Error("LSTAT a/g: mode sent to a client that should get none at all")
	}
}

func TestRenameEntry(t *testing.T) {
	for _, to := range []string{"", ".", "..", "a/b", "nul\x00", "\x1b[31m\n", "\xff"} {
		s, _ := tree(t, RenameEntry("f", to))
		var got []string
		for _, e := range rawSession(t, s).list("a") {
			got = append(got, e.Filename)
		}
		slices.Sort(got)
		want := []string{to, "g"}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("names are %q, want %q", got, want)
		}
	}
}

func TestFakeListing(t *testing.T) {
	s, _ := tree(t, FakeListing("a", func(n int) []NameEntry {
		if n == 3 {
			return nil
		}
		name := string(rune('x' + n))
		return []NameEntry{{Filename: name, Longname: name, Attrs: ModeAttrs(0o100600)}}
	}))
	c := dialSFTP(t, s)
	for range 2 { // the second listing begins anew
		infos, err := c.ReadDir("a")
		if err != nil || !slices.Equal(names(infos), []string{"x", "y", "z"}) || infos[0].Mode() != 0o600 {
			t.Errorf("listing: %v, %v", infos, err)
		}
	}
}

func TestChangeReply(t *testing.T) {
	honest := Packet{Type: Status, ID: 1, Body: []byte("0123456789")}.Bytes()
	for name, test := range map[string]struct {
		change func([]byte) []byte
		want   []byte
	}{
		"truncated": {Truncated, Packet{Type: Status, ID: 1, Body: []byte("01234")}.Bytes()},
		"cut short": {CutShort, append([]byte{0, 0, 0, 16}, honest[4:]...)},
		"garbage":   {Garbage, []byte("Welcome to example.test!\r\n")},
		"oversized": {Oversized, append([]byte{0xff, 0xff, 0xff, 0xf0}, honest[4:]...)},
		"empty":     {Empty, []byte{0, 0, 0, 0}},
		"wrong id":  {WrongID, Packet{Type: Status, ID: 0x80000001, Body: []byte("0123456789")}.Bytes()},
		"padded":    {Padded, Packet{Type: Status, ID: 1, Body: append([]byte("0123456789"), honest...)}.Bytes()},
		"twice":     {Twice, append(bytes.Clone(honest), honest...)},
	} {
		if got := test.change(bytes.Clone(honest)); !bytes.Equal(got, test.want) {
			t.Errorf("%s gives %q, want %q", name, got, test.want)
		}
	}
	s, _ := tree(t)
	r := rawSession(t, s)
	s.SetFaults(ChangeReply(2, Garbage, Lstat))
	r.lstatMode("a")
	if err := r.Send(Packet{Type: Lstat, ID: 9, Body: appendString(nil, "a")}); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(Garbage(nil)))
	if _, err := io.ReadFull(r.r, got); err != nil || !bytes.Equal(got, Garbage(nil)) {
		t.Errorf("second reply is %q, %v", got, err)
	}
	r.lstatMode("a")
}

func TestHangup(t *testing.T) {
	s, _ := tree(t, Fault{Request: func(e *Exchange) Action {
		if e.Request.Type == Lstat {
			return Hangup()
		}
		return Pass()
	}})
	conn := dial(t, s)
	c, err := sftp.NewClient(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Lstat("a"); err == nil {
		t.Error("answered after a hangup")
	}
	if _, err := conn.NewSession(); err != nil {
		t.Errorf("the connection went with the session: %v", err)
	}
}

// Replies are held back, but not one after another.
func TestLatency(t *testing.T) {
	const latency, requests = 100 * time.Millisecond, 100
	s := start(t, Config{Latency: latency})
	r := rawSession(t, s)
	begin := time.Now()
	for range requests {
		r.id++
		if err := r.Send(Packet{Type: Lstat, ID: r.id, Body: appendString(nil, ".")}); err != nil {
			t.Fatal(err)
		}
	}
	for range requests {
		if _, err := r.Receive(); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took < latency || took > requests*latency/2 {
		t.Errorf("%d pipelined requests took %v at a latency of %v", requests, took, latency)
	}
}

// OPEN of a FIFO hangs the session, as it does at any server; Close still ends it.
func TestOpenFIFO(t *testing.T) {
	dir := t.TempDir()
	if err := mkfifo(filepath.Join(dir, "pipe")); err != nil {
		t.Skip(err)
	}
	s := start(t, Config{Dir: dir})
	c := dialSFTP(t, s)
	done := make(chan error, 1)
	go func() { _, err := c.Open("pipe"); done <- err }()
	for s.Requests(Open) == 0 {
		runtime.Gosched()
	}
	s.Close()
	if err := <-done; err == nil {
		t.Error("a FIFO without another end was opened")
	}
}

func TestParseRoundTrip(t *testing.T) {
	long := binary.BigEndian.AppendUint32(nil, attrSize|attrUIDGID|attrPermissions|attrACModTime|attrExtended)
	long = append(long, make([]byte, 8+8+4+8)...)
	long = binary.BigEndian.AppendUint32(long, 1)
	long = appendString(appendString(long, "type"), "data")
	entries := []NameEntry{{"", "", ModeAttrs(0o755)}, {"n\x00", "long", make([]byte, 4)}, {"last", "", long}}
	p, err := ParsePacket(NamePacket(7, entries).Bytes())
	if err != nil || p.Type != Name || p.ID != 7 {
		t.Fatalf("packet is %v, %v", p, err)
	}
	got, err := ParseNames(p.Body)
	if err != nil || !slices.EqualFunc(got, entries, func(a, b NameEntry) bool {
		return a.Filename == b.Filename && a.Longname == b.Longname && bytes.Equal(a.Attrs, b.Attrs)
	}) {
		t.Errorf("entries are %q, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(NamePacket(7, []NameEntry{{"a", "b", ModeAttrs(0o755)}}).Bytes())
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ParsePacket(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Bytes(), raw) {
			t.Errorf("%x comes back as %x", raw, p.Bytes())
		}
		if names, err := ParseNames(p.Body); err == nil {
			again, err := ParseNames(NamePacket(0, names).Body)
			if err != nil || len(again) != len(names) {
				t.Errorf("%q comes back as %q, %v", names, again, err)
			}
		}
		dropMode(p.Body)
		attrsOf(p)
	})
}
