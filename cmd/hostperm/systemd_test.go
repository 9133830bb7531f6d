//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// systemdPatience bounds a run of systemd from start to end.
const systemdPatience = 90 * time.Second

// systemdScript boots systemd as process 1 of a group of processes of its own,
// with the units in units and no others, an /etc with the service's account, and
// nothing of the machine's in /run, /var/lib, /tmp and /usr/local/bin.
const systemdScript = `
mkdir cgroup
mount -t cgroup2 none cgroup
group=cgroup/hostperm-test-${W##*/}-$(date +%s%N)
mkdir "$group"
trap 'find "$group" -depth -type d -exec rmdir {} +' EXIT
sh -euc 'echo 0 >"$1/cgroup.procs"; exec unshare --cgroup --pid --mount --uts --ipc --fork --kill-child sh -euc "$2"' sh "$group" '
	mount -t proc proc /proc
	mount -t tmpfs none /sys/fs/cgroup
	mount -t cgroup2 none /sys/fs/cgroup
	mount -t tmpfs -o mode=755 none /run
	mount -t tmpfs -o mode=755 none /var/lib
	mkdir /run/w
	mount --bind . /run/w
	mount -t tmpfs none /tmp
	mount -t tmpfs none /var/tmp
	mkdir -p "$W"
	mount --bind /run/w "$W"
	cd "$W"
	mount -t overlay -o "lowerdir=$W/etc:/etc" none /etc
	mount --bind conf /etc/hostperm
	mount --bind bin /usr/local/bin
	SYSTEMD_UNIT_PATH=$W/units: systemd-analyze verify --man=no hostperm.service hostperm.timer >verify 2>&1 || echo "exit status $?" >>verify
	mount --make-rshared / # as at boot: mounts made for a service have to reach it
	touch ready
	exec env -i container=test PATH="$PATH" SYSTEMD_UNIT_PATH="$W/units" /lib/systemd/systemd \
		--unit=driver.service --log-level=notice --log-target=console --show-status=no
'
`

// systemdDriver runs inside: it waits until the timer has run the service, tries
// the variant with a password, breaks the site, waits for the unit that is to
// tell of failures, and takes away the host key.
const systemdDriver = `#!/bin/sh -eu
exec 3<>done 4<>told
systemctl start hostperm.timer
read -r said <&3
echo "$said" >clean.status
stat -c '%%a %%U' /var/lib/hostperm >state
ls /var/lib/hostperm/locks >>state
systemctl stop hostperm.timer hostperm.service # it may be at work once more
rm -f out

systemctl start password.service
systemctl show -P Result -P ExecMainStatus password.service | tr '\n' ' ' >password.status

chmod 777 %[1]s/public_html/uploads
systemctl start hostperm.service || true
systemctl show -P Result -P ExecMainStatus hostperm.service | tr '\n' ' ' >broken.status
systemctl --failed --plain --no-legend >failed
until [ "${said-}" = 'hostperm.service 1' ]; do read -r said <&4; done
mv out broken.out

: >conf/known_hosts
systemctl start hostperm.service || true
systemctl show -P Result -P ExecMainStatus hostperm.service | tr '\n' ' ' >unknown.status
mv out unknown.out
`

// TestReadmeUnits has real systemd run the README's timer and service, only the
// timer's hour put off to every second, and what they print sent to a file.
func TestReadmeUnits(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, "systemd-analyze", "systemctl", "unshare")
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil {
		missing(t, "systemd: %v", err)
	}
	host := newWebHost(t, s.path("site"))
	layOutUnits(t, s, host)
	ctx, cancel := context.WithTimeout(t.Context(), systemdPatience)
	defer cancel()
	log, err := s.start(ctx, t, systemdScript)()
	s.checkReady(t, log)
	if err != nil || ctx.Err() != nil {
		out, _ := os.ReadFile(s.path("out"))
		t.Fatalf("systemd: %v\n%s\ndriver: %s\nservice: %s", err, log, s.read(t, "driver.log"), out)
	}
	expect(t, "systemd-analyze verify", s.read(t, "verify"))
	expect(t, "clean: status", s.read(t, "clean.status"), "success exited 0")
	expect(t, "clean: output", s.read(t, "clean.out"))
	expect(t, "the state directory", s.read(t, "state"), "700 hostperm\n", ".lock\n")
	expect(t, "with a password: status", s.read(t, "password.status"), "success", "0")
	expect(t, "broken: status", s.read(t, "broken.status"), "exit-code", "1")
	expect(t, "broken: output", s.read(t, "broken.out"), "shop.example.com", "uploads/", "world-writable")
	expect(t, "systemctl --failed", s.read(t, "failed"), "hostperm.service")
	expect(t, "unknown: status", s.read(t, "unknown.status"), "exit-code", "3")
	expect(t, "unknown: output", s.read(t, "unknown.out"), "hostperm: deploy@shop.example.com: ", "is not known", "hint: ")
	if t.Failed() {
		t.Logf("systemd: %s\ndriver: %s", log, s.read(t, "driver.log"))
	}
}

