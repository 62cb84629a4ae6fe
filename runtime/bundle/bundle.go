// Package bundle joins an executable of qrun and a program to one file: the bytes of the .qlut file stand behind the executable,
// where the operating system does not look.
package bundle

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// magic are the first bytes of a .qlut file.
const magic = "\x89QLT\r\n\x1a\n"

// foreign is the error of bytes that are no program. That an executable holds this text tells that it looks behind itself.
const foreign = "bundle: behind the executable stand %d bytes that are no program: the file is damaged, want it copied or packed again"

// Carries says that an executable of qrun, given as its bytes, looks for a program behind itself.
func Carries(executable []byte) bool { return bytes.Contains(executable, []byte(foreign)) }

// Program is the .qlut file behind the executable in r, of size bytes; nil without one, and of executables in other formats than ELF.
// Whether it is whole, its own checksums tell.
func Program(r io.ReaderAt, size int64) ([]byte, error) {
	at, err := End(r, size)
	if err != nil || at == 0 || at == size {
		return nil, err
	}
	program := make([]byte, size-at)
	if _, err := r.ReadAt(program, at); err != nil && err != io.EOF {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	if !strings.HasPrefix(string(program), magic) {
		return nil, fmt.Errorf(foreign, len(program))
	}
	return program, nil
}
