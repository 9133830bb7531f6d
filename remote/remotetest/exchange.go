package remotetest

import (
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Exchange is one request, on its way to the SFTP server or with its reply on
// the way back.
type Exchange struct {
	// Request is what the client sent. A Request hook may change its type and
	// body; what it holds in the end is what the SFTP server gets.
	Request Packet

	// Path is the path that the request names, or that its handle was opened
	// with: clean, relative to Config.Dir if it lies there ("." for Config.Dir
	// itself), else as the client sent it. Empty for requests without one.
	Path string
}

// initKey stands for Init and Version, which have no request id.
const initKey = 1 << 32

func key(p Packet) uint64 {
	if p.Type == Init || p.Type == Version {
		return initKey
	}
	return uint64(p.ID)
}

// asked notes a request.
func (x *session) asked(p Packet) *Exchange {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := &Exchange{Request: p}
	text, rest, _ := cutString(p.Body)
	switch p.Type {
	case Init:
	case Extended: // its name, then for all that this server knows a path
		text, _, _ = cutString(rest)
		e.Path = x.server.relative(text)
	case Close, Read, Write, Fstat, Fsetstat, Readdir:
		e.Path = x.handles[text]
	default:
		e.Path = x.server.relative(text)
	}
	x.waiting[key(p)] = e
	return e
}

// answered finds the request that a reply belongs to, and notes the handle
// that it may give out.
func (x *session) answered(raw []byte) *Exchange {
	x.mu.Lock()
	defer x.mu.Unlock()
	p, err := ParsePacket(raw)
	if err != nil {
		return &Exchange{}
	}
	e, ok := x.waiting[key(p)]
	if !ok {
		return &Exchange{}
	}
	delete(x.waiting, key(p))
	if p.Type == Handle && !x.over {
		handle, _, _ := cutString(p.Body)
		x.handles[handle] = e.Path
		x.server.counters.opened()
	}
	return e
}

func (x *session) closeHandle(p Packet) {
	x.mu.Lock()
	defer x.mu.Unlock()
	handle, _, _ := cutString(p.Body)
	if _, ok := x.handles[handle]; ok {
		delete(x.handles, handle)
		x.server.counters.handles.Add(-1)
	}
}

func (x *session) forgetHandles() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	x.server.counters.handles.Add(-int64(len(x.handles)))
	clear(x.handles)
}

// clientNames gives the absolute paths by which a client may call dir: as
// given, and with symlinks resolved. On Windows, SFTP's C:\x is /C:/x.
func clientNames(dir string) []string {
	names := []string{clientName(dir)}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil && resolved != dir {
		names = append(names, clientName(resolved))
	}
	return names
}

func clientName(dir string) string {
	return "/" + strings.TrimPrefix(filepath.ToSlash(dir), "/")
}

// relative gives Exchange.Path for a path from a client.
func (s *Server) relative(p string) string {
	clean := path.Clean(p)
	for _, root := range s.roots {
		if clean == root {
			return "."
		}
		if rest, ok := strings.CutPrefix(clean, strings.TrimSuffix(root, "/")+"/"); ok {
			return rest
		}
	}
	if path.IsAbs(p) {
		return p
	}
	return clean
}

// localPath gives the file that a path from a client names.
func (s *Server) localPath(p string) string {
	if !path.IsAbs(p) {
		return filepath.Join(s.cfg.Dir, filepath.FromSlash(p))
	}
	if local := strings.TrimPrefix(p, "/"); filepath.VolumeName(local) != "" {
		return filepath.FromSlash(local)
	}
	return filepath.FromSlash(p)
}

func (s *Server) isFIFO(open Packet) bool {
	name, _, _ := cutString(open.Body)
	info, err := os.Stat(s.localPath(name))
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}
