package runtime

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestDumpOfDamagedFile checks that a dump shows every byte of a file that is not valid,
// names what lies before the damage, and returns the error of Decode.
func TestDumpOfDamagedFile(t *testing.T) {
	file := mustEncode(t, tinyProgram())
	for at := range file {
		data := bytes.Clone(file)
		data[at] ^= 0x10
		for _, data := range [][]byte{data, fixChecksums(data), file[:at]} {
			_, want := Decode(data)
			var b bytes.Buffer
			if err := Dump(&b, data); (err == nil) != (want == nil) || err != nil && err.Error() != want.Error() {
				t.Errorf("byte %d: error %v, want %v", at, err, want)
			}
			if !bytes.Equal(parseDump(t, b.String()), data) {
				t.Errorf("byte %d: the dump does not show every byte", at)
			}
			frames, _ := readFrames(data)
			_, unknown := knownFrames(frames) // then nothing is parsed
			if at > 100 && unknown == nil && !strings.Contains(b.String(), "# codebook 0: number of centres 3\n") {
				t.Errorf("byte %d: the dump does not name what lies before it", at)
			}
		}
	}
}

// failing is a writer that is full.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }

func TestDumpToFullWriter(t *testing.T) {
	if err := Dump(failing{}, mustEncode(t, tinyProgram())); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error %v, want that of the writer", err)
	}
}

// TestFileParts demands that the parts of a file are all of it.
func TestFileParts(t *testing.T) {
	file := mustEncode(t, allProgram())
	parts, err := FileParts(file)
	if err != nil {
		t.Fatal(err)
	}
	total, weights := 0, 0
	for _, p := range parts {
		total += p.Bytes
		if p.Name == "weights" {
			weights = p.Bytes
		}
	}
	if total != len(file) || weights == 0 {
		t.Errorf("parts of %d bytes, weights of %d, in a file of %d: %v", total, weights, len(file), parts)
	}
	if _, err := FileParts(file[:len(file)-1]); err == nil {
		t.Error("no error for a file that is cut short")
	}
}
