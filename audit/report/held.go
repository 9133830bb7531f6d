package report

import "hostperm/audit"

// maxHeld is how many reasons are listed. Those of a common web root are one or
// two; they have numbers in them that a server can make up.
const maxHeld = 10

// heldBack counts the entries that no repair changes, by the reason.
type heldBack struct {
	reasons []string // in the order in which they came
	entries []int
	more    int // entries with a reason further on
}

func (h *heldBack) add(reason string) {
	for i := range h.reasons {
		if h.reasons[i] == reason {
			h.entries[i]++
			return
		}
	}
	if len(h.reasons) == maxHeld {
		h.more++
		return
	}
	h.reasons, h.entries = append(h.reasons, reason), append(h.entries, 1)
}

func (h *heldBack) lines() []string {
	var lines []string
	for i, reason := range h.reasons {
		lines = append(lines, count(h.entries[i], "entry", "entries")+": "+audit.SafeText(reason))
	}
	if h.more > 0 {
		lines = append(lines, count(h.more, "more entry", "more entries")+" for other reasons")
	}
	return lines
}
