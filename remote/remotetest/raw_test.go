package remotetest

import "testing"

// raw is a Raw whose errors end the test.
type raw struct {
	*Raw
	t *testing.T
}

func rawSession(t *testing.T, s *Server) *raw {
	t.Helper()
	r, err := NewRaw(dial(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return &raw{r, t}
}

func (r *raw) ask(t Type, parts ...any) Packet {
	r.t.Helper()
	p, err := r.Ask(t, parts...)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// code gives the code of a Status reply, and fails on another.
func (r *raw) code(p Packet) uint32 {
	r.t.Helper()
	code, ok := p.StatusCode()
	if !ok {
		r.t.Fatalf("reply of type %d, want a status", p.Type)
	}
	return code
}

func (r *raw) open(t Type, path string, more ...any) string {
	r.t.Helper()
	p := r.ask(t, append([]any{path}, more...)...)
	handle, ok := p.HandleString()
	if !ok {
		r.t.Fatalf("open %s: reply of type %d %q", path, p.Type, p.Body)
	}
	return handle
}

func (r *raw) setstat(path string, mode uint32) uint32 {
	r.t.Helper()
	return r.code(r.ask(Setstat, path, ModeAttrs(mode)))
}

func (r *raw) fsetstat(path string, mode uint32) uint32 {
	r.t.Helper()
	handle := r.open(Open, path, uint32(1), uint32(0))
	defer r.ask(Close, handle)
	return r.code(r.ask(Fsetstat, handle, ModeAttrs(mode)))
}

func (r *raw) lsetstat(path string, mode uint32) uint32 {
	r.t.Helper()
	return r.code(r.ask(Extended, lsetstatName, path, ModeAttrs(mode)))
}

func (r *raw) lstatMode(path string) uint32 {
	r.t.Helper()
	p := r.ask(Lstat, path)
	mode, ok := Mode(p.Body)
	if p.Type != Attrs || !ok {
		r.t.Fatalf("lstat %s: reply of type %d %q", path, p.Type, p.Body)
	}
	return mode
}
