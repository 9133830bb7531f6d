package policy

import "strings"

// nearest gives the candidate that word is most likely a slip for: the one at
// the smallest edit distance, if that is at most half of the word, or else one
// that contains the word or is contained in it. "" if there is none.
func nearest(word string, candidates []string) string {
	word = strings.ToLower(word)
	best, bestDistance := "", len(word)/2+1
	for _, c := range candidates {
		if d := editDistance(word, c); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best != "" {
		return best
	}
	for _, c := range candidates {
		if len(word) > 2 && (strings.Contains(c, word) || strings.Contains(word, c)) {
			return c
		}
	}
	return ""
}

// editDistance is the Levenshtein distance in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
