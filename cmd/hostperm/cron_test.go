//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cronPatience bounds the wait for cron, which runs jobs at full minutes.
const cronPatience = 2 * time.Minute

// cronScript gives cron a spool, a mailer and an /usr/local/bin of its own, and
// nothing of the machine's crontabs.
const cronScript = `
mount -t tmpfs -o mode=755 none /run
mount --bind spool /var/spool/cron
mount --bind none.d /etc/cron.d
test ! -e /etc/crontab || mount --bind none /etc/crontab
mount -t overlay -o "lowerdir=$W/sbin:/usr/sbin" none /usr/sbin
mount --bind jobs /usr/local/bin
touch ready
exec cron -f
`

// TestReadmeCrontab has real cron run the README's crontab, only its hour put
// off to every minute: nothing is printed and mailed where all is well, findings
// are, and a host that is not known ends the run with no question asked.
func TestReadmeCrontab(t *testing.T) {
	s := newSandbox(t, "cron")
	c := newCronTest(t, s)
	good, bad := newWebHost(t, s.path("good")), newWebHost(t, s.path("bad"))
	if err := os.Chmod(filepath.Join(bad.dir, "public_html", "uploads"), 0o777); err != nil {
		t.Fatal(err)
	}
	c.home(t, "clean", good, true)
	c.home(t, "broken", bad, true)
	c.home(t, "unknown", good, false)
	end := c.start(t)
	t.Parallel() // others run while cron waits for the minute to be full
	end()

	for name, status := range map[string]string{"clean": "0", "broken": "1", "unknown": "3"} {
		if c.status[name] != status {
			t.Errorf("%s: exit status %q, want %s\n%s", name, c.status[name], status, s.read(t, name+"/out")+s.read(t, name+"/err"))
		}
	}
	expect(t, "clean: stdout", s.read(t, "clean/out"))
	expect(t, "clean: stderr", s.read(t, "clean/err"))
	expect(t, "broken: stdout", s.read(t, "broken/out"), "shop.example.com", "uploads/", "world-writable")
	expect(t, "broken: stderr", s.read(t, "broken/err"))
	expect(t, "unknown: stdout", s.read(t, "unknown/out"))
	expect(t, "unknown: stderr", s.read(t, "unknown/err"), "hostperm: deploy@shop.example.com: ", "is not known", "hint: ", "hostperm: www@blog.example.com:htdocs: ")
	if strings.Contains(s.read(t, "broken/out"), "blog.example.com") {
		t.Error("the mail has the host that is well")
	}
	expect(t, "mail for clean", c.mail["clean"])
	expect(t, "mail for broken", c.mail["broken"], "To: admin@example.com", s.read(t, "broken/out"))
	expect(t, "mail for unknown", c.mail["unknown"], "To: admin@example.com", s.read(t, "unknown/err"))
}

// expect holds a text to having some parts, or to being empty without any.
func expect(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	if len(parts) == 0 && text != "" {
		t.Errorf("%s is not empty:\n%s", what, text)
	}
	for _, part := range parts {
		if part == "" || !strings.Contains(text, part) {
			t.Errorf("%s lacks %q:\n%s", what, part, text)
		}
	}
}

// cronTest is a crontab, and what became of its jobs.
type cronTest struct {
	*sandbox
	line    string // the README's, for every minute
	crontab strings.Builder
	jobs    int
	events  *os.File // a FIFO, by which jobs and the mailer say that they are done

	status map[string]string // home → exit status
	mail   map[string]string // home → mail
}

func newCronTest(t *testing.T, s *sandbox) *cronTest {
	t.Helper()
	c := &cronTest{sandbox: s, status: make(map[string]string), mail: make(map[string]string)}
	block := readmeBlocks(t, "cron")[0]
	c.line = regexp.MustCompile(`(?m)^17 4 \* \* \* `).ReplaceAllLiteralString(block, "* * * * * ")
	if c.line == block {
		t.Fatalf("this is not the crontab that the test is about:\n%s", block)
	}
	for _, dir := range []string{"none.d", "spool/crontabs", "mail"} {
		s.mkdir(t, dir)
	}
	s.write(t, "none", "", 0o644)
	// The job is the real command, once; what it prints goes on to cron.
	s.write(t, "jobs/hostperm", fmt.Sprintf(`#!/bin/sh
mkdir "$HOME/once" 2>/dev/null || exit 0
%s/hostperm "$@" >"$HOME/out" 2>"$HOME/err"
status=$?
cat "$HOME/out" "$HOME/err"
echo "status ${HOME##*/} $status" >%s
exit $status
`, shellQuote(s.bin), shellQuote(s.path("events"))), 0o755)
	s.write(t, "sbin/sendmail", fmt.Sprintf(`#!/bin/sh
cat >%[1]s/$$
echo "mail $$" >%[2]s
`, shellQuote(s.path("mail")), shellQuote(s.path("events"))), 0o755)
	var err error
	if err = syscall.Mkfifo(s.path("events"), 0o600); err == nil {
		c.events, err = os.OpenFile(s.path("events"), os.O_RDWR|syscall.O_NONBLOCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.events.Close() })
	return c
}

// home makes a home directory, and a job that finds its host in it.
func (c *cronTest) home(t *testing.T, name string, host *webHost, known bool) {
	t.Helper()
	c.write(t, name+"/.ssh/config", host.sshConfig(), 0o600)
	c.write(t, name+"/.ssh/hostperm", host.key, 0o600)
	if known {
		c.write(t, name+"/.ssh/known_hosts", host.KnownHostsLine()+"\n", 0o600)
	}
	fmt.Fprintf(&c.crontab, "HOME=%s\n%s", c.path(name), c.line)
	c.jobs++
}

// start starts cron. The function that it returns ends it, when every job has
// run and every mail that is due was sent.
func (c *cronTest) start(t *testing.T) (end func()) {
	t.Helper()
	c.write(t, "spool/crontabs/root", c.crontab.String(), 0o600)
	ctx, cancel := context.WithCancel(t.Context())
	wait := c.sandbox.start(ctx, t, cronScript)
	ended := make(chan string, 1)
	go func() {
		out, err := wait()
		ended <- fmt.Sprint(err, "\n", out)
		fmt.Fprintln(c.events, "ended")
	}()
	return func() {
		t.Helper()
		err := c.events.SetReadDeadline(time.Now().Add(cronPatience))
		if err == nil {
			err = c.collect(bufio.NewReader(c.events))
		}
		cancel()
		if log := <-ended; err != nil {
			c.checkReady(t, log)
			t.Fatalf("waiting for cron: %v; exit statuses so far: %v; cron: %s", err, c.status, log)
		}
	}
}

// collect reads what jobs and the mailer say.
func (c *cronTest) collect(events *bufio.Reader) error {
	for due := 0; len(c.status) < c.jobs || len(c.mail) < due; {
		line, err := events.ReadString('\n')
		if err != nil {
			return err
		}
		switch word := strings.Fields(line); word[0] {
		case "ended":
			return errors.New("it has ended")
		case "status":
			c.status[word[1]] = word[2]
			if word[2] != "0" {
				due++
			}
		case "mail":
			text, err := os.ReadFile(filepath.Join(c.path("mail"), word[1]))
			if err != nil {
				return err
			}
			home := regexp.MustCompile(`(?m)^X-Cron-Env: <HOME=.*/([a-z]+)>$`).FindSubmatch(text)
			if home == nil {
				return errors.New("a mail that does not say whose it is: " + string(text))
			}
			c.mail[string(home[1])] = string(text)
		}
	}
	return nil
}
