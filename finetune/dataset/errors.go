package dataset

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"qconv/runtime/printable"
)

// FormatError says what is wrong with the data, or with the way they were asked for.
type FormatError struct {
	Spec  string // as given by the user
	Where string // file within the data, row, or array, as it may be printed; may be empty
	Err   error
}

func (e *FormatError) Error() string {
	if e.Where == "" {
		return fmt.Sprintf("dataset: %q: %s", e.Spec, oneLine(e.Err))
	}
	return fmt.Sprintf("dataset: %q: %s: %s", e.Spec, e.Where, oneLine(e.Err))
}

func (e *FormatError) Unwrap() error { return e.Err }

// classError says that data have other classes than those wanted.
type classError string

func (e classError) Error() string { return string(e) }

func otherClasses(format string, args ...any) error { return classError(fmt.Sprintf(format, args...)) }

// AboutClasses says whether data were refused because they have other classes than those wanted: without labels they would not be.
func AboutClasses(err error) bool {
	var e classError
	return errors.As(err, &e)
}

// name is a name from the data as it may be printed: quoted unless it is plain, and cut off when it is long.
func name(s string) string {
	short := shorten(s, 200)
	if len(short) < len(s) {
		return printable.Name(short) + "..."
	}
	return printable.Name(s)
}

// shorten cuts s off after at most n bytes, between two characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// oneLine is the text of err, which may quote broken data, without control characters and at
// most a few screens long.
func oneLine(err error) string {
	const most = 4000
	text := shorten(err.Error(), most)
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(printable.Text(text))
}

// list joins names for a message, and shortens long lists.
func list(names []string) string {
	const most = 12
	shown := make([]string, min(len(names), most))
	for i := range shown {
		shown[i] = name(names[i])
	}
	out := strings.Join(shown, ", ")
	if len(names) > most {
		out += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return out
}
