// Package printable prints names that come from files: of nodes, tensors, operators, classes and
// of the files themselves. A name may hold anything, and must neither move the terminal's cursor,
// nor turn the direction of the text around it, nor look like a line of ours.
package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Name is s as it may stand in a table or between other words. A plain name, of letters, digits, marks and symbols
// without spaces or quotes, stays as it is. Any other comes in double quotes, with backslash escapes for
// what is not printable: control characters, newlines, bidirectional marks, invalid UTF-8.
func Name(s string) string {
	if s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, special) {
		return s
	}
	return strconv.Quote(s)
}

// special tells the characters that make a name one to be quoted.
func special(r rune) bool {
	return r == '"' || r == '\\' || r == '\'' || r == '`' || unicode.IsSpace(r) || !strconv.IsPrint(r)
}

// Names is the list of Name of all, separated by commas.
func Names(all []string) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = Name(s)
	}
	return strings.Join(quoted, ", ")
}

// Text is s, a whole message that may hold names of others, without what is not printable: newlines and tabs
// stay, every other such character becomes its backslash escape.
func Text(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1, hidden(r):
			quoted := strconv.Quote(s[i : i+n])
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// hidden tells the characters that Text escapes. Spaces wider than the ordinary one are printed.
func hidden(r rune) bool {
	switch r {
	case '\n', '\t':
		return false
	}
	return !strconv.IsPrint(r) && !unicode.Is(unicode.Zs, r)
}
