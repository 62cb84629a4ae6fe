package vp8

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"os"
	"path/filepath"
	"testing"

	xvp8 "golang.org/x/image/vp8"
)

// frames are the pictures of the tests of package webp that are lossy.
func frames(t testing.TB) (list [][]byte) {
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
		if at := bytes.Index(data, []byte("VP8 ")); at > 0 {
			n := binary.LittleEndian.Uint32(data[at+4:])
			list = append(list, data[at+8:][:n])
		}
	}
	if len(list) == 0 {
		t.Fatal("no lossy pictures in ../../testdata")
	}
	return list
}

// referee decodes by golang.org/x/image/vp8.
func referee(data []byte) (*image.YCbCr, error) {
	d := xvp8.NewDecoder()
	d.Init(bytes.NewReader(data), len(data))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, err
	}
	return d.DecodeFrame()
}

// wraps reports whether levels of the loop filter leave the range of a signed byte before they are limited: the referee computes with such.
func wraps(data []byte) bool {
	d := &decoder{}
	if err := d.readHeader(data); err != nil {
		return true
	}
	for _, level := range d.segmentFilter {
		for _, base := range [...]int{d.filterLevel, level, level + d.filterLevel} {
			for _, sum := range [...]int{base, base + d.intraDelta, base + d.intraDelta + d.subblksDelta} {
				if sum != int(int8(sum)) {
					return true
				}
			}
		}
	}
	return false
}

// check wants what is decoded to be what the referee decodes.
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
	want, err := referee(data)
	if err != nil {
		t.Fatalf("no error, the referee says %v", err)
	}
	if wraps(data) {
		return
	}
	for y := range h {
		for x := range w {
			if g, w := got.YCbCrAt(x, y), want.YCbCrAt(x, y); g != w {
				t.Fatalf("pixel %d, %d is %v, the referee says %v", x, y, g, w)
			}
		}
	}
}

// TestCutOff wants an error where a tenth or more is missing; the last bytes may be there only to fill up.
func TestCutOff(t *testing.T) {
	for i, data := range frames(t) {
		for n := 0; n < len(data)*9/10; n += 1 + len(data)/200 {
			if _, err := Decode(data[:n]); err != io.ErrUnexpectedEOF {
				t.Errorf("picture %d: error %v for %d of %d bytes, want %v", i, err, n, len(data), io.ErrUnexpectedEOF)
			}
		}
	}
}

// TestChanged changes every byte of the headers, and some of the rest: filters, segments and modes that encoders do not write.
func TestChanged(t *testing.T) {
	for _, data := range frames(t) {
		for at := headerBytes; at < len(data); at += 1 + at/60 {
			for _, by := range []byte{1, 0x80, 0x5a, 0xff} {
				changed := bytes.Clone(data)
				changed[at] ^= by
				check(t, changed)
			}
		}
	}
}

// TestBoolReader reads what an encoder as in section 7.3 of RFC 6386 writes.
func TestBoolReader(t *testing.T) {
	var out []byte
	width, bottom, left := uint32(255), uint32(0), 24
	carry := func() {
		i := len(out) - 1
		for ; out[i] == 255; i-- {
			out[i] = 0
		}
		out[i]++
	}
	write := func(zero uint8, one bool) {
		split := 1 + ((width-1)*uint32(zero))>>8
		if one {
			if bottom+split < bottom {
				carry()
			}
			bottom, width = bottom+split, width-split
		} else {
			width = split
		}
		for ; width < 128; width <<= 1 {
			if bottom>>31 == 1 {
				carry()
			}
			bottom <<= 1
			if left--; left == 0 {
				out, bottom, left = append(out, byte(bottom>>24)), bottom&(1<<24-1), 8
			}
		}
	}
	const n = 3000
	decision := func(i int) (uint8, bool) { return uint8(1 + i*i%255), i*i*7%1000 > 3*(i*i%255) }
	for i := range n {
		write(decision(i))
	}
	for range 32 {
		write(128, false)
	}
	r := newBoolReader(out)
	for i := range n {
		zero, want := decision(i)
		if got := r.bool(zero); got != want || r.short {
			t.Fatalf("decision %d is %v, want %v; short %v", i, got, want, r.short)
		}
	}
	for range 100 {
		r.bool(128)
	}
	if !r.short {
		t.Error("the end of the data was not noticed")
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range frames(f) {
		f.Add(data)
	}
	f.Fuzz(check)
}
