package remotetest

import (
	"path"
	"path/filepath"
	"slices"
)

// otherEtc makes a request for /etc/passwd or /etc/group one for the file of
// that name in Config.Etc.
func (s *Server) otherEtc(e *Exchange) {
	if s.cfg.Etc == "" || e.Path != "/etc/passwd" && e.Path != "/etc/group" ||
		!slices.Contains([]Type{Lstat, Stat, Open, Readlink}, e.Request.Type) {
		return
	}
	_, rest, ok := cutString(e.Request.Body)
	if ok {
		e.Request.Body = append(appendString(nil, clientName(filepath.Join(s.cfg.Etc, path.Base(e.Path)))), rest...)
	}
}
