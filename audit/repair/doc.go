// Package repair changes modes, and puts them back.
//
// The way of a change is: findings become a [Plan]; [Plan.Select] takes what
// its caller was allowed to do and gives steps, and a list of what is left
// over; [State.Create] opens a journal; [Apply] writes each step to the journal,
// makes sure that the line is on disk, and only then asks the server; what came
// of the step is written behind it. [Undo] walks a journal backwards.
//
// What the package promises:
//
//   - No change without its line on disk first. A line that cannot be written or
//     synced ends the run with [ErrJournal] before anything of its batch is sent.
//     Of the first batch the lines of a few steps are written first, and only
//     these are changed; the other entries are looked at and opened meanwhile, and
//     follow, lines first, unless the server has ignored the few.
//     The lines that say what came of a change are not waited for: undo doesn't
//     need them, since it looks at each entry before it touches it.
//   - Undo restores the twelve permission bits, setuid, setgid and sticky
//     included, of every entry that still is as the run left it. What was
//     changed since by someone else is left alone, and said.
//     The one thing that nobody can see is a change that a server received
//     before its connection was cut, and makes much later; undo waits for such
//     ones, see restPause.
//   - Nothing in a directory named .ssh, no special file, and nothing whose mode
//     or owner the server did not report is ever a step, whatever a finding says.
//
// # Order
//
// A directory comes before what is in it, because the change may be what makes
// its contents reachable. The one exception is a directory that loses the
// owner's search bit: it comes after everything below it, deepest first, since
// nothing in it could be reached afterwards. Only the owner's bit counts: on a
// POSIX system the owner (or root, whom no bit stops) is the only one who can
// change a mode, and for the owner only the owner's bits decide. Steps go to the
// server together, unless one is for a directory whose search bits change, of
// anyone, and another lies below it: only then can one depend on another. Undo uses
// exactly the reverse of the order that the journal holds, so that every entry is
// as reachable as it was when it was changed.
//
// # Journal
//
// One file a run, one JSON object a line: begin, then for each step an intent
// and a done line, then end. Undo appends undo lines, synced before their
// changes as intents are, undone lines, and nothing else. A last line without a
// newline or that is no JSON was being written when the run died: nothing acted
// on it, and it is ignored. Any other line that can't be understood makes undo
// refuse the journal and name the line, because putting back half of what is
// known, in an order that is not, can lock entries away.
//
// Nothing depends on the time of day: a journal's name comes after all others in
// its directory even if the clock was put back, locks are the operating system's,
// and times are told to people only.
//
// The functions here are for one goroutine; parallelism is inside the [Changer].
package repair
