package audit

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"hostperm/policy"
)

// protocol pins every byte of the lines that the contract promises.
var protocol = []struct {
	message Message
	line    string
}{
	{Start{Protocol: 1, Tool: "hostperm", Version: "v1.2.3", Target: "deploy@host", Root: "/home/deploy/public_html",
		Profile: "default", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		`{"type":"start","protocol":1,"tool":"hostperm","version":"v1.2.3","target":"deploy@host","root":"/home/deploy/public_html","profile":"default","started":"2026-01-02T03:04:05Z"}`},
	{Start{Protocol: 1, Root: "/\xff", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		`{"type":"start","protocol":1,"tool":"","version":"","target":"","root":"/�","root_base64":"L/8=","profile":"","started":"2026-01-02T03:04:05Z"}`},
	{Finding{Path: "wp-content/uploads", Kind: policy.KindDir, Rule: "world-writable", Severity: policy.Critical, Mode: 0o777, ModeKnown: true,
		Want: 0o755, Change: policy.Tighten, UID: 1001, GID: 1002, OwnerKnown: true, Detail: "..."},
		`{"type":"finding","path":"wp-content/uploads","kind":"dir","rule":"world-writable","severity":"critical","mode":"0777","want":"0755","change":"tighten","uid":1001,"gid":1002,"detail":"..."}`},
	{Finding{Path: "a", Kind: policy.KindFile, Rule: "file-mode", Severity: policy.Low, Mode: 0o600, ModeKnown: true,
		Want: 0o644, Change: policy.Loosen, Fixed: true},
		`{"type":"finding","path":"a","kind":"file","rule":"file-mode","severity":"low","mode":"0600","want":"0644","change":"loosen","detail":"","fixed":true}`},
	{Finding{Path: "a", Kind: policy.KindFile, Rule: "file-mode", Severity: policy.Low, Mode: 0o600, ModeKnown: true,
		Want: 0o644, Change: policy.Loosen, Held: "it has 2 hard links"},
		`{"type":"finding","path":"a","kind":"file","rule":"file-mode","severity":"low","mode":"0600","want":"0644","change":"loosen","detail":"","held":"it has 2 hard links"}`},
	{Start{Protocol: 1, Root: "/r", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Notice: "the web root belongs to root"},
		`{"type":"start","protocol":1,"tool":"","version":"","target":"","root":"/r","profile":"","started":"2026-01-02T03:04:05Z","notice":"the web root belongs to root"}`},
	{Finding{Path: "<&>\x1b\u2028", Kind: policy.KindUnknown, Rule: "mode-unknown", Severity: policy.Medium, Change: policy.None},
		`{"type":"finding","path":"<&>\u001b\u2028","kind":"unknown","rule":"mode-unknown","severity":"medium","mode":"","want":"","change":"none","detail":""}`},
	{Finding{Path: "a\xff\xfe", Kind: policy.KindFIFO, Rule: "special-file", Severity: policy.Medium, Mode: 0, ModeKnown: true, Change: policy.None, OwnerKnown: true},
		`{"type":"finding","path":"a��","path_base64":"Yf/+","kind":"fifo","rule":"special-file","severity":"medium","mode":"0000","want":"","change":"none","uid":0,"gid":0,"detail":""}`},
	{Gap{Path: "\x7f\u009b\u202e\U000e0001é\u00a0", Error: "x"}, `{"type":"gap","path":"\u007f\u009b\u202e\udb40\udc01é\u00a0","error":"x"}`},
	{Gap{Path: "private", Error: "permission denied"}, `{"type":"gap","path":"private","error":"permission denied"}`},
	{Gap{Path: "\x80", Error: "x"}, `{"type":"gap","path":"�","path_base64":"gA==","error":"x"}`},
	{Change{Path: "wp-content/uploads", From: 0o777, To: 0o755, Status: Applied},
		`{"type":"change","path":"wp-content/uploads","from":"0777","to":"0755","status":"applied","detail":""}`},
	{Summary{Dirs: 10, Files: 90, Symlinks: 1, Findings: Counts{Critical: 1}, Changes: map[Status]int{Applied: 1}, Complete: true, Seconds: 0.21},
		`{"type":"summary","dirs":10,"files":90,"symlinks":1,"other":0,"findings":{"critical":1,"high":0,"medium":0,"low":0},"gaps":0,"changes":{"applied":1},"complete":true,"seconds":0.21,` +
			`"remaining":{"critical":0,"high":0,"medium":0,"low":0},"excluded":0,"interrupted":false}`},
}

func TestProtocol(t *testing.T) {
	for _, tt := range protocol {
		got, err := EncodeMessage(tt.message)
		if err != nil || string(got) != tt.line {
			t.Errorf("%v\n got %s\nwant %s", err, got, tt.line)
		}
		back, err := DecodeMessage([]byte(tt.line))
		if err != nil || !reflect.DeepEqual(back, tt.message) {
			t.Errorf("%s\ncomes back as %+v, %v", tt.line, back, err)
		}
	}
}

func TestStartIsInUTC(t *testing.T) {
	s := Start{Protocol: 1, Started: time.Date(2026, 1, 2, 3, 4, 5, 999, time.FixedZone("", 3600))}
	if line, err := EncodeMessage(s); err != nil || !strings.Contains(string(line), `"2026-01-02T02:04:05Z"`) {
		t.Errorf("%s, %v", line, err)
	}
	s.Started = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if line, err := EncodeMessage(s); err == nil {
		t.Errorf("%s", line)
	}
}

// TestRoundTrip makes up messages of all kinds, with paths of arbitrary bytes.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		for _, m := range randomMessages(r) {
			line, err := EncodeMessage(m)
			if err != nil {
				t.Fatalf("%+v: %v", m, err)
			}
			if !strings.HasPrefix(string(line), `{"type":"`) || strings.ContainsAny(string(line), "\n\x1b") || !json.Valid(line) {
				t.Fatalf("%q is not a line of the protocol", line)
			}
			back, err := DecodeMessage(line)
			if err != nil || !reflect.DeepEqual(back, m) {
				t.Fatalf("%s\ncomes back as %+v, %v\nwant %+v", line, back, err, m)
			}
		}
	}
}

