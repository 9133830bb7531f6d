// Package audit joins the parts: it has a web root walked (package remote), each
// entry judged (package policy), and gives what came of it as a Result and as a
// stream of typed messages, which is also the protocol that hostperm's JSON
// output follows.
//
// A Result never says more than was seen. Whatever could not be listed is a
// Gap, and one gap, a walk that ended early, or an interruption is enough for
// Complete to be false. Findings are sorted by path, byte by byte, and then by
// rule, so that two audits of the same tree read the same; gaps are sorted by
// path. Memory grows with findings and gaps, not with entries, and an audit gives
// up where there are more than a person can use; see Run.
//
// Paths are relative to the web root, "." for the root itself, and hold the
// bytes that the server sent. Whoever shows one to a person quotes it first;
// a Detail and a Gap's Error have theirs quoted already, as Go quotes strings.
package audit
