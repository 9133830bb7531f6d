package main

import (
	"context"
	"time"

	"hostperm/audit"
)

// recognise looks for an application and a host to judge the web root by, where
// nobody said what is expected of it.
func (s *session) recognise(ctx context.Context) error {
	if !s.recognising() {
		return nil
	}
	found, note, err := audit.Recognise(ctx, s.client, s.root.Path, s.root.Attr, nil)
	if err != nil {
		return err
	}
	if note != "" && !s.quiet() {
		s.app.note("%s", note)
	}
	if len(found) == 0 {
		return nil
	}
	o := s.options
	for _, r := range found {
		o.Recognised = append(o.Recognised, r.Profile)
	}
	if s.policy, err = newPolicy(o); err != nil {
		return err
	}
	s.recognised = found
	for _, r := range found {
		if !s.quiet() && s.out.format != "table" { // a table begins with it
			s.app.note("recognised %s: %s (--profile default for none)", r.Profile, audit.SafeText(r.Reason))
		}
	}
	return nil
}

// start is the message that opens the stream of this target.
func (s *session) start() audit.Start {
	return audit.Start{Protocol: audit.ProtocolVersion, Tool: "hostperm", Version: version(), Target: s.client.Display(),
		Root: s.root.Path, Profile: s.policy.Name(), Started: s.started.UTC().Truncate(time.Second), Recognised: s.recognised,
		Notice: notTheAccounts(s.client.Server().User, s.root.Home, s.root.Attr)}
}