func randomMessages(r *rand.Rand) []Message {
	counts := func() Counts { return Counts{r.IntN(9), r.IntN(9), r.IntN(9), r.IntN(9)} }
	path := func() string {
		b := make([]byte, 1+r.IntN(12))
		for i := range b {
			b[i] = byte(1 + r.IntN(255))
		}
		if r.IntN(2) == 0 {
			return "é<�>" + strings.ToValidUTF8(string(b), "")
		}
		return string(b)
	}
	mode := func() policy.Mode { return policy.Mode(r.IntN(0o10000)) }
	f := Finding{Path: path(), Kind: policy.Kind(r.IntN(8)), Rule: "file-mode", Severity: policy.Severity(1 + r.IntN(4)),
		Change: policy.None, Detail: "\"<é\x1b>\n\"", Fixed: r.IntN(2) == 0}
	if f.ModeKnown = r.IntN(4) > 0; f.ModeKnown {
		f.Mode = mode()
		if f.Change = []policy.Direction{policy.None, policy.Tighten, policy.Loosen, policy.Mixed}[r.IntN(4)]; f.Change != policy.None {
			f.Want = mode()
		}
	}
	if f.OwnerKnown = r.IntN(2) == 0; f.OwnerKnown {
		f.UID, f.GID = r.Uint32(), r.Uint32()
	}
	status := []Status{Planned, Applied, Refused, Failed, Unchanged}[r.IntN(5)]
	return []Message{f,
		Start{Protocol: 1, Tool: "t", Version: "v", Target: "u@h", Root: "/" + path(), Profile: "default", Started: time.Unix(r.Int64N(1<<36), 0).UTC(), Notice: "n"},
		Gap{Path: path(), Error: "e"},
		Change{Path: path(), From: mode(), To: mode(), Status: status, Detail: "d"},
		Summary{Dirs: r.Int64(), Files: r.Int64(), Other: 3, Excluded: 4, Findings: counts(), Remaining: counts(), Gaps: r.IntN(9),
			Changes: map[Status]int{status: r.IntN(9)}, Complete: r.IntN(2) == 0, Interrupted: r.IntN(2) == 0, Seconds: r.Float64()},
	}
}

