package dataset

import (
	"fmt"
	"strconv"
)

// FormatError says what is wrong with the data, or with the way they were asked for.
type FormatError struct {
	Spec  string // as given by the user
	Where string // file within the data, row, or array; may be empty
	Err   error
}

func (e *FormatError) Error() string {
	if e.Where == "" {
		return fmt.Sprintf("dataset: %q: %v", e.Spec, e.Err)
	}
	return fmt.Sprintf("dataset: %q: %s: %v", e.Spec, plain(e.Where), e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// plain is s itself, or quoted when it holds characters that would break a line.
func plain(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

// list joins names for a message, and shortens long lists.
func list(names []string) string {
	const most = 12
	out := ""
	for i, n := range names {
		if i == most {
			return out + fmt.Sprintf(" and %d more", len(names)-most)
		}
		if i > 0 {
			out += ", "
		}
		out += plain(n)
	}
	return out
}
