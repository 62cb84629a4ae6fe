package onnx

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// FormatError says that a file is not a correct ONNX model, or one whose parts
// contradict each other.
type FormatError struct {
	// Where names the place, such as `node "conv1"`; empty for the file as a whole.
	Where string
	// Err says what is wrong there.
	Err error
}

func (e *FormatError) Error() string {
	if e.Where == "" {
		return "onnx: " + shortened(e.Err.Error())
	}
	return "onnx: " + shortened(e.Where) + ": " + shortened(e.Err.Error())
}

// maxText is how many bytes of a text that holds names or lists of a file are printed.
const maxText = 2000

func shortened(s string) string {
	if len(s) <= maxText {
		return s
	}
	return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(s[:maxText], ""), len(s))
}

// Unwrap returns what is wrong, without the place.
func (e *FormatError) Unwrap() error { return e.Err }

// formatErrorf makes a FormatError; where may be empty.
func formatErrorf(where, format string, args ...any) error {
	return &FormatError{Where: where, Err: fmt.Errorf(format, args...)}
}

// UnsupportedError says that a file is a correct model with nodes that qconv cannot take.
// It lists all of them.
type UnsupportedError struct{ Nodes []UnsupportedNode }

// UnsupportedNode is one node of an [UnsupportedError].
type UnsupportedNode struct {
	Name   string // of the node; or what else it is, such as "the model", if Op is empty
	Op     string // ONNX operator, with its domain and a colon unless it is the default one
	Opset  int    // version of the operator's domain the model asks for
	Reason string
}

// plainName is a name of the file as it may stand in a message: as it is where it could not be taken for anything
// else, quoted otherwise.
func plainName(s string) string {
	if q := strconv.Quote(s); q != `"`+s+`"` || s == "" || strings.ContainsFunc(s, unicode.IsSpace) {
		return q
	}
	return s
}

func (e *UnsupportedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "onnx: the model has %d unsupported part", len(e.Nodes))
	if len(e.Nodes) != 1 {
		b.WriteByte('s')
	}
	b.WriteByte(':')
	for _, n := range e.Nodes {
		if n.Op == "" {
			fmt.Fprintf(&b, "\n  %s: %s", shortened(n.Name), shortened(n.Reason))
		} else {
			fmt.Fprintf(&b, "\n  node %q (%s, opset %d): %s", shortened(n.Name), plainName(shortened(n.Op)), n.Opset, shortened(n.Reason))
		}
	}
	return b.String()
}
