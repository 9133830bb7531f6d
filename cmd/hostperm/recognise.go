package main

import (
	"context"
	"time"

	"hostperm/audit"
	"hostperm/policy"
	"hostperm/remote"
)

// learn finds out by what the web root is to be judged, as far as nobody said:
// the server's accounts, the application and the host, and who the web server
// is.
func (s *session) learn(ctx context.Context) error {
	around, err := audit.LookAround(ctx, s.client, s.root.Path, s.root.Attr, s.recognising())
	if err != nil {
		return err
	}
	o := s.options
	o.Names = around.Names
	s.takeRecognised(around, &o)
	if s.policy, err = newPolicy(o); err != nil {
		return err
	}
	if err := s.guessWebServer(around.Identities, &o); err != nil {
		return err
	}
	for _, w := range s.policy.Unresolved() {
		s.app.warn(w)
	}
	s.takeAbove(around.Above)
	if !s.quiet() && s.out.format != "table" { // a table begins with it
		for _, note := range s.notes {
			s.app.note("%s", audit.SafeText(note))
		}
	}
	return nil
}

// takeRecognised adds to o what the application and the host were recognised as,
// where nobody said what is expected, and says so.
func (s *session) takeRecognised(around *audit.Surroundings, o *policy.Options) {
	if around.Note != "" && !s.quiet() {
		s.app.note("%s", around.Note)
	}
	s.recognised = around.Recognised
	for _, r := range s.recognised {
		o.Recognised = append(o.Recognised, r.Profile)
		if !s.quiet() && s.out.format != "table" { // a table begins with it
			s.app.note("recognised %s: %s (--profile default for none)", r.Profile, audit.SafeText(r.Reason))
		}
	}
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

// takeAbove has the directories above the web root count, which may bar the web
// server's way, unless nobody knows who that is.
func (s *session) takeAbove(above []remote.Above) {
	if id, _ := s.policy.WebServer(); id == nil || id.UID == 0 {
		return
	}
	s.above = above
	if note := audit.AboveNote(above); note != "" {
		s.notes = append(s.notes, note)
	}
}

// start is the message that opens the stream of this target.
func (s *session) start() audit.Start {
	return audit.Start{Protocol: audit.ProtocolVersion, Tool: "hostperm", Version: version(), Target: s.client.Display(),
		Root: s.root.Path, Profile: s.policy.Name(), Started: s.started.UTC().Truncate(time.Second),
		Recognised: s.recognised, Notes: s.notes, Notice: notTheAccounts(s.client.Server().User, s.root.Home, s.root.Attr)}
}
