//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote/remotetest"
	"hostperm/remote/remotetest/realserver"
)

// noAccount is a web server that the server's accounts have no name for: policy
// explain does not see them.
const noAccount = "61234:61234"

// TestExplainAgreesWithAudit holds policy explain to what an audit finds, for
// every path of trees of random modes: those of Debian's packages where they are,
// and the sample site. The directories let the web server through, as explain
// takes them to, and their owner write.
func TestExplainAgreesWithAudit(t *testing.T) {
	trees := map[string]func(t *testing.T, root string){
		"wordpress": func(t *testing.T, root string) { copyTree(t, realserver.WordPress(t), root) },
		"mediawiki": func(t *testing.T, root string) {
			copyTree(t, filepath.Join(realserver.MediaWiki(t), "usr/share/mediawiki"), root)
		},
		"sample": func(t *testing.T, root string) {
			if err := remotetest.WriteSite(root); err != nil {
				t.Fatal(err)
			}
		},
	}
	for tree, lay := range trees {
		t.Run(tree, func(t *testing.T) {
			if tree == "mediawiki" && testing.Short() {
				t.Skip("skipped with -short")
			}
			top, err := os.MkdirTemp("", "hostperm-explain-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := remotetest.RemoveSite(top); err != nil {
					t.Error(err)
				}
			})
			if err := os.Chmod(top, 0o755); err != nil { // lets the web server through
				t.Fatal(err)
			}
			root := filepath.Join(top, "site")
			lay(t, root)
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			entries := shuffleModes(t, root, rand.New(rand.NewPCG(seed, 0)))
			server, err := remotetest.Start(remotetest.Config{Dir: root, User: "demo", Password: scriptPassword})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { server.Close() })
			profiles := []string{"default", tree, tree + "+cpanel", tree + "+mod-php"}
			if tree == "sample" {
				profiles = []string{"default", "wordpress+shared-group", "laravel+plesk", "static"}
			}
			for _, profile := range profiles {
				flags := []string{"--profile", profile, "--web-user", noAccount}
				cmd := hostperm(t, t.TempDir(), append([]string{"audit", "--port", strconv.Itoa(server.Port()), "--host-key", server.Fingerprint(),
					"-F", "none", "--format", "jsonl", "--no-sniff", "demo@" + server.Host() + ":" + root}, flags...)...)
				out, _ := cmd.Output()
				if status := cmd.ProcessState.ExitCode(); status != exitFindings {
					t.Fatalf("%s: exit status %d", profile, status)
				}
				compareExplained(t, profile, string(out), entries)
			}
		})
	}
}

// shuffleModes gives every entry of a tree a random mode with which its owner can
// do everything, and a directory one that lets others through too; it tells of all
// of them but symlinks.
func shuffleModes(t *testing.T, root string, rng *rand.Rand) map[string]*explainFlags {
	t.Helper()
	entries := make(map[string]*explainFlags)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		kind, mode := "file", []uint64{0o644, 0o640, 0o755, 0o600, 0o666, 0o664, 0o4755}[rng.IntN(7)]
		switch {
		case d.IsDir():
			kind, mode = "dir", []uint64{0o755, 0o775, 0o711, 0o777, 0o2775, 0o1777, 0o751}[rng.IntN(7)]
		case d.Type()&fs.ModeNamedPipe != 0:
			kind = "fifo"
		case d.Type()&fs.ModeSocket != 0:
			kind = "socket"
		}
		if err := os.Chmod(p, fileMode(mode)); err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		rel, err := filepath.Rel(root, p)
		entries[rel] = &explainFlags{kind: kind, mode: fmt.Sprintf("%04o", mode), owner: fmt.Sprint(st.Uid), group: fmt.Sprint(st.Gid)}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// compareExplained compares what was found of every entry.
func compareExplained(t *testing.T, profile, report string, entries map[string]*explainFlags) {
	t.Helper()
	found := make(map[string][]string)
	total := 0
	for line := range strings.Lines(report) {
		var l struct {
			Type, Path, Rule, Severity, Want, Change, Detail, Kind string
			PathBase64                                             []byte `json:"path_base64"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.PathBase64 != nil {
			l.Path = string(l.PathBase64)
		}
		if l.Type == "finding" && l.Kind != "symlink" {
			found[l.Path] = append(found[l.Path], fmt.Sprint(l.Rule, " ", l.Severity, " ", l.Want, " ", l.Change, " ", l.Detail))
			total++
		}
	}
	if total < len(entries)/3 {
		t.Errorf("%s: %d findings in %d entries are too few to mean much", profile, total, len(entries))
	}
	flags := policyFlags{profile: profile, webUser: noAccount}
	p, err := flags.build()
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for path, f := range entries {
		e, err := f.entry(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		explained, _ := audit.Explained(e, p.Explain(e).Findings)
		for _, x := range explained {
			want := ""
			if x.Change != policy.None {
				want = x.Want.String()
			}
			got = append(got, fmt.Sprint(x.Rule, " ", x.Severity, " ", want, " ", x.Change, " ", x.Detail))
		}
		if !slices.Equal(got, found[path]) {
			if wrong++; wrong <= 5 {
				t.Errorf("%s: %q %s %s:\n explained %q\n found     %q", profile, path, f.kind, f.mode, got, found[path])
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%s: %d of %d entries differ", profile, wrong, len(entries))
	}
	t.Logf("%s: %d findings of %d entries agree", profile, total, len(entries))
}
