// Package fastlane speaks the few packets of SFTP version 3 that listing,
// changing modes and reading the beginnings of files need, so that many requests can be outstanding at once and an
// entry of a listing costs no allocation. It follows
// draft-ietf-secsh-filexfer-02 and OpenSSH's PROTOCOL file.
//
// A Session sends requests and never waits: each reply goes to the Handler
// that the request named, from the session's one reader goroutine, so the
// calls of a session never overlap. What a Reply shows is a view into the
// packet buffer, valid during the call only.
//
// Nothing that the server sends is believed. A packet is at most MaxPacket
// bytes, every length in it is checked before anything of it is handed out,
// and a packet that is malformed, answers a request that is not outstanding,
// or is not an answer to its kind of request ends the session with an error
// that wraps ErrProtocol. Memory does not grow with what the server sends,
// only with the requests that the caller leaves outstanding.
//
// Where a server gives out its handles as OpenSSH does, a Session foresees them,
// and can send requests on a handle together with the request that opens it;
// see ListWhole and OpenStat.
//
// A session is ended by closing the stream under it. It sets no time limits.
package fastlane
