//go:build unix

package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"hostperm/remote/remotetest"
)

// secretRuns runs the command and collects what anybody could read of it later.
type secretRuns struct {
	t       *testing.T
	home    string
	connect []string
	target  string
	secrets []string
}

// run runs the command without a umask, with more in its environment, and looks
// for the secrets in what it printed, and in its command line while it runs.
func (r *secretRuns) run(want int, env []string, verb string, args ...string) {
	r.t.Helper()
	cmd := r.command(env, verb, args...)
	status, out := exitStatus(r.t, cmd, nil)
	if status != want {
		r.t.Errorf("%s %q: exit status %d, want %d\n%s", verb, args, status, want, out)
	}
	r.mustNotHave(fmt.Sprintf("the output of %s %q", verb, args), []byte(out))
}

func (r *secretRuns) command(env []string, verb string, args ...string) *exec.Cmd {
	r.t.Helper()
	cmd := hostperm(r.t, r.home, append([]string{verb}, append(args, r.connect...)...)...)
	cmd.Args = append([]string{"sh", "-c", `umask 0; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

func (r *secretRuns) mustNotHave(what string, content []byte) {
	r.t.Helper()
	for _, secret := range r.secrets {
		if bytes.Contains(content, []byte(secret)) {
			r.t.Errorf("%s has %q", what, secret)
		}
	}
}

// readState looks for the secrets in every file of the state directory, and
// holds it to what others may do there: nothing.
func (r *secretRuns) readState() {
	files := 0
	state := filepath.Join(r.home, "state", "hostperm")
	err := filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			r.t.Errorf("%s has mode %04o, want %04o", path, info.Mode().Perm(), want)
		}
		if d.IsDir() {
			return nil
		}
		files++
		content, err := os.ReadFile(path)
		r.mustNotHave(path, content)
		return err
	})
	if err != nil || files == 0 {
		r.t.Errorf("%d files in %s, error %v", files, state, err)
	}
}

// encryptedKey writes a private key and gives its path, the public key, and a
// line of the private one.
func encryptedKey(t *testing.T, dir, passphrase string) (string, ssh.PublicKey, string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	raw, path := pem.EncodeToMemory(block), filepath.Join(dir, "key")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, key, strings.Split(string(raw), "\n")[2]
}

// TestSecretsStaySecret logs in by password and by an encrypted key, rightly and
// wrongly, repairs, undoes, loses the connection, and dumps its stacks: no
// secret is in any output, in the arguments, in a journal or in a lock, and none
// of those files is for others to read.
func TestSecretsStaySecret(t *testing.T) {
	dir := t.TempDir()
	brokenTree(t, filepath.Join(dir, "site"))
	const password, wrong, phrase = "right-battery-staple", "wrong-battery-staple", "phrase-of-the-key"
	key, public, keyLine := encryptedKey(t, t.TempDir(), phrase)
	server, err := remotetest.Start(remotetest.Config{Dir: dir, Etc: dir, User: "demo", Password: password, AuthorizedKeys: []ssh.PublicKey{public}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() }) // after the context of the test has ended: a request may be held
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &secretRuns{t: t, home: t.TempDir(), target: "demo@" + server.Host() + ":site",
		connect: []string{"--port", strconv.Itoa(server.Port()), "--host-key", server.Fingerprint(), "-F", "none"},
		secrets: []string{password, wrong, phrase, keyLine, scriptPassword}}
	by := func(kind, secret string) []string { return []string{"HOSTPERM_PASSWORD=", kind + "=" + secret} }

	r.run(exitIncomplete, by("HOSTPERM_PASSWORD", wrong), "audit", r.target)
	r.run(exitFindings, by("HOSTPERM_PASSWORD", password), "audit", r.target)
	r.run(exitFindings, by("X", ""), "audit", "--password-file", file, r.target)
	r.run(exitIncomplete, by("HOSTPERM_KEY_PASSPHRASE", wrong), "audit", "-i", key, r.target)
	r.run(exitFindings, by("HOSTPERM_KEY_PASSPHRASE", phrase), "audit", "-i", key, "--format", "json", r.target)
	r.run(exitUsage, by("X", ""), "audit", "sftp://demo:"+password+"@"+server.Host()+"/site")
	r.run(exitClean, by("HOSTPERM_PASSWORD", password), "audit", "--fix", "--yes", "--loosen", r.target)
	r.run(exitClean, by("HOSTPERM_KEY_PASSPHRASE", phrase), "undo", "--yes", "-i", key)
	r.readState()

	server.SetFaults(remotetest.BeforeRequest(40, func(string) { server.DropConnections() }))
	r.run(exitFindings, by("HOSTPERM_PASSWORD", password), "audit", r.target) // connected again

	held := make(chan struct{})
	server.SetFaults(remotetest.BeforeRequest(40, func(string) { close(held); <-t.Context().Done() }))
	r.dumped(held, by("HOSTPERM_PASSWORD", password))
	r.readState()
}

// dumped has a run print the stacks of its goroutines, as a panic would.
func (r *secretRuns) dumped(held chan struct{}, env []string) {
	cmd := r.command(append(env, "GOTRACEBACK=all"), "audit", r.target)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	<-held
	if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid)); err == nil {
		r.mustNotHave("the command line", line)
	}
	cmd.Process.Signal(syscall.SIGQUIT)
	cmd.Wait()
	if !strings.Contains(out.String(), "goroutine ") {
		r.t.Errorf("no stacks: %s", out.String())
	}
	r.mustNotHave("the stacks", out.Bytes())
}
