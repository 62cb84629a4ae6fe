package runtime

import (
	"fmt"
	"strings"

	"qconv/runtime/printable"
)

// FormatError says that a file is not a valid program.
type FormatError struct {
	Path   string // of the file; empty when only its bytes are known
	Offset int64  // position of the fault in the file, in bytes
	Chunk  string // id of the chunk; empty when the fault is not inside one
	Reason error
}

func (e *FormatError) Error() string {
	var b strings.Builder
	b.WriteString("runtime: ")
	if e.Path != "" {
		b.WriteString(printable.Name(e.Path) + ": ")
	}
	if e.Chunk != "" {
		fmt.Fprintf(&b, "chunk %q at ", e.Chunk)
	}
	fmt.Fprintf(&b, "byte %d: %v", e.Offset, e.Reason)
	return b.String()
}

// Unwrap returns the reason. It is or wraps [io.ErrUnexpectedEOF] when the file is cut short.
func (e *FormatError) Unwrap() error { return e.Reason }

// OptionError says that [Options] ask for something that there is not.
type OptionError struct{ text string }

func (e *OptionError) Error() string { return e.text }
