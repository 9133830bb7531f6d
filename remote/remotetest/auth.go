package remotetest

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"net"
	"strconv"

	"golang.org/x/crypto/ssh"
)

var errDenied = errors.New("permission denied")

func joinHostPort(host string, port uint32) string {
	return net.JoinHostPort(host, strconv.FormatUint(uint64(port), 10))
}

// serverConfig turns Config's ways to log in into callbacks.
func (s *Server) serverConfig() *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		AuthLogCallback: func(_ ssh.ConnMetadata, method string, _ error) {
			if method != "none" { // a client's question what is offered, without a credential
				s.counters.authAttempts.Add(1)
			}
		},
	}
	c.AddHostKey(s.cfg.HostKey)
	for _, key := range s.cfg.MoreHostKeys {
		c.AddHostKey(key)
	}
	if s.cfg.Password != "" && s.cfg.KeyboardInteractive {
		c.KeyboardInteractiveCallback = s.askPassword
	} else if s.cfg.Password != "" {
		c.PasswordCallback = func(conn ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			return nil, s.checkPassword(conn, string(password))
		}
	}
	if len(s.cfg.AuthorizedKeys) > 0 || s.cfg.UserCA != nil {
		checker := &ssh.CertChecker{IsUserAuthority: s.isUserCA, UserKeyFallback: s.checkKey}
		c.PublicKeyCallback = func(conn ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !s.knows(conn) {
				return nil, errDenied
			}
			return checker.Authenticate(conn, key)
		}
	}
	if s.cfg.SSH.Login != nil {
		s.cfg.SSH.Login(c)
	}
	return c
}

func (s *Server) knows(conn ssh.ConnMetadata) bool {
	return s.cfg.User == "" || conn.User() == s.cfg.User
}

func (s *Server) checkPassword(conn ssh.ConnMetadata, password string) error {
	same := subtle.ConstantTimeCompare([]byte(password), []byte(s.cfg.Password)) == 1
	if !s.knows(conn) || !same {
		return errDenied
	}
	return nil
}

func (s *Server) askPassword(conn ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	answers, err := ask("", "", []string{"Password: "}, []bool{false})
	if err != nil {
		return nil, err
	}
	if len(answers) != 1 {
		return nil, errDenied
	}
	return nil, s.checkPassword(conn, answers[0])
}

func (s *Server) isUserCA(key ssh.PublicKey) bool {
	return s.cfg.UserCA != nil && bytes.Equal(key.Marshal(), s.cfg.UserCA.Marshal())
}

func (s *Server) checkKey(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	for _, allowed := range s.cfg.AuthorizedKeys {
		if bytes.Equal(key.Marshal(), allowed.Marshal()) {
			return nil, nil
		}
	}
	return nil, errDenied
}
