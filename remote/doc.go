// Package remote touches the server: it finds out where a target is and how to
// log in, checks host keys, walks a web root over SFTP, and changes modes by
// means that cannot be turned against an entry other than the one audited.
//
// Every call takes a context, and a cancelled context ends the call at once,
// whether or not the server answers: the connection is closed under it.
// Callbacks are serialised. Paths are bytes as the server sent them; whoever
// shows them to a person quotes them first.
package remote
