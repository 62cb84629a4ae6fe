package dataset

import (
	"fmt"
	"strconv"
	"strings"
)

// expandShards are the files that a pattern such as shards-{000..146}.tar names, in its order; nil where it is none.
func expandShards(pattern string) ([]string, error) {
	before, rest, found := strings.Cut(pattern, "{")
	if !found {
		return nil, nil
	}
	inside, after, found := strings.Cut(rest, "}")
	first, last, isRange := strings.Cut(inside, "..")
	if !found || !isRange {
		return nil, nil
	}
	from, errFrom := strconv.Atoi(first)
	to, errTo := strconv.Atoi(last)
	if errFrom != nil || errTo != nil || from < 0 || to < from || to-from >= maxShards {
		return nil, fmt.Errorf("{%s} is no range of at most %d numbers such as {000..146}", name(inside), maxShards)
	}
	var paths []string
	for i := from; i <= to; i++ {
		digits := strconv.Itoa(i)
		if len(first) == len(last) {
			digits = fmt.Sprintf("%0*d", len(first), i)
		}
		paths = append(paths, before+digits+after)
	}
	return paths, nil
}