// TestReadmeCalendar holds the timer's time to systemd's own reading of it.
func TestReadmeCalendar(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		missing(t, "systemd-analyze is not installed")
	}
	when := regexp.MustCompile(`(?m)^OnCalendar=(.*)$`).FindStringSubmatch(strings.Join(readmeBlocks(t, "ini"), ""))
	if when == nil {
		t.Fatal("no timer in the README has an OnCalendar line")
	}
	out, err := exec.Command("systemd-analyze", "calendar", when[1]).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "04:17:00") {
		t.Errorf("systemd-analyze calendar %q: %v\n%s", when[1], err, out)
	}
}

// layOutUnits puts the README's units, what they name, and as much of a system
// as they need in a sandbox.
func layOutUnits(t *testing.T, s *sandbox, host *webHost) {
	t.Helper()
	for _, block := range readmeBlocks(t, "ini") {
		name, ok := strings.CutPrefix(strings.SplitN(block, "\n", 2)[0], "# /etc/systemd/system/")
		if !ok {
			t.Fatalf("this unit does not say what its file is called:\n%s", block)
		}
		s.write(t, "units/"+name, block, 0o644)
		if name == "hostperm.service" {
			s.write(t, "units/password.service", withPassword(t, block), 0o644)
		}
	}
	for _, target := range []string{"sysinit", "basic", "network-online", "timers", "shutdown"} {
		s.write(t, "units/"+target+".target", "[Unit]\nDescription=nothing\nDefaultDependencies=no\n", 0o644)
	}
	s.write(t, "units/hostperm.timer.d/test.conf", "[Timer]\nOnCalendar=\nOnCalendar=*:*:*\nRandomizedDelaySec=0\nAccuracySec=1us\n", 0o644)
	s.write(t, "units/hostperm.service.d/test.conf", fmt.Sprintf("[Unit]\nStartLimitIntervalSec=0\nOnFailure=tell.service\n[Service]\nStandardOutput=append:%[1]s/out\nStandardError=append:%[1]s/out\n"+
		"ExecStopPost=+/bin/sh -c 'test -e %[1]s/clean.out || cp %[1]s/out %[1]s/clean.out; echo $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS >%[1]s/done'\n", s.dir), 0o644)
	s.write(t, "units/driver.service", fmt.Sprintf("[Unit]\nDefaultDependencies=no\nSuccessAction=exit-force\nFailureAction=exit-force\n"+
		"[Service]\nType=oneshot\nWorkingDirectory=%[1]s\nExecStart=%[1]s/driver\nStandardOutput=append:%[1]s/driver.log\nStandardError=append:%[1]s/driver.log\n", s.dir), 0o644)
	s.write(t, "units/tell.service", fmt.Sprintf("[Unit]\nDefaultDependencies=no\n"+
		"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo $MONITOR_UNIT $MONITOR_EXIT_STATUS >%s/told'\n", s.dir), 0o644)
	s.write(t, "driver", fmt.Sprintf(systemdDriver, shellQuote(host.dir)), 0o755)
	if out, err := exec.Command("mkfifo", s.path("done"), s.path("told")).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v\n%s", err, out)
	}

	const account = "hostperm:x:64321:"
	for name, line := range map[string]string{"passwd": account + "64321::/nonexistent:/usr/sbin/nologin\n", "group": account + "\n"} {
		text, err := os.ReadFile("/etc/" + name)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, "etc/"+name, line+string(text), 0o644)
	}
	s.mkdir(t, "etc/hostperm")
	s.write(t, "conf/key", host.key, 0o600)
	s.write(t, "conf/password", scriptPassword+"\n", 0o600)
	s.write(t, "conf/ssh_config", host.sshConfig(), 0o644)
	s.write(t, "conf/known_hosts", host.KnownHostsLine()+"\n", 0o644)
}

// withPassword gives the README's service as it says to write it for a password.
func withPassword(t *testing.T, service string) string {
	t.Helper()
	for from, to := range map[string]string{
		"LoadCredential=key:/etc/hostperm/key\n": "LoadCredential=password:/etc/hostperm/password\n",
		" -i %d/key ":                            " --password-file=%d/password ",
	} {
		if !strings.Contains(service, from) {
			t.Fatalf("the service in the README lacks %q", from)
		}
		service = strings.Replace(service, from, to, 1)
	}
	return service
}
