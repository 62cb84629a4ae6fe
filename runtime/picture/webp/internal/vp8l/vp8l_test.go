package vp8l

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	xvp8l "golang.org/x/image/vp8l"
)

// pictures are those of the tests of package webp that are lossless, and what transparency is written as, with a header before it.
func pictures(t testing.TB) (list [][]byte) {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/*.webp")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(data, []byte("VP8L")); at > 0 {
			n := binary.LittleEndian.Uint32(data[at+4:])
			list = append(list, data[at+8:][:n])
		}
	}
	if len(list) == 0 {
		t.Fatal("no lossless pictures in ../../testdata")
	}
	return list
}

// check wants what is decoded to be what golang.org/x/image/vp8l decodes.
func check(t *testing.T, data []byte) {
	t.Helper()
	w, h, err := Size(data)
	if err != nil || w*h > 1<<14 {
		return
	}
	got, err := Decode(data)
	if err != nil {
		return
	}
	want, err := xvp8l.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("no error, the referee says %v", err)
	}
	if !bytes.Equal(got.Pix, want.(*image.NRGBA).Pix) {
		t.Fatal("other pixels than the referee's")
	}
}

// TestCutOff wants an error where a tenth or more is missing; the last bytes may be there only to fill up.
func TestCutOff(t *testing.T) {
	for i, data := range pictures(t) {
		for n := 0; n < len(data)*9/10; n += 1 + len(data)/200 {
			if _, err := Decode(data[:n]); err != io.ErrUnexpectedEOF {
				t.Errorf("picture %d: error %v for %d of %d bytes, want %v", i, err, n, len(data), io.ErrUnexpectedEOF)
			}
		}
	}
}

// TestChanged changes bytes: transforms and codes that encoders do not write.
func TestChanged(t *testing.T) {
	for _, data := range pictures(t) {
		for at := headerBytes; at < len(data); at += 1 + at/60 {
			for _, by := range []byte{1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0xff} {
				changed := bytes.Clone(data)
				changed[at] ^= by
				check(t, changed)
			}
		}
	}
}

// TestPrefixCode reads the words of a code with lengths from 1 to the longest, written as section 3.7.2.1 of RFC 9649 has it.
func TestPrefixCode(t *testing.T) {
	lengths := make([]uint8, 2000)
	for n := 1; n <= maxLength; n++ {
		lengths[1999-100*n] = uint8(n)
	}
	lengths[7] = maxLength
	c, err := newPrefixCode(lengths)
	if err != nil {
		t.Fatal(err)
	}
	// One word of each length, a one and zeros after n-1 ones, but for the last two: all ones, and ones before a zero.
	var want []int
	var out []byte
	bits := 0
	write := func(bit byte) {
		if bits&7 == 0 {
			out = append(out, 0)
		}
		out[bits>>3] |= bit << (bits & 7)
		bits++
	}
	for n := 1; n <= maxLength; n++ {
		for range n - 1 {
			write(1)
		}
		write(0)
		want = append(want, 1999-100*n)
	}
	for range maxLength {
		write(1)
	}
	// Of the two longest the one with the smaller symbol comes first.
	want[maxLength-1], want = 7, append(want, 1999-100*maxLength)
	if symbols := want[maxLength-1:]; symbols[0] > symbols[1] {
		t.Fatalf("symbols %v of the longest words, want them to ascend", symbols)
	}
	r := &bitReader{data: out}
	var got []int
	for range want {
		got = append(got, c.next(r))
	}
	if !slices.Equal(got, want) || r.short {
		t.Errorf("symbols %v, want %v; short %v", got, want, r.short)
	}
	if r.read(25); !r.short {
		t.Error("the end of the data was not noticed")
	}
}

func TestIncompleteCodes(t *testing.T) {
	for _, lengths := range [][]uint8{{}, {0, 0}, {1, 2}, {1, 1, 1}, {2, 2, 2}, {15, 15}} {
		if _, err := newPrefixCode(lengths); err == nil {
			t.Errorf("lengths %v: no error", lengths)
		}
	}
	c, err := newPrefixCode([]uint8{0, 0, 9})
	if err != nil {
		t.Fatal(err)
	}
	if r := (&bitReader{}); c.next(r) != 2 || r.short {
		t.Error("a single symbol takes bits")
	}
}

// TestDistances goes by the examples of section 3.6.2.2.1: code 1 is the pixel above, 2 the one to the left, and so on; the last of
// the table is 8 to the left and 7 above.
func TestDistances(t *testing.T) {
	const width = 100
	for code, want := range map[int]int{1: 100, 2: 1, 3: 101, 4: 99, 5: 200, 6: 2, 7: 201, 120: 708, 121: 1, 130: 10} {
		if got := distanceOf(code, width); got != want {
			t.Errorf("code %d means %d pixels, want %d", code, got, want)
		}
	}
	if got := distanceOf(4, 1); got != 1 {
		t.Errorf("beside the picture: %d pixels, want 1", got)
	}
}

// TestRoom wants codes that take more memory than the size of the picture justifies to be refused.
func TestRoom(t *testing.T) {
	d := &decoder{bitReader: bitReader{data: pictures(t)[0][headerBytes:]}, room: 100}
	for d.flag() {
		if _, _, err := d.readTransform(24, 17); err != nil {
			if err != errGroups {
				t.Errorf("error %v, want %v", err, errGroups)
			}
			return
		}
	}
	if _, err := d.readPixels(24, 17, true); err != errGroups {
		t.Errorf("error %v, want %v", err, errGroups)
	}
}

// TestDescendingPair reads a code of two symbols that names the larger one first. Words go by the symbols all the same, as libwebp has it;
// the referee of the other tests goes by the order of naming, so that FuzzDecode cannot compare with it.
func TestDescendingPair(t *testing.T) {
	img, err := Decode([]byte("/\x00\x00\x00\x10\x92\v\xca\xe5I~\xff\xff\xff\x80\x824"))
	if want := []byte{1, 130, 36, 255}; err != nil || !bytes.Equal(img.Pix, want) {
		t.Errorf("pixel %v (%v), want %v", img, err, want)
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range pictures(f) {
		if len(data) < 1000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w, h, err := Size(data)
		if err != nil || w*h > 1<<14 {
			return
		}
		if img, err := Decode(data); err == nil && img.Rect != image.Rect(0, 0, w, h) {
			t.Errorf("picture of %v, want %dx%d", img.Rect, w, h)
		}
	})
}
