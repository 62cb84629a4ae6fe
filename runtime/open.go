package runtime

import (
	"errors"
	"fmt"
	"os"
)

// Open reads the program in the file at path and validates it. The error is a
// [*FormatError] when the file could be read but is not a valid program.
func Open(path string) (*Program, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	if info.Size() > maxFileBytes {
		return nil, &FormatError{Path: path, Reason: fmt.Errorf("the file has %d bytes, want at most %d", info.Size(), maxFileBytes)}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	p, err := decodeOwn(data)
	var format *FormatError
	if errors.As(err, &format) {
		format.Path = path
	}
	return p, err
}
