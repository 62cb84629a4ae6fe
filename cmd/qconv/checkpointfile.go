package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"reflect"
	"sync"

	"qconv/cmd/qconv/internal/plain"
	"qconv/finetune"
)

// checkpointFile is what a checkpoint holds. The file is
//
//	magic    16 bytes
//	layout   SHA-256 of how the value is stored, see [plain.Layout]
//	length   of the payload in bytes, 8 bytes, little-endian
//	payload  the value, see package plain
//	sum      SHA-256 of everything before
type checkpointFile struct {
	Key   runKey
	State finetune.State
}

// checkpointMagic begins every checkpoint.
const checkpointMagic = "qconv checkpoint"

// checkpointFrame is the number of bytes around the payload.
const checkpointFrame = int64(len(checkpointMagic) + sha256.Size + 8 + sha256.Size)

// checkpointLayout tells this version's checkpoints from those of others.
var checkpointLayout = sync.OnceValue(func() [sha256.Size]byte {
	return sha256.Sum256([]byte(plain.Layout(reflect.TypeFor[checkpointFile]())))
})

// encode writes the file.
func (f *checkpointFile) encode(w io.Writer) error {
	var size counter
	if err := plain.Write(&size, *f); err != nil {
		return err
	}
	out := &summed{w: bufio.NewWriter(w), sum: sha256.New()}
	layout := checkpointLayout()
	head := append([]byte(checkpointMagic), layout[:]...)
	if _, err := out.Write(binary.LittleEndian.AppendUint64(head, uint64(size))); err != nil {
		return err
	}
	if err := plain.Write(out, *f); err != nil {
		return err
	}
	if _, err := out.w.Write(out.sum.Sum(nil)); err != nil {
		return err
	}
	return out.w.Flush()
}

// decode reads a file of so many bytes. It takes no more memory than the file has bytes, but for a
// factor, whatever the file holds.
func (f *checkpointFile) decode(r io.Reader, size int64) error {
	sum := sha256.New()
	in := io.TeeReader(bufio.NewReader(r), sum)
	var head [len(checkpointMagic) + sha256.Size + 8]byte
	if n, err := io.ReadFull(in, head[:]); err != nil && (n < len(checkpointMagic) || string(head[:len(checkpointMagic)]) == checkpointMagic) {
		return fmt.Errorf("it has %d bytes, want at least %d", n, checkpointFrame)
	}
	rest, ok := bytes.CutPrefix(head[:], []byte(checkpointMagic))
	if !ok {
		return fmt.Errorf("it does not begin with %q, as those of this version do", checkpointMagic)
	}
	if layout := checkpointLayout(); !bytes.Equal(rest[:sha256.Size], layout[:]) {
		return errors.New("it is one of another version of qconv, or damaged")
	}
	payload := binary.LittleEndian.Uint64(rest[sha256.Size:])
	if room := size - checkpointFrame; room < 0 || payload != uint64(room) {
		return fmt.Errorf("it has %d bytes for %d bytes of state, want %d", size, payload, payload+uint64(checkpointFrame))
	}
	if err := plain.Read(in, int64(payload), f); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	want := sum.Sum(nil)
	got := make([]byte, sha256.Size)
	if _, err := io.ReadFull(in, got); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	if !bytes.Equal(got, want) {
		return errors.New("it is damaged: its checksum is not that of what it holds")
	}
	return nil
}

// counter counts the bytes written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// summed hashes what is written through it.
type summed struct {
	w   *bufio.Writer
	sum hash.Hash
}

func (s *summed) Write(p []byte) (int, error) {
	s.sum.Write(p)
	return s.w.Write(p)
}
