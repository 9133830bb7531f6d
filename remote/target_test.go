package remote

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	tests := []struct {
		in   string
		want Target
		out  string // "": in itself
	}{
		{in: "shop", want: Target{Host: "shop"}},
		{in: "deploy@shop.example.com", want: Target{User: "deploy", Host: "shop.example.com"}},
		{in: "deploy@shop.example.com@ftp.example.com", want: Target{User: "deploy@shop.example.com", Host: "ftp.example.com"}},
		{in: "shop:/var/www", want: Target{Host: "shop", Path: "/var/www", HasPath: true}},
		{in: "shop:public_html", want: Target{Host: "shop", Path: "public_html", HasPath: true}},
		{in: "shop:~/public_html", want: Target{Host: "shop", Path: "public_html", HasPath: true}, out: "shop:public_html"},
		{in: "shop:~//etc", want: Target{Host: "shop", Path: "etc", HasPath: true}, out: "shop:etc"},
		{in: "shop:", want: Target{Host: "shop", Path: ".", HasPath: true}, out: "shop:."},
		{in: "shop:~", want: Target{Host: "shop", Path: ".", HasPath: true}, out: "shop:."},
		{in: "shop:/", want: Target{Host: "shop", Path: "/", HasPath: true}},
		{in: "shop:/~/x", want: Target{Host: "shop", Path: "/~/x", HasPath: true}},
		{in: "shop:a b", want: Target{Host: "shop", Path: "a b", HasPath: true}},
		{in: "shop:./a@b", want: Target{Host: "shop", Path: "./a@b", HasPath: true}},
		{in: "shop:~/a@b", want: Target{Host: "shop", Path: "a@b", HasPath: true}},
		{in: "shop:a/b@c", want: Target{Host: "shop", Path: "a/b@c", HasPath: true}},
		{in: "shop:a:b", want: Target{Host: "shop", Path: "a:b", HasPath: true}},
		{in: "[2001:db8::1]", want: Target{Host: "2001:db8::1"}},
		{in: "me@[2001:db8::1]:www", want: Target{User: "me", Host: "2001:db8::1", Path: "www", HasPath: true}},
		{in: "[fe80::1%eth0]:www", want: Target{Host: "fe80::1%eth0", Path: "www", HasPath: true}},
		{in: "sftp://shop", want: Target{Host: "shop"}, out: "shop"},
		{in: "SFTP://shop/var/www", want: Target{Host: "shop", Path: "/var/www", HasPath: true}, out: "shop:/var/www"},
		{in: "sftp://me@shop:2222/var/www", want: Target{User: "me", Host: "shop", Port: 2222, Path: "/var/www", HasPath: true}},
		{in: "sftp://shop:2222", want: Target{Host: "shop", Port: 2222}},
		{in: "sftp://shop:2222/~/www", want: Target{Host: "shop", Port: 2222, Path: "www", HasPath: true}},
		{in: "sftp://shop:2222/~", want: Target{Host: "shop", Port: 2222, Path: ".", HasPath: true}, out: "sftp://shop:2222/~/."},
		{in: "sftp://shop:2222/%7E/x", want: Target{Host: "shop", Port: 2222, Path: "/~/x", HasPath: true}},
		{in: "sftp://shop:22/a%20b%25%FF", want: Target{Host: "shop", Port: 22, Path: "/a b%\xff", HasPath: true}},
		{in: "sftp://c/site", want: Target{Host: "c", Path: "/site", HasPath: true}},
		{in: "sftp://shop//x", want: Target{Host: "shop", Path: "//x", HasPath: true}},
		{in: "sftp://a%3Ab@shop", want: Target{User: "a:b", Host: "shop"}},
		{in: "sftp://[fe80::1%25eth0]:22/x", want: Target{Host: "fe80::1%eth0", Port: 22, Path: "/x", HasPath: true}},
		{in: "sftp://shop:22/a?b#c", want: Target{Host: "shop", Port: 22, Path: "/a?b#c", HasPath: true}, out: "sftp://shop:22/a%3Fb%23c"},
	}
	for _, tt := range tests {
		got, err := ParseTarget(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("ParseTarget(%q) = %+v, %v; want %+v", tt.in, got, err, tt.want)
			continue
		}
		if tt.out == "" {
			tt.out = tt.in
		}
		if got.String() != tt.out {
			t.Errorf("ParseTarget(%q).String() = %q, want %q", tt.in, got, tt.out)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	tests := []struct{ in, says string }{
		{"", "empty"},
		{"@shop", "no user"},
		{"me@", "no host"},
		{":/var/www", "no host"},
		{"-oProxyCommand=x", "dash"},
		{"me@-oProxyCommand=x", "dash"},
		{"-l@shop", "dash"},
		{"sho\x1bp", "control character"},
		{"shop:/a\nb", "control character"},
		{"sftp://shop/a%0Ab", "control character"},
		{"sftp://a%00b@shop/", "control character"},
		{"a b", "not a host name"},
		{"$(id)", "not a host name"},
		{"shop;id", "not a host name"},
		{"sho\xffp", "not a host name"},
		{"2001:db8::1", "brackets"},
		{"me@2001:db8::1", "brackets"},
		{"2001:db8::1:/var/www", "brackets"},
		{"::1", "brackets"},
		{"[shop]:x", "not an IPv6 address"},
		{"[::1", "not an IPv6 address"},
		{"[192.0.2.1]", "not an IPv6 address"},
		{"/var/www", "local path"},
		{"./shop", "local path"},
		{"../shop", "local path"},
		{".", "local path"},
		{"..", "local path"},
		{"~/www", "local path"},
		{"var/www", "local path"},
		{"a/b:c", "local path"},
		{`C:\site`, "local path"},
		{"c:/site", "local path"},
		{`..\site`, "local path"},
		{"shop:~bob/www", "another user"},
		{"sftp://shop/~bob/www", "another user"},
		{"sftp://shop:0/", "port"},
		{"sftp://shop:65536/", "port"},
		{"sftp://shop:x/", "port"},
		{"sftp://shop:/", "port"},
		{"sftp://2001:db8::1/", "colon"},
		{"sftp:///var/www", "no host"},
		{"sftp://shop/%zz", "hexadecimal"},
		{"sftp://shop/%1", "hexadecimal"},
		{"ssh://shop/", "not understood"},
		{"https://shop/", "not understood"},
	}
	for _, tt := range tests {
		got, err := ParseTarget(tt.in)
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("ParseTarget(%q) = %+v, %v; want a usage error about %q", tt.in, got, err, tt.says)
			continue
		}
		if strings.ContainsAny(err.Error()+Hint(err), "\n\x1b\x00") {
			t.Errorf("ParseTarget(%q): the error is not one clean line: %q", tt.in, err)
		}
	}
}

