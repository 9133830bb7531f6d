package main

import (
	"context"
	"time"
)

// The contenders that the bars are about.
const (
	sshFind  = "ssh find"
	hostperm = "hostperm"
	waited   = "hostperm, handles waited for" // every OPENDIR's reply, before the first READDIR
	bareWalk = "bare walk"
	rclone8  = "rclone lsf -R, 8 checkers"
	rclone64 = "rclone lsf -R, 64 checkers"
	library  = "pkg/sftp, 1024 at once"
	oneLevel = ", 1 level" // behind another's name

	sshFindChmod = "ssh find -exec chmod +"
	hostpermFix  = "hostperm --fix --yes"
)

// contender is a row of a table: something that does the work of the case.
type contender struct {
	name   string
	tree   *tree
	run    runner
	before func() error // each run; not timed; may be nil
	after  func() error // each run, to check what it did; may be nil
	once   bool         // it takes minutes, and a median of them is not what the table is for
	peer   bool         // it runs again only if it is done within patience
	absent string       // why it cannot take part, or ""
}

// runner does the work once, from the start of the client to its end, and
// checks that the client saw all of the tree.
type runner func(ctx context.Context, l lane, t *tree) (sample, error)

// patience is how long a peer may take and still run in every round.
const patience = 20 * time.Second

// plan is how a case is measured.
type plan struct {
	title      string
	contenders func(l lane) []contender
	nearOnly   bool                      // only without delay, whatever -rtt says
	derive     func(r *results) []string // lines below the table; may be nil
}

// unable is the error of a contender that turns out not to work on this
// machine: it is skipped, not failed.
type unable struct{ reason string }

func (u unable) Error() string { return u.reason }
