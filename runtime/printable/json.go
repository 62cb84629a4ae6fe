package printable

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON is a JSON document that means the same as doc, with \u escapes for what is not printable in its
// strings beyond what encoding/json escapes: bidirectional marks, delete, unassigned characters.
func JSON(doc []byte) []byte {
	if bytes.IndexFunc(doc, concealed) < 0 {
		return doc
	}
	out := make([]byte, 0, len(doc)+16)
	for len(doc) > 0 {
		r, n := utf8.DecodeRune(doc)
		if concealed(r) {
			for _, u := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, u)
			}
		} else {
			out = append(out, doc[:n]...)
		}
		doc = doc[n:]
	}
	return out
}

// concealed tells the characters that JSON escapes. Control characters below a space are only between the tokens.
func concealed(r rune) bool { return r >= 0x7f && !strconv.IsPrint(r) }
