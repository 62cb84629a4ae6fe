package runtime

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Open reads the program in the file at path and validates it, within the default [Limits]. The error
// is a [*FormatError] when the file could be read but is not a valid program, and a [*LimitError] when it is
// or might be one that is too large.
func Open(path string) (*Program, error) { return OpenWithin(path, Limits{}) }

// OpenWithin is [Open] within limits. It opens nothing but regular files, and reads no more than the first bytes of
// one that does not start as a program or is larger than Limits.Memory.
func OpenWithin(path string, l Limits) (*Program, error) {
	data, err := readProgram(path, l)
	if err != nil {
		return nil, inFile(path, err)
	}
	p, err := decodeWithin(data, l.For(int64(len(data))), nil)
	return p, inFile(path, err)
}

// Load is [OpenWithin] with Options.Limits and [NewRunner]. It takes less time than both, as weights are decoded once. After
// an error p is nil where that is about the file, and valid where only the Runner could not be made.
func Load(path string, o Options) (p *Program, r *Runner, err error) {
	data, err := readProgram(path, o.Limits)
	if err != nil {
		return nil, nil, inFile(path, err)
	}
	if p, r, err = LoadBytes(data, o); p == nil {
		err = inFile(path, err)
	}
	return p, r, err
}

// LoadBytes is [Load] of what a file holds. The Program may refer to data, which must not change any more.
func LoadBytes(data []byte, o Options) (p *Program, r *Runner, err error) {
	var later unproved
	if p, err = decodeWithin(data, o.Limits.For(int64(len(data))), &later); err != nil {
		return nil, nil, err
	}
	if r, err = newRunner(p, o, &later, later.work); err == nil {
		return p, r, nil
	}
	if _, damaged := err.(*FormatError); damaged {
		return nil, nil, err
	}
	// It was not read to the end.
	if again := p.Validate(); again != nil {
		return nil, nil, &FormatError{Chunk: weightsID, Reason: again}
	}
	return p, nil, err
}

// inFile gives an error of reading a program the name of its file.
func inFile(path string, err error) error {
	var format *FormatError
	if errors.As(err, &format) {
		format.Path = path
	}
	var limit *LimitError
	if errors.As(err, &limit) {
		limit.Path = path
	}
	return err
}

// sniffBytes is how much of a file is read before it is known to be a program.
const sniffBytes = 512

// readProgram reads a regular file that starts as a program does.
func readProgram(path string, l Limits) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, &FormatError{Reason: fmt.Errorf("this is %s, want a .qlut file", kindOf(info.Mode()))}
	}
	size := info.Size()
	if size > maxFileBytes {
		return nil, &FormatError{Reason: fmt.Errorf("the file has %d bytes, want at most %d", size, maxFileBytes)}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	defer f.Close()
	head := make([]byte, min(size, sniffBytes))
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, fmt.Errorf("runtime: %s: %w", path, err)
	}
	if err := checkHead(head); err != nil {
		return nil, err
	}
	if l = l.For(size); size > l.Memory {
		return nil, l.tooMuchMemory(size)
	}
	data := make([]byte, size)
	copy(data, head)
	if _, err := io.ReadFull(f, data[len(head):]); err != nil {
		return nil, fmt.Errorf("runtime: %s: %w", path, err)
	}
	return data, nil
}

// kindOf names what is not a regular file.
func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "no regular file"
}
