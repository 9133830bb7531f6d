package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hostperm/policy"
)

// policyFlags say by what a web root is judged, as typed.
type policyFlags struct {
	profile string
	file    string
	webUser string
}

func (f *policyFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.profile, "profile", "", "`name` of what is expected, or several with + between them: "+strings.Join(policy.Profiles(), ", ")+
		" (default: default, and what is recognised)")
	fs.StringVar(&f.file, "policy", "", "policy `file`, whose lines come before those of --profile; hostperm policy check reads one")
	fs.StringVar(&f.webUser, "web-user", "", "who the web server runs as, `UID[:GID,...]` (default the policy's, or found among the server's accounts)")
}

// completeProfiles offers the names of profiles, also behind a +.
func completeProfiles(cmd *cobra.Command) {
	err := cmd.RegisterFlagCompletionFunc("profile", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return profileNames(typed), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag is there
	}
}

func profileNames(typed string) []string {
	before := typed[:strings.LastIndexByte(typed, '+')+1]
	var names []string
	for _, name := range policy.Profiles() {
		names = append(names, before+name)
	}
	return names
}

// recognising reports whether nobody said what is expected.
func (f *policyFlags) recognising() bool { return f.profile == "" && f.file == "" }

// options are what policy.New takes. Every error is one of usage.
func (f *policyFlags) options(only []string) (policy.Options, error) {
	web, err := parseWebUser(f.webUser)
	if err != nil {
		return policy.Options{}, err
	}
	return policy.Options{Profile: f.profile, File: f.file, Open: openPolicy, WebServer: web, Only: only, Now: time.Now()}, nil
}

// newPolicy builds a policy; every error is one of usage.
func newPolicy(o policy.Options) (*policy.Policy, error) {
	p, err := policy.New(o)
	if err != nil {
		return nil, usagef(hintOf(err), "%w", err)
	}
	return p, nil
}

// hintOf says what to type about a policy that is not valid.
func hintOf(err error) string {
	var ps policy.Problems
	if errors.As(err, &ps) {
		return ps.Hint()
	}
	return ""
}

// maxPolicy is more than the parser takes: it says so itself.
const maxPolicy = 1 << 20

// openPolicy reads a policy file.
func openPolicy(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxPolicy))
	if err != nil {
		return nil, fmt.Errorf("read a policy: %w", err)
	}
	return b, nil
}

// parseWebUser reads UID[:GID,...]; "" gives nil.
func parseWebUser(s string) (*policy.Identity, error) {
	if s == "" {
		return nil, nil
	}
	uid, gids, hasGroups := strings.Cut(s, ":")
	id := &policy.Identity{}
	numbers := []string{uid}
	if hasGroups {
		numbers = append(numbers, strings.Split(gids, ",")...)
	}
	for i, text := range numbers {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, usagef("id www-data on the server prints the numbers", "--web-user %q: %q is not a number", s, text)
		}
		if i == 0 {
			id.UID = uint32(n)
		} else {
			id.GIDs = append(id.GIDs, uint32(n))
		}
	}
	return id, nil
}
