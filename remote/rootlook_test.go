package remote

import (
	"testing"

	"hostperm/remote/fastlane"
)

// stranger is a fake server that is no OpenSSH.
type stranger struct{ *fake }

func (s stranger) server() Endpoint { return Endpoint{Software: "SSH-2.0-other"} }

// TestPlainRoot: a root to which directories lead is resolved by what the first
// session asked while it started; where anything is not as plain, pkg/sftp's is
// asked, which sends STAT.
func TestPlainRoot(t *testing.T) {
	attrReply := func(r fakeReq, mode uint32) []byte {
		return fakePacket(pktAttrs, r.id, encodeAttr(nil, attrOf(mode)))
	}
	for name, test := range map[string]struct {
		above func(r fakeReq) []byte // LSTAT of what the root lies in
		named func(r fakeReq) []byte // REALPATH of the root
		other bool                   // it is no OpenSSH
		plain bool
	}{
		"plain":              {plain: true},
		"another server":     {other: true},
		"a symlink above":    {above: func(r fakeReq) []byte { return attrReply(r, fastlane.TypeSymlink|0o777) }},
		"a file above":       {above: func(r fakeReq) []byte { return attrReply(r, fastlane.TypeRegular|0o644) }},
		"not seen above":     {above: func(r fakeReq) []byte { return status(r.id, codeDenied) }},
		"resolved elsewhere": {named: func(r fakeReq) []byte { return nameReply(r.id, file("/r/another")) }},
		"not resolved":       {named: func(r fakeReq) []byte { return status(r.id, codeDenied) }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(dir("r", dir("site"), dir("another")))
			f.give = lifo
			f.withLogin()
			login := f.hook
			f.hook = func(r fakeReq) []byte {
				switch {
				case test.above != nil && r.kind == pktLstat && r.arg == "/r":
					return test.above(r)
				case test.named != nil && r.kind == pktRealpath && r.arg == "/r/site":
					return test.named(r)
				}
				return login(r)
			}
			c := f.client(t)
			if test.other {
				c = newClient(stranger{f})
				t.Cleanup(func() { c.Close() })
			}
			root, err := c.ResolveRoot(t.Context(), Target{Path: "/r/site", HasPath: true})
			if name == "not resolved" {
				if err == nil {
					t.Errorf("%+v", root)
				}
				return
			}
			must(t, err)
			if root.Path != "/r/site" && name != "resolved elsewhere" || root.Asked != "/r/site" || root.Found || root.Attr.Type() != typeDir {
				t.Errorf("%+v", root)
			}
			if asked := f.counted(pktStat) > 0; asked == test.plain {
				t.Errorf("pkg/sftp's session was asked: %v", asked)
			}
		})
	}
}
