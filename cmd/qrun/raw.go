package main

import (
	"fmt"
	"io"
	"os"

	"qconv/runtime/idx"
	"qconv/runtime/picture"
)

// layout is what the flags say of input files: --format, and of frames --size, --order, --pixel and --crop.
type layout struct {
	kind string // "": by name and content

	width, height int    // of a frame; 0: those of the input
	pixel         string // "": by the input's channels
	order         string // "hwc", "chw" or ""
	crop          bool
}

// frames says that raw bytes are frames.
func (l *layout) frames() bool { return l.width > 0 || l.pixel != "" || l.order != "" || l.crop }

// frame is what a frame for an input is.
func (l *layout) frame(want [3]int) (picture.Frame, error) {
	f := picture.Frame{Width: want[2], Height: want[1], Planar: l.order == "chw"}
	if want[0] != 1 && want[0] != 3 {
		return f, fmt.Errorf("the program wants %d channels, a frame has 1 or 3; give raw bytes of %s", want[0], times(want))
	}
	if l.width > 0 {
		f.Width, f.Height = l.width, l.height
	}
	if want[0] == 1 {
		f.Pixel = picture.Grey
	}
	if l.pixel != "" {
		var err error
		if f.Pixel, err = picture.ParsePixel(l.pixel); err != nil {
			return f, err
		}
	}
	return f, f.Check()
}

// fit makes a sample of a frame: cut to the input's proportions where that was asked for, and stretched to its size.
func (l *layout) fit(f picture.Frame, src []byte, want [3]int) ([]byte, error) {
	out, size := make([]byte, elems(want)), [2]int{f.Height, f.Width}
	to := [2]int{want[1], want[2]}
	if size == to {
		return out, f.Planes(out, src, want[0])
	}
	planes := make([]byte, want[0]*f.Width*f.Height)
	if err := f.Planes(planes, src, want[0]); err != nil {
		return nil, err
	}
	if l.crop {
		planes, size = picture.Crop(planes, want[0], size, to)
	}
	return out, picture.Resize(out, planes, want[0], size, to)
}

// rawInput reads bytes in the order [C][H][W], or frames, for the only input or one of several.
func rawInput(file *inputFile, want [3]int, only bool, l layout) (samples [][]byte, first int, many bool, err error) {
	n, shape := elems(want), times(want)+", channels x rows x columns"
	var frame picture.Frame
	if l.frames() {
		if frame, err = l.frame(want); err != nil {
			return nil, 0, false, err
		}
		n, shape = frame.Bytes(), "a frame of "+frame.String()
	}
	pixels := only && (want[0] == 1 || want[0] == 3) && want[1]*want[2] > 1
	samples, first, err = rawBytes(file, n, shape, l.frames() || l.kind == kindRaw || !pixels)
	if err == nil && l.frames() {
		for i, s := range samples {
			if samples[i], err = l.fit(frame, s, want); err != nil {
				return nil, 0, false, err
			}
		}
	}
	return samples, first, file.size > int64(n), err
}

// rawBytes reads samples of n bytes, which have the shape that a message says. Unless sure, a file of
// several may just as well be a picture of another size.
func rawBytes(file *inputFile, n int, shape string, sure bool) (samples [][]byte, first int, err error) {
	whole := file.size / int64(n)
	switch {
	case file.size == 0:
		return nil, 0, fmt.Errorf("holds no bytes, want %d (%s)", n, shape)
	case file.size%int64(n) != 0:
		return nil, 0, fmt.Errorf("has %d bytes, which are %d times %d (%s) and %d more; --size, --pixel and --order describe frames of cameras", file.size, whole, n, shape, file.size%int64(n))
	case whole > 1 && file.part == "" && !sure:
		return nil, 0, fmt.Errorf("has %d bytes, %d times the %d of a sample (%s): for %d samples say #0:%d behind the name or --format raw, for a frame of a camera its --size and --pixel",
			file.size, whole, n, shape, whole, whole)
	}
	first, to, err := idx.ParseRange(file.part, int(min(whole, 1<<30)))
	if err != nil {
		return nil, 0, err
	}
	if err := fitsMemory(to-first, n); err != nil {
		return nil, 0, err
	}
	all := file.data
	if all != nil {
		all = all[first*n : to*n]
	} else {
		f, err := os.Open(file.path)
		if err != nil {
			return nil, 0, err
		}
		defer f.Close()
		all = make([]byte, (to-first)*n)
		if _, err := io.ReadFull(io.NewSectionReader(f, int64(first)*int64(n), int64(len(all))), all); err != nil {
			return nil, 0, err
		}
	}
	for len(all) > 0 {
		samples = append(samples, all[:n:n])
		all = all[n:]
	}
	return samples, first, nil
}
