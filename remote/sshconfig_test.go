package remote

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testHome makes an empty home directory that ssh's files are looked for in.
// No agent is running there.
func testHome(t testing.TB) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	setenv := t.(interface{ Setenv(key, value string) }).Setenv
	setenv("HOME", home)
	setenv("USERPROFILE", home)
	setenv("SSH_AUTH_SOCK", "")
	return home
}

func writeFile(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// warnings collects what Options.Warn is told.
type warnings struct{ said []string }

func (w *warnings) warn(message string) { w.said = append(w.said, message) }

func resolveRoute(t *testing.T, target string, o Options) ([]*hop, []string, error) {
	t.Helper()
	parsed, err := ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	var w warnings
	o.Warn = w.warn
	r, err := newResolver(o)
	if err != nil {
		return nil, w.said, err
	}
	hops, err := r.route(parsed)
	return hops, w.said, err
}

// resolveOne resolves a target that is reached directly, without a warning.
func resolveOne(t *testing.T, target string, o Options) *hop {
	t.Helper()
	hops, said, err := resolveRoute(t, target, o)
	if err != nil || len(hops) != 1 || len(said) != 0 {
		t.Fatalf("resolve %s: %d hops, warnings %q, %v", target, len(hops), said, err)
	}
	return hops[0]
}

func TestConfigDefaults(t *testing.T) {
	home := testHome(t)
	h := resolveOne(t, "shop.example.com", Options{ConfigFile: "none"})
	if h.host != "shop.example.com" || h.port != 22 || h.user != localUser() || h.timeout != 30*time.Second {
		t.Errorf("%+v", h)
	}
	if h.aliveEvery != 15*time.Second || h.aliveMax != 3 || h.strict != strictAsk || h.jump != "" {
		t.Errorf("%+v", h)
	}
	if want := filepath.Join(home, ".ssh", "known_hosts"); h.userKnownHosts[0] != want {
		t.Errorf("known hosts %q, want %q", h.userKnownHosts, want)
	}
	if len(h.identities) != len(defaultIdentities) || h.identities[3] != (identityFile{filepath.Join(home, ".ssh", "id_ed25519"), fromDefaults}) {
		t.Errorf("identities %q", h.identities)
	}
}

func TestConfigHost(t *testing.T) {
	home := testHome(t)
	t.Setenv("KEYS", "/keys")
	writeFile(t, filepath.Join(home, ".ssh", "config"), "\ufeffHost\tshop  \"other shop\" !shop.bad\r\n"+`
  HostName = %h.example.com
	User=deploy   # not root
  port 2222
  IdentityFile ~/.ssh/%h-%r-%p%%
  IdentityFile "${KEYS}/my key"
  IdentitiesOnly yes
  CertificateFile ~/cert.pub
  UserKnownHostsFile "`+home+`/known 1" ~/known2
  GlobalKnownHostsFile none
  StrictHostKeyChecking accept-new
  ConnectTimeout 1m30s
  ServerAliveInterval 7
  ServerAliveCountMax 2
  IdentityAgent $KEYS
  HostKeyAlias alias
  HashKnownHosts yes
  PreferredAuthentications password,publickey
Host web?
  User question
Host *
  User nobody
  IdentityFile /fallback`)
	h := resolveOne(t, "shop", Options{})
	want := hop{
		alias: "shop", host: "shop.example.com", user: "deploy", port: 2222, target: true,
		timeout: 90 * time.Second, aliveEvery: 7 * time.Second, aliveMax: 2,
		identities: []identityFile{
			{filepath.Join(home, ".ssh", "shop.example.com-deploy-2222%"), fromConfig},
			{"/keys/my key", fromConfig}, {"/fallback", fromConfig},
		},
		certificates: []string{filepath.Join(home, "cert.pub")}, identitiesOnly: true, agent: "/keys",
		methods: []string{"password", "publickey"}, hostKeyAlias: "alias",
		userKnownHosts: []string{home + "/known 1", filepath.Join(home, "known2")}, strict: strictNew, hashNames: true,
	}
	if got, want := fmt.Sprintf("%+v", *h), fmt.Sprintf("%+v", want); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for target, user := range map[string]string{"web1": "question", "web": "nobody", "web12": "nobody", "me@web1": "me"} {
		if h := resolveOne(t, target, Options{}); h.user != user {
			t.Errorf("%s: user %q, want %q", target, h.user, user)
		}
	}
}

func TestOptionsOutweighConfig(t *testing.T) {
	home := testHome(t)
	config := writeFile(t, filepath.Join(home, "config"), "Port 1\nUser c\nIdentityFile /c\nConnectTimeout 5\nStrictHostKeyChecking yes\nProxyCommand nc %h\n")
	h := resolveOne(t, "sftp://me@shop:2/", Options{
		ConfigFile: config, Port: 3, Identities: []string{"/o"}, Timeout: time.Second, AcceptNewHostKey: true,
		KnownHosts: []string{"/k"}, Jump: "none",
	})
	if h.port != 3 || h.user != "me" || h.timeout != time.Second || h.strict != strictNew {
		t.Errorf("%+v", h)
	}
	if !slices.Equal(h.identities, []identityFile{{"/o", fromOptions}, {"/c", fromConfig}}) {
		t.Errorf("identities %v", h.identities)
	}
	if !slices.Equal(h.userKnownHosts, []string{"/k"}) || h.otherKnownHosts != nil {
		t.Errorf("known hosts %q %q", h.userKnownHosts, h.otherKnownHosts)
	}
}

func TestConfigInclude(t *testing.T) {
	home := testHome(t)
	ssh := filepath.Join(home, ".ssh")
	os.Mkdir(filepath.Join(ssh, "conf.d"), 0o700)
	writeFile(t, filepath.Join(ssh, "conf.d", "1.conf"), "Host shop\n  Port 1001\n")
	writeFile(t, filepath.Join(ssh, "conf.d", "2.conf"), "Host *\n  Port 1002\n  User two\nMatch user x\n User never\nHost shop\n  HostName 192.0.2.2\n")
	writeFile(t, filepath.Join(ssh, "only-shop"), "ServerAliveInterval 9\n")
	writeFile(t, filepath.Join(ssh, "config"), "Include conf.d/*.conf missing\nHost shop\n Include "+ssh+"/only-shop\n User late\nHost *\n User last\n")
	hops, said, err := resolveRoute(t, "shop", Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := hops[0]
	if h.port != 1001 || h.user != "two" || h.host != "192.0.2.2" || h.aliveEvery != 9*time.Second {
		t.Errorf("%+v", h)
	}
	if len(said) != 1 || !strings.Contains(said[0], "2.conf:4:") {
		t.Errorf("a Match block in an included file: %q", said)
	}
	hops, _, err = resolveRoute(t, "other", Options{})
	if err != nil || hops[0].port != 1002 || hops[0].aliveEvery != defaultAliveEvery {
		t.Errorf("other: %+v, %v", hops[0], err)
	}
	loop := filepath.Join(ssh, "loop")
	writeFile(t, loop, "Include "+loop+"\n")
	if _, _, err := resolveRoute(t, "shop", Options{ConfigFile: loop}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "deep") {
		t.Errorf("a file that includes itself: %v", err)
	}
}

func TestConfigMatch(t *testing.T) {
	home := testHome(t)
	config := filepath.Join(home, ".ssh", "config")
	tests := []struct {
		name, match string
		applies     bool
		warns       bool
	}{
		{"all", "Match all", true, false},
		{"original host", "Match originalhost a,shop", true, false},
		{"other original host", "Match originalhost shop.example.com", false, false},
		{"host is HostName", "match host shop.example.*", true, false},
		{"alias is not HostName", "Match host shop", false, false},
		{"negated pattern", "Match host *.example.com,!shop.*", false, false},
		{"final", "Match final all", true, false},
		{"exec", `Match exec "test -f /x"`, false, true},
		{"exec besides a host that fits", `Match host *.example.com exec "true"`, false, true},
		{"user", "Match user deploy", false, true},
		{"canonical", "Match canonical all", false, true},
		{"negated criterion", "Match !host other", false, true},
		{"unknown", "Match weather sunny", false, true},
	}
	for _, tt := range tests {
		writeFile(t, config, "Host shop\n HostName shop.example.com\n"+tt.match+"\n ConnectTimeout 77\nHost *\n Port 99\n")
		hops, said, err := resolveRoute(t, "shop", Options{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if applied := hops[0].timeout == 77*time.Second; applied != tt.applies {
			t.Errorf("%s: applied %v, want %v", tt.name, applied, tt.applies)
		}
		if hops[0].port != 99 {
			t.Errorf("%s: what follows the block is lost", tt.name)
		}
		warned := len(said) == 1 && strings.Contains(said[0], config+":3:") && strings.Contains(said[0], "Match")
		if warned != tt.warns || len(said) > 1 {
			t.Errorf("%s: warnings %q", tt.name, said)
		}
	}
}

func TestConfigMatchFinalComesLast(t *testing.T) {
	home := testHome(t)
	writeFile(t, filepath.Join(home, ".ssh", "config"), "Match final all\n Port 1\n User final\nHost *\n Port 2\n")
	if h := resolveOne(t, "shop", Options{}); h.port != 2 || h.user != "final" {
		t.Errorf("%+v", h)
	}
}

func TestConfigErrors(t *testing.T) {
	home := testHome(t)
	config := filepath.Join(home, "config")
	tests := []struct{ text, says string }{
		{"Port x", ":1: port is \"x\""},
		{"\n\nPort 0", ":3: port"},
		{"Host", ":1: Host: its argument is missing"},
		{"Host \"a", "quote"},
		{"Match", "missing"},
		{"HostName %x", "token %x"},
		{"HostName a%", "%-tokens"},
		{"HostName -x", "host name"},
		{"User -x", "user name"},
		{"ConnectTimeout soon", "a time"},
		{"ConnectTimeout 99999999999w", "a time"},
		{"ServerAliveInterval 1x", "a time"},
		{"ServerAliveCountMax -1", "a number"},
		{"IdentitiesOnly maybe", "yes or no"},
		{"HashKnownHosts maybe", "yes or no"},
		{"StrictHostKeyChecking maybe", "accept-new"},
		{"IdentityFile ${HOSTPERM_NOT_SET}/x", "HOSTPERM_NOT_SET"},
		{"IdentityFile ~no-such-user-here/x", "no-such-user-here"},
		{"UserKnownHostsFile \"a", "quote"},
		{"ProxyCommand nc %h %p", "ProxyCommand"},
		{"ProxyJump a:b", "port"},
		{"ProxyJump -a", "dash"},
		{"Por\x00t 1", "control character"},
		{"Include [", "Include"},
		{"Include " + home, "Include"},
	}
	for _, tt := range tests {
		writeFile(t, config, tt.text+"\n")
		_, _, err := resolveRoute(t, "shop", Options{ConfigFile: config})
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v; want a usage error with %q", tt.text, err, tt.says)
		}
	}
	if _, _, err := resolveRoute(t, "shop", Options{ConfigFile: filepath.Join(home, "missing")}); !errors.Is(err, ErrUsage) {
		t.Errorf("missing -F file: %v", err)
	}
	writeFile(t, config, "Port 1\n")
	if os.Chmod(config, 0o666); os.PathSeparator == '/' {
		if _, _, err := resolveRoute(t, "shop", Options{ConfigFile: config}); !errors.Is(err, ErrUsage) || !strings.Contains(Hint(err), "chmod") {
			t.Errorf("world-writable configuration: %v", err)
		}
	}
}

func TestConfigLaxHostKeyCheckingIsNotHonoured(t *testing.T) {
	home := testHome(t)
	config := writeFile(t, filepath.Join(home, "config"), "StrictHostKeyChecking no\n")
	hops, said, err := resolveRoute(t, "shop", Options{ConfigFile: config})
	if err != nil || hops[0].strict != strictAsk || len(said) != 1 || !strings.Contains(said[0], config+":1") {
		t.Errorf("%+v, %q, %v", hops[0], said, err)
	}
}

func TestProxyOrder(t *testing.T) {
	home := testHome(t)
	config := filepath.Join(home, "config")
	for text, want := range map[string]int{
		"ProxyCommand none\nProxyJump a":                                      1,
		"Host shop\nProxyJump a,b\nProxyCommand nc":                           3,
		"ProxyJump none\nProxyCommand nc":                                     1,
		"Host shop\nProxyJump a\nHost *\nPort 26":                             2,
		"Host shop a\nProxyJump b":                                            2, // a list replaces what its later hosts say; a's own counts, but it is not on the way
		"Host shop\nProxyJump a\nHost a\nProxyJump b\nHost b\nProxyJump none": 3,
		"Host shop\nProxyJump a,b\nHost b\nProxyCommand nc\n":                 3, // b is reached through a, whatever it says
	} {
		writeFile(t, config, text+"\n")
		hops, _, err := resolveRoute(t, "shop", Options{ConfigFile: config})
		if err != nil || len(hops) != want || hops[len(hops)-1].alias != "shop" {
			t.Errorf("%q: %d hops, want %d, %v", text, len(hops), want, err)
		}
	}
	writeFile(t, config, "Host *\nProxyJump a\n")
	if _, _, err := resolveRoute(t, "shop", Options{ConfigFile: config}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "itself") {
		t.Errorf("a jump host that is to be reached through itself: %v", err)
	}
	writeFile(t, config, "Host a\nUser ua\nPort 1\nHost b\nUser ub\nHostName b.example.com\n")
	hops, _, err := resolveRoute(t, "me@shop", Options{ConfigFile: config, Jump: "a:7, x@b,[::1]:8", Port: 9, Identities: []string{"/i"}})
	if err != nil || len(hops) != 4 {
		t.Fatalf("%d hops, %v", len(hops), err)
	}
	var got []string
	for _, h := range hops {
		got = append(got, h.user+"@"+h.addr())
	}
	want := []string{"ua@a:7", "x@b.example.com:22", localUser() + "@[::1]:8", "me@shop:9"}
	if !slices.Equal(got, want) {
		t.Errorf("way %q, want %q", got, want)
	}
	if hops[0].pin != "" || hops[0].identities[len(hops[0].identities)-1].path != "/i" {
		t.Errorf("jump host: %+v", hops[0])
	}
	if _, _, err := resolveRoute(t, "shop", Options{ConfigFile: config, Jump: "me:hunter2@a"}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("password in a jump host: %v", err)
	}
}

// TestConfigAgreesWithSSH asks ssh itself what a configuration means.
func TestConfigAgreesWithSSH(t *testing.T) {
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("ssh is not installed: nothing to compare with")
	}
	home := testHome(t)
	config := filepath.Join(home, "config")
	include := writeFile(t, filepath.Join(home, "included"), "Host s*\n User inc\nHost *p\n IdentityFile /inc\nMatch host 192.*\n ServerAliveCountMax 8\n")
	texts := []string{
		"", "User a\nUser b", "Host shop\nPort 1\nHost *\nPort 2\n", "Host * !shop\nPort 1\n", "Host !shop *\nPort 1\n",
		"Host sh?p\nPort 1\n", "Host sho?p\nPort 1\n", "Host s?*p\nPort 7", "Host \"shop\"\nPort 1\n", "Host a\tshop\nPort 1\n",
		"Host=shop\nPort=5\n", "Host = shop\n Port = 5 # five\n", "HostName %h.example.com\nUser u%%\n",
		"Host shop\nHostName x\nMatch host x\nPort 3\nMatch host shop\nPort 4\n", "Match originalhost *op,zz\nPort 3\n",
		"Match all\nPort 3\nHost shop\nPort 4\n", "Include " + include + "\nUser mine\n", "Host no\nInclude " + include + "\nHost *\nUser mine\n",
		"HostName 192.0.2.1\nInclude \"" + include + "\"\n", "ConnectTimeout 1m\nServerAliveInterval 1h\nServerAliveCountMax 4\n",
		"IdentityFile /a\nIdentityFile \"/b c\"\nIdentityFile /%h/%n/%p/%r\n", "Host shop\nProxyJump a\nProxyJump b\n", "ProxyJump none\n",
		"StrictHostKeyChecking accept-new\nHashKnownHosts yes\nIdentitiesOnly yes\n", "UserKnownHostsFile /a \"/b c\"\n",
		"HostKeyAlias k\nPreferredAuthentications password\n", "Match final all\nPort 1\nHost *\nPort 2\n", "CertificateFile /c\n",
	}
	for _, text := range texts {
		writeFile(t, config, text)
		out, err := exec.Command(ssh, "-G", "-F", config, "shop").Output()
		if err != nil {
			t.Errorf("ssh -G with %q: %v", text, err)
			continue
		}
		said := make(map[string][]string)
		for _, line := range strings.Split(string(out), "\n") {
			key, value, _ := strings.Cut(line, " ")
			said[key] = append(said[key], value)
		}
		compareWithSSH(t, text, resolveOneOrJump(t, config), said)
	}
}

func resolveOneOrJump(t *testing.T, config string) *hop {
	t.Helper()
	hops, _, err := resolveRoute(t, "shop", Options{ConfigFile: config})
	if err != nil {
		t.Fatal(err)
	}
	return hops[len(hops)-1]
}

func compareWithSSH(t *testing.T, text string, h *hop, said map[string][]string) {
	t.Helper()
	ours := map[string]string{
		"hostname": h.host, "user": h.user, "port": strconv.Itoa(h.port),
		"identitiesonly": yesNo(h.identitiesOnly), "hashknownhosts": yesNo(h.hashNames),
	}
	if strings.Contains(text, "ConnectTimeout") {
		ours["connecttimeout"] = strconv.Itoa(int(h.timeout.Seconds()))
		ours["serveraliveinterval"] = strconv.Itoa(int(h.aliveEvery.Seconds()))
	}
	if h.jump != "" {
		ours["proxyjump"] = h.jump
	}
	if h.hostKeyAlias != "" {
		ours["hostkeyalias"] = h.hostKeyAlias
	}
	ours["serveralivecountmax"] = strconv.Itoa(h.aliveMax)
	if strings.Contains(text, "UserKnownHostsFile") {
		ours["userknownhostsfile"] = strings.Join(h.userKnownHosts, " ")
	}
	for key, value := range ours {
		if got := strings.Join(said[key], " "); got != value {
			t.Errorf("%q: %s is %q for ssh, %q here", text, key, got, value)
		}
	}
	if strings.Contains(text, "IdentityFile") || strings.Contains(text, "included") {
		var paths []string
		for _, id := range h.identities {
			if id.origin == fromConfig {
				paths = append(paths, id.path)
			}
		}
		theirs := slices.DeleteFunc(slices.Clone(said["identityfile"]), func(p string) bool { return strings.HasPrefix(p, "~") })
		// ssh -G leaves tokens as they are.
		for i := range theirs {
			theirs[i] = strings.NewReplacer("%h", h.host, "%n", "shop", "%p", strconv.Itoa(h.port), "%r", h.user).Replace(theirs[i])
		}
		if !slices.Equal(theirs, paths) {
			t.Errorf("%q: identities are %q for ssh, %q here", text, theirs, paths)
		}
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func FuzzReadSettings(f *testing.F) {
	f.Add("Host a b\n Port 1 # x\nMatch host x\nInclude nothing\n=\nKey\"=\"v\n", "a")
	f.Add("Match final\nHostName %h\n\tUser  = \"x y\"", "b")
	f.Fuzz(func(t *testing.T, text, alias string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // nothing of this machine is to be read
		}
		config := writeFile(t, filepath.Join(t.TempDir(), "config"), text)
		found, err := readSettings(configFiles(config, "/home/x"), "/home/x", alias, func(string) {})
		if err != nil {
			if !errors.Is(err, ErrUsage) || hasControl(err.Error()) {
				t.Fatalf("%q", err)
			}
			return
		}
		for _, s := range found {
			if s.key == "host" || s.key == "match" || !strings.Contains(text, s.value) {
				t.Fatalf("%+v from %q", s, text)
			}
		}
	})
}
