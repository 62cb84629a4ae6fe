package idx

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseRange reads a choice among n samples: "" or "all" is [0, n), "7" is one sample,
// "3:10" is [3, 10), where either side may be left out.
func ParseRange(s string, n int) (from, to int, err error) {
	if s == "" || s == "all" {
		return 0, n, nil
	}
	a, b, isRange := strings.Cut(s, ":")
	from, to = 0, n
	if a != "" || !isRange {
		if from, err = strconv.Atoi(a); err != nil {
			return 0, 0, fmt.Errorf("idx: choice %q is not understood, want a number, a range like 0:100, or all", s)
		}
	}
	switch {
	case !isRange:
		to = from + 1
	case b != "":
		if to, err = strconv.Atoi(b); err != nil {
			return 0, 0, fmt.Errorf("idx: choice %q is not understood, want a number, a range like 0:100, or all", s)
		}
	}
	if from < 0 || to > n || from >= to {
		return 0, 0, fmt.Errorf("idx: choice %q lies outside the %d samples (counted from 0) or is empty", s, n)
	}
	return from, to, nil
}
