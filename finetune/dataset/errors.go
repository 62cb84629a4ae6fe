package dataset

import (
	"fmt"
	"strconv"
	"strings"
)

// FormatError says what is wrong with the data, or with the way they were asked for.
type FormatError struct {
	Spec  string // as given by the user
	Where string // file within the data, row, or array; may be empty
	Err   error
}

func (e *FormatError) Error() string {
	if e.Where == "" {
		return fmt.Sprintf("dataset: %q: %s", e.Spec, oneLine(e.Err))
	}
	return fmt.Sprintf("dataset: %q: %s: %s", e.Spec, plain(e.Where), oneLine(e.Err))
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

// oneLine is the text of err, which may quote broken data, without control characters.
func oneLine(err error) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, err.Error())
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
