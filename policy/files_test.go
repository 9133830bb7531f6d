package policy

import (
	"fmt"
	"io/fs"
	"testing"
	"time"
)

// files are policy files by name, for Options.Open.
type files map[string]string

func (f files) open(name string) ([]byte, error) {
	text, ok := f[name]
	if !ok {
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	return []byte(text), nil
}

// own builds the policy of one file.
func own(t testing.TB, text string) *Policy {
	t.Helper()
	return mustNew(t, Options{File: "own.yaml", Open: files{"own.yaml": text}.open, Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)})
}
