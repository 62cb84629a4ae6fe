// Package wav reads sound from WAV files: one channel of integers (PCM) of 8, 16, 24 or 32 bits, or of 32-bit floating point.
package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Codes of sample formats.
const (
	formatPCM        = 1
	formatFloat      = 3
	formatExtensible = 0xfffe
)

// Limits of what is taken, whatever a file says.
const (
	maxRate   = 1 << 20 // samples in a second
	maxFormat = 1 << 12 // bytes of a description
)

// unknownSize is what writers that do not know the size beforehand leave in a header: the data then go on to the end of the file.
const unknownSize = 1<<32 - 1

// Reader reads the samples of a file.
type Reader struct {
	r     io.Reader
	rate  int
	bits  int
	float bool
	count int64
}

// NewReader reads the header of a file of size bytes, up to the samples. A file that is no WAV file, or one of another kind than this package
// reads, is an error, and so is one that ends before the samples that it speaks of.
func NewReader(r io.Reader, size int64) (*Reader, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return nil, errors.New("not a WAV file")
	}
	left := size - int64(len(head))
	w := &Reader{r: r}
	for {
		var chunk [8]byte
		if _, err := io.ReadFull(r, chunk[:]); err != nil {
			return nil, errors.New("the file ends before its samples (chunk data)")
		}
		left -= int64(len(chunk))
		n := int64(binary.LittleEndian.Uint32(chunk[4:]))
		switch string(chunk[:4]) {
		case "data":
			return w, w.data(n, left)
		case "fmt ":
			if w.rate != 0 {
				return nil, errors.New("two descriptions of the format")
			}
			if n < 16 || n > maxFormat {
				return nil, fmt.Errorf("the description of the format has %d bytes, want 16 to %d", n, maxFormat)
			}
			about := make([]byte, n)
			if _, err := io.ReadFull(r, about); err != nil {
				return nil, errors.New("the file ends in the description of its format")
			}
			if err := w.format(about); err != nil {
				return nil, err
			}
			left -= n
			n &= 1 // chunks begin at even positions
		default:
			n += n & 1
		}
		if n > left {
			return nil, fmt.Errorf("the file ends in chunk %q", chunk[:4])
		}
		if _, err := io.CopyN(io.Discard, r, n); err != nil {
			return nil, fmt.Errorf("the file ends in chunk %q", chunk[:4])
		}
		left -= n
	}
}

// format reads the description of the format.
func (w *Reader) format(b []byte) error {
	code, channels := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
	rate, frame, bits := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint16(b[12:]), binary.LittleEndian.Uint16(b[14:])
	if code == formatExtensible {
		if len(b) < 40 {
			return fmt.Errorf("the description of the format has %d bytes, want 40", len(b))
		}
		code = binary.LittleEndian.Uint16(b[24:]) // of the sub-format, whose other bytes are always the same
	}
	w.float = code == formatFloat
	switch {
	case code != formatPCM && code != formatFloat:
		return fmt.Errorf("the samples are compressed (format %#x), want integers (PCM) of 8 to 32 bits or 32-bit floating point: sox IN OUT makes it, or ffmpeg -i IN OUT", code)
	case w.float && bits != 32, !w.float && bits != 8 && bits != 16 && bits != 24 && bits != 32:
		return fmt.Errorf("samples of %d bits, want integers of 8, 16, 24 or 32 bits, or 32-bit floating point", bits)
	case channels != 1:
		return fmt.Errorf("%d channels, want 1: choose or mix them first, as sox IN OUT remix 1 or sox IN -c 1 OUT does", channels)
	case rate < 1 || rate > maxRate:
		return fmt.Errorf("%d samples in a second, want 1 to %d", rate, maxRate)
	case frame != bits/8:
		return fmt.Errorf("%d bytes for a sample of %d bits", frame, bits)
	}
	w.rate, w.bits = int(rate), int(bits)
	return nil
}

// data is the header of the samples: n bytes of the left bytes of the file.
func (w *Reader) data(n, left int64) error {
	size := int64(w.bits / 8)
	switch {
	case w.rate == 0:
		return errors.New("the samples come before the description of their format")
	case n == unknownSize:
		n = left / size * size
	case n > left:
		return fmt.Errorf("the file ends after %d of %d samples", max(left, 0)/size, n/size)
	}
	if n%size != 0 {
		return fmt.Errorf("%d bytes of samples of %d bytes each", n, size)
	}
	w.count = n / size
	return nil
}

// Rate is how many samples there are in a second.
func (w *Reader) Rate() int { return w.rate }

// Len is the number of samples.
func (w *Reader) Len() int64 { return w.count }

// Bits is the size of a sample, and Float says that it is a floating-point number.
func (w *Reader) Bits() (n int, float bool) { return w.bits, w.float }

// Samples reads all samples; once. Integers become -1..1, as full scale is: 16-bit ones are divided by 32768, others by their own power of two. The file must have been
// found to have samples that fit into memory.
func (w *Reader) Samples() ([]float32, error) {
	out := make([]float32, 0, min(w.count, 1<<16))
	size := w.bits / 8
	buf := make([]byte, size<<12)
	for left := w.count; left > 0; {
		n := int(min(left, 1<<12))
		if _, err := io.ReadFull(w.r, buf[:n*size]); err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				err = fmt.Errorf("the file ends after some of its %d samples", w.count)
			}
			return nil, err
		}
		for i := range n {
			v := w.value(buf[i*size:])
			if v-v != 0 {
				return nil, fmt.Errorf("sample %d is %v, want a finite number", len(out), v)
			}
			out = append(out, v)
		}
		left -= int64(n)
	}
	return out, nil
}

// value is the sample that begins in b.
func (w *Reader) value(b []byte) float32 {
	switch {
	case w.float:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	case w.bits == 8: // the only one without a sign
		return (float32(b[0]) - 128) / (1 << 7)
	case w.bits == 16:
		return float32(int16(binary.LittleEndian.Uint16(b))) / (1 << 15)
	case w.bits == 24:
		return float32(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)>>8) / (1 << 23)
	}
	return float32(float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 31))
}
