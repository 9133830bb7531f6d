package repair

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"hostperm/remote"
)

// lockDirEnv makes the test binary a process that takes a lock, says so, and
// waits to be killed.
const lockDirEnv = "HOSTPERM_TEST_LOCK_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(lockDirEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := OpenState(dir)
	if err == nil {
		_, err = s.Lock("target")
	}
	fmt.Println("locked:", err)
	os.Stdin.Read(make([]byte, 1))
}

func TestLock(t *testing.T) {
	s := openTestState(t)
	l, err := s.Lock("target")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Lock("target")
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("(process %d, since 2", os.Getpid())) || remote.Hint(err) == "" {
		t.Errorf("held: %v", err)
	}
	other, err := s.Lock("another target")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Unlock(), other.Unlock()); err != nil {
		t.Fatal(err)
	}
	if l, err = s.Lock("target"); err != nil {
		t.Fatalf("after unlock: %v", err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
}

// TestLockDiesWithProcess: the lock of another process keeps this one off, and
// is gone once that process is killed.
func TestLockDiesWithProcess(t *testing.T) {
	s := openTestState(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), lockDirEnv+"="+s.Dir())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || said != "locked: <nil>\n" {
		t.Errorf("the other process says %q, %v", said, err)
	}
	if _, err := s.Lock("target"); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("(process %d, ", cmd.Process.Pid)) {
		t.Errorf("held by another process: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // it was killed, and says so
	l, err := s.Lock("target")
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	if err := l.Unlock(); err != nil {
		t.Error(err)
	}
}