func TestDecodeTolerates(t *testing.T) {
	got, err := DecodeMessage([]byte(`{"path":"a","later":[1],"type":"gap","error":"x"}`))
	if err != nil || got != (Gap{"a", "x"}) {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = DecodeMessage([]byte(`{"type":"summary","findings":{"low":2},"changes":{}}`))
	if s, ok := got.(Summary); err != nil || !ok || s.Remaining != (Counts{Low: 2}) || s.Complete {
		t.Errorf("%+v, %v", got, err)
	}
	var inList struct{ Gaps []Gap }
	if err := json.Unmarshal([]byte(`{"gaps":[{"path":"a","error":"x"}]}`), &inList); err != nil || inList.Gaps[0] != (Gap{"a", "x"}) {
		t.Errorf("%+v, %v", inList, err)
	}
	if _, err = DecodeMessage([]byte(`{"type":"progress","dirs":1}`)); !errors.Is(err, ErrUnknownMessage) {
		t.Errorf("a type from the future: %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	const finding = `{"type":"finding","path":"a","kind":"file","rule":"r","severity":"low","mode":"0600","want":"0644","change":"loosen","uid":1,"gid":1,"detail":""}`
	if _, err := DecodeMessage([]byte(finding)); err != nil {
		t.Fatal(err)
	}
	lines := []string{``, `null`, `[]`, `{}`, `{"type":null}`, `{"type":1}`, finding + finding, finding[:len(finding)-1],
		`{"type":"start","protocol":2,"started":"2026-01-02T03:04:05Z"}`, `{"type":"start","protocol":1,"started":"yesterday"}`,
		`{"type":"start","protocol":1,"started":"9999-12-31T23:59:59-01:00"}`, `{"type":"start","protocol":1,"started":"0000-01-01T00:00:00+01:00"}`,
		`{"type":"start","protocol":1,"started":"2026-01-02T03:04:05Z","root":"/a","root_base64":"L2I="}`,
		`{"type":"gap","error":"x"}`, `{"type":"gap","path":"�","path_base64":"gA","error":"x"}`, `{"type":"gap","path":"x","path_base64":"gA==","error":"x"}`,
		`{"type":"change","path":"a","from":"644","to":"0644","status":"applied"}`, `{"type":"change","path":"a","from":"0600","to":"","status":"applied"}`,
		`{"type":"change","path":"a","from":"0600","to":"0644","status":"done"}`,
		`{"type":"change","from":"0600","to":"0644","status":"applied"}`,
		`{"type":"summary","dirs":-1}`, `{"type":"summary","findings":{"low":-1}}`, `{"type":"summary","changes":{"applied":-1}}`,
		`{"type":"summary","changes":{"done":1}}`, `{"type":"summary","seconds":-1}`, `{"type":"summary","remaining":{"high":-1}}`,
	}
	for _, swap := range [][2]string{
		{`"a"`, `""`}, {`"file"`, `"files"`}, {`"r"`, `""`}, {`"low"`, `"LOW"`}, {`"0600"`, `"600"`}, {`"0600"`, `"0800"`}, {`"0600"`, `""`},
		{`"0644"`, `""`}, {`"loosen"`, `"none"`}, {`"loosen"`, `""`}, {`"uid":1,`, ``}, {`"gid":1,`, ``}, {`"uid":1`, `"uid":-1`}, {`"0644"`, `420`},
	} {
		lines = append(lines, strings.Replace(finding, swap[0], swap[1], 1))
	}
	for _, line := range lines {
		if m, err := DecodeMessage([]byte(line)); err == nil {
			t.Errorf("%s is taken for %+v", line, m)
		} else if errors.Is(err, ErrUnknownMessage) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: %q", line, err)
		}
	}
	var g Gap
	if err := json.Unmarshal([]byte(finding), &g); err == nil {
		t.Error("a finding is taken for a gap")
	}
}

// FuzzDecodeMessage holds that nothing makes the decoder panic, and that what
// it accepts is written and read again as the same.
func FuzzDecodeMessage(f *testing.F) {
	for _, tt := range protocol {
		f.Add([]byte(tt.line))
	}
	f.Add([]byte(`{"type":"progress"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := DecodeMessage(line)
		if err != nil {
			return
		}
		again, err := EncodeMessage(m)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", m, err)
		}
		back, err := DecodeMessage(again)
		if err != nil {
			t.Fatalf("%s cannot be read again: %v", again, err)
		}
		once, err := EncodeMessage(back)
		if err != nil || string(once) != string(again) {
			t.Fatalf("%s\nbecomes %s, %v", again, once, err)
		}
	})
}
