package main

import (
	"fmt"
	"strings"

	"github.com/xrash/smetrics"
)

// leastLikeness is the Jaro-Winkler similarity, of 1 for equal names, from which on one name may be a misspelling of another.
const leastLikeness = 0.9

// didYouMean is what to add to the refusal of a name: the one of some names that is most like it, or nothing where none is.
// The names are shown with the prefix given, such as the dashes of a flag.
func didYouMean(name, prefix string, names []string) string {
	best, likeness := "", leastLikeness
	for _, n := range names {
		if l := smetrics.JaroWinkler(strings.ToLower(name), strings.ToLower(n), 0.7, 4); l > likeness {
			best, likeness = n, l
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, best)
}
