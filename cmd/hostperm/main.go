// Command hostperm audits the permissions of a web root on a hosting server
// over SFTP, repairs them after confirmation, and puts them back on request.
//
// stdout carries the result, stderr the progress and errors, and the terminal
// device the questions. See exit.go for the exit statuses.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(newApp().run(context.Background(), os.Args[1:]))
}
