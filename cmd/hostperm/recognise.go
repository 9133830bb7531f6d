package main

import (
	"context"
	"errors"
	"time"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
)

// learn finds out by what the web root is to be judged, as far as nobody said:
// the server's accounts, the application and the host, and who the web server
// is.
func (s *session) learn(ctx context.Context) error {
	ids, err := s.client.Identities(ctx)
	if err != nil && !errors.Is(err, remote.ErrNoIdentities) {
		return err
	}
	o := s.options
	o.Names = audit.NamesOf(ids)
	if err := s.recognise(ctx, &o); err != nil {
		return err
	}
	if s.policy, err = newPolicy(o); err != nil {
		return err
	}
	if err := s.guessWebServer(ids, &o); err != nil {
		return err
	}
	for _, w := range s.policy.Unresolved() {
		s.app.warn(w)
	}
	if err := s.lookAbove(ctx); err != nil {
		return err
	}
	if !s.quiet() && s.out.format != "table" { // a table begins with it
		for _, note := range s.notes {
			s.app.note("%s", audit.SafeText(note))
		}
	}
	return nil
}

// recognise looks for an application and a host to judge the web root by, where
// nobody said what is expected of it, and adds them to o.
func (s *session) recognise(ctx context.Context, o *policy.Options) error {
	if !s.recognising() {
		return nil
	}
	found, note, err := audit.Recognise(ctx, s.client, s.root.Path, s.root.Attr, o.Names)
	if err != nil {
		return err
	}
	if note != "" && !s.quiet() {
		s.app.note("%s", note)
	}
	s.recognised = found
	for _, r := range found {
		o.Recognised = append(o.Recognised, r.Profile)
		if !s.quiet() && s.out.format != "table" { // a table begins with it
			s.app.note("recognised %s: %s (--profile default for none)", r.Profile, audit.SafeText(r.Reason))
		}
	}
	return nil
}

// guessWebServer looks for the web server among the server's accounts, where
// neither a flag nor the policy says who it is.
func (s *session) guessWebServer(ids *remote.Identities, o *policy.Options) (err error) {
	if id, _ := s.policy.WebServer(); id != nil {
		return nil
	}
	guess, note := audit.GuessWebServer(ids, s.policy.Profiles())
	if guess != nil {
		o.Guessed = guess
		if s.policy, err = newPolicy(*o); err != nil {
			return err
		}
		if _, guessed := s.policy.WebServer(); !guessed {
			return nil // the policy has a name that is not known
		}
	}
	if note != "" {
		s.notes = append(s.notes, note)
	}
	return nil
}

// lookAbove looks at the directories above the web root, which may bar the web
// server's way, unless nothing is known of that.
func (s *session) lookAbove(ctx context.Context) (err error) {
	if id, _ := s.policy.WebServer(); id == nil || id.UID == 0 {
		return nil
	}
	if s.above, err = s.client.Above(ctx, s.root.Path); err != nil {
		return err
	}
	if note := audit.AboveNote(s.above); note != "" {
		s.notes = append(s.notes, note)
	}
	return nil
}

// start is the message that opens the stream of this target.
func (s *session) start() audit.Start {
	return audit.Start{Protocol: audit.ProtocolVersion, Tool: "hostperm", Version: version(), Target: s.client.Display(),
		Root: s.root.Path, Profile: s.policy.Name(), Started: s.started.UTC().Truncate(time.Second),
		Recognised: s.recognised, Notes: s.notes, Notice: notTheAccounts(s.client.Server().User, s.root.Home, s.root.Attr)}
}
