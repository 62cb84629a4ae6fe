package wav

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

// chunk is a chunk with its padding.
func chunk(id string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(data)))
	b = append(b, data...)
	if len(data)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// format is the description of a format.
func format(code, channels, rate, bits int, more ...byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(code))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate*channels*bits/8))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels*bits/8))
	b = binary.LittleEndian.AppendUint16(b, uint16(bits))
	return chunk("fmt ", append(b, more...)...)
}

func file(chunks ...[]byte) []byte {
	body := slices.Concat(chunks...)
	return slices.Concat([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(4+len(body))), []byte("WAVE"), body)
}

func TestSamples(t *testing.T) {
	half := binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.5))
	sub := append([]byte{22, 0, 16, 0, 4, 0, 0, 0, 1, 0}, make([]byte, 14)...)
	for _, c := range []struct {
		name string
		data []byte
		rate int
		want []float32
	}{
		{"16 bits", file(format(1, 1, 16000, 16), chunk("data", 0, 0, 0, 0x40, 0, 0x80, 0xff, 0x7f)), 16000, []float32{0, 0.5, -1, 32767.0 / 32768}},
		{"8 bits", file(format(1, 1, 8000, 8), chunk("data", 128, 0, 255)), 8000, []float32{0, -1, 127.0 / 128}},
		{"24 bits", file(format(1, 1, 44100, 24), chunk("data", 0, 0, 0x40, 0, 0, 0x80, 1, 0, 0)), 44100, []float32{0.5, -1, 1.0 / (1 << 23)}},
		{"32 bits", file(format(1, 1, 1, 32), chunk("data", 0, 0, 0, 0x40, 0, 0, 0, 0x80)), 1, []float32{0.5, -1}},
		{"floating point", file(format(3, 1, 48000, 32), chunk("data", half...)), 48000, []float32{0.5}},
		{"extensible", file(format(0xfffe, 1, 16000, 16, sub...), chunk("data", 0, 0x40)), 16000, []float32{0.5}},
		{"other chunks", file(chunk("LIST", 1, 2, 3), format(1, 1, 16000, 16), chunk("fact", 1, 0, 0, 0), chunk("data", 0, 0x40), chunk("id3 ", 1)), 16000, []float32{0.5}},
		{"empty", file(format(1, 1, 16000, 16), chunk("data")), 16000, nil},
		{"streamed", append(file(format(1, 1, 16000, 16)), 'd', 'a', 't', 'a', 255, 255, 255, 255, 0, 0x40, 9), 16000, []float32{0.5}},
	} {
		r, err := NewReader(bytes.NewReader(c.data), int64(len(c.data)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, err := r.Samples()
		if err != nil || !slices.Equal(got, c.want) || r.Rate() != c.rate || r.Len() != int64(len(c.want)) {
			t.Errorf("%s: %d samples %v at %d, %v, want %v at %d", c.name, r.Len(), got, r.Rate(), err, c.want, c.rate)
		}
	}
}

func TestErrors(t *testing.T) {
	pcm := format(1, 1, 16000, 16)
	whole := file(pcm, chunk("data", 1, 2, 3, 4))
	nan := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN())))
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "not a WAV file"},
		{"another kind", []byte("RIFF\x00\x00\x00\x00AVI fmt "), "not a WAV file"},
		{"no data", file(pcm), "ends before its samples"},
		{"no format", file(chunk("data", 1, 2)), "samples come before the description"},
		{"two formats", file(pcm, pcm, chunk("data")), "two descriptions"},
		{"short format", file(chunk("fmt ", 1, 0), chunk("data")), "has 2 bytes, want 16"},
		{"huge format", append([]byte("RIFF\x00\x00\x00\x00WAVEfmt "), 255, 255, 255, 127), "want 16 to 4096"},
		{"cut format", whole[:24], "ends in the description"},
		{"huge chunk", append([]byte("RIFF\x00\x00\x00\x00WAVELIST"), 255, 255, 255, 255), `ends in chunk "LIST"`},
		{"compressed", file(format(0x11, 1, 16000, 4), chunk("data")), "compressed (format 0x11)"},
		{"extensible without its sub-format", file(format(0xfffe, 1, 16000, 16), chunk("data")), "has 16 bytes, want 40"},
		{"stereo", file(format(1, 2, 16000, 16), chunk("data")), "2 channels, want 1"},
		{"12 bits", file(format(1, 1, 16000, 12), chunk("data")), "samples of 12 bits"},
		{"64-bit floating point", file(format(3, 1, 16000, 64), chunk("data")), "samples of 64 bits"},
		{"no rate", file(format(1, 1, 0, 16), chunk("data")), "0 samples in a second"},
		{"high rate", file(format(1, 1, 1<<21, 16), chunk("data")), "2097152 samples in a second"},
		{"half a sample", file(pcm, chunk("data", 1, 2, 3)), "3 bytes of samples of 2 bytes"},
		{"cut samples", whole[:len(whole)-2], "ends after 1 of 2 samples"},
		{"not a number", file(format(3, 1, 16000, 32), chunk("data", nan...)), "sample 0 is NaN"},
	} {
		r, err := NewReader(bytes.NewReader(c.data), int64(len(c.data)))
		if err == nil {
			_, err = r.Samples()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", c.name, err, c.want)
		}
	}
}

// FuzzReader demands that whatever is read is as long as the header said, finite, and takes no more memory than the file.
func FuzzReader(f *testing.F) {
	f.Add(file(format(1, 1, 16000, 16), chunk("data", 0, 0, 0, 0x40)))
	f.Add(file(chunk("LIST", 1, 2, 3), format(3, 1, 8000, 32), chunk("data", 0, 0, 0, 0x40)))
	f.Add(file(format(0xfffe, 1, 16000, 24, append([]byte{22, 0, 24, 0, 4, 0, 0, 0, 1, 0}, make([]byte, 14)...)...), chunk("data", 1, 2, 3)))
	f.Add(append(file(format(1, 1, 8000, 8)), 'd', 'a', 't', 'a', 255, 255, 255, 255, 0, 0x40, 9))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		bits, _ := r.Bits()
		if r.Rate() < 1 || r.Len()*int64(bits/8) > int64(len(data)) {
			t.Fatalf("%d samples of %d bits at %d in %d bytes", r.Len(), bits, r.Rate(), len(data))
		}
		samples, err := r.Samples()
		if err != nil {
			return
		}
		if int64(len(samples)) != r.Len() {
			t.Fatalf("%d samples, want %d", len(samples), r.Len())
		}
		for i, v := range samples {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("sample %d is %v", i, v)
			}
		}
	})
}