func TestParseTargetKeepsPasswordsOutOfErrors(t *testing.T) {
	for _, in := range []string{
		"sftp://me:hunter2@shop/var/www",
		"sftp://:hunter2@shop",
		"sftp://me:hunter2@shop@shop/",
		"sftp://me:hunter2/x@shop/var/www", // with a slash in the password, it looks like a port
		"me:hunter2@shop",
		"me:hunter2@shop:/var/www",
		"me:hunt@hunter2@shop:/var/www",
	} {
		_, err := ParseTarget(in)
		if !errors.Is(err, ErrUsage) || strings.Contains(err.Error()+Hint(err), "hunter2") {
			t.Errorf("ParseTarget(%q): %v (%s)", in, err, Hint(err))
		}
	}
	_, err := ParseTarget("sftp://me:hunter2@shop")
	if !strings.Contains(err.Error(), "password") || !strings.Contains(Hint(err), "HOSTPERM_PASSWORD") {
		t.Errorf("the error does not explain itself: %v (%s)", err, Hint(err))
	}
}

// roundTrip checks that a target that was understood is printed so that it is
// understood again, as the same.
func roundTrip(t *testing.T, target Target) {
	t.Helper()
	again, err := ParseTarget(target.String())
	if err != nil || again != target {
		t.Errorf("%#v is printed as %q, which is read as %#v, %v", target, target.String(), again, err)
	}
}

func TestTargetRoundTrip(t *testing.T) {
	pieces := []string{"a", "c", "shop", "~", "/", "//", ":", "@", "%", "[", "]", ".", "..", " ", "-", "\\", "é", "\xff",
		"%2F", "#", "?", "::1", "fe80::1%1", "sftp://", "~bob", "22", "/~/"}
	users := []string{"", "me", "me@shop", "a:b", "a/b", "a%b", "[a"}
	hosts := []string{"a", "shop.example.com", "192.0.2.1", "::1", "fe80::1%eth0", "bücher.example"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		target := Target{User: users[random.IntN(len(users))], Host: hosts[random.IntN(len(hosts))]}
		if random.IntN(2) == 0 {
			target.Port = 1 + random.IntN(65535)
		}
		if random.IntN(4) > 0 {
			target.HasPath = true
			for range 1 + random.IntN(5) {
				target.Path += pieces[random.IntN(len(pieces))]
			}
		}
		roundTrip(t, target)
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"shop", "me@shop:/x", "sftp://me@[::1]:22/~/x%20y", "shop:~/~x", "a:b@c", "[fe80::1%a]:x", "x:/~", "é:é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, err := ParseTarget(s)
		if err != nil {
			if !errors.Is(err, ErrUsage) || hasControl(err.Error()) {
				t.Fatalf("%q: %q", s, err)
			}
			return
		}
		if target.Host == "" || target.Host[0] == '-' || hasControl(target.Host+target.User+target.Path) {
			t.Fatalf("%q is accepted as %#v", s, target)
		}
		if target.HasPath == (target.Path == "") {
			t.Fatalf("%q: a path and no path: %#v", s, target)
		}
		roundTrip(t, target)
	})
}
