package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qconv/runtime"
	"qconv/runtime/idx"
	"qconv/runtime/picture"
	"qconv/runtime/picture/webp"
)

// maxInputBytes bounds what one argument may bring into memory.
const maxInputBytes = 64 << 20

// Kinds of input, the values of --format.
const (
	kindPicture = "picture"
	kindIDX     = "idx"
	kindRaw     = "raw"
	kindNPY     = "npy"
	kindF32     = "f32"
	kindS16     = "s16"
	kindCSV     = "csv"
	kindWAV     = "wav"
)

var kinds = []string{kindPicture, kindIDX, kindRaw, kindNPY, kindF32, kindS16, kindCSV, kindWAV}

// numberBytes are the bytes of a number, of the kinds that are nothing but numbers one after the other.
var numberBytes = map[string]int{kindF32: 4, kindS16: 2}

// inputFile is a file of samples that is there, or what came out of a stream.
type inputFile struct {
	path string
	part string // what stands behind #
	size int64
	kind string
	data []byte // of a stream; nil: the file has to be read
}

// locate finds the file that FILE or FILE#PART means. - is standard input; it, pipes and devices are read to their end.
func locate(path string, o *options) (*inputFile, error) {
	f := &inputFile{path: path}
	if path == "-" {
		return f.drain(o.stdin, o)
	}
	st, err := os.Stat(f.path)
	if err != nil {
		if k := strings.LastIndexByte(path, '#'); k > 0 {
			f.path, f.part = path[:k], path[k+1:]
			st, err = os.Stat(f.path)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, inputf("%s: no such file", f.path)
	case err != nil:
		return nil, inputf("%w", err)
	case st.IsDir():
		return nil, inputf("%s is a directory, want a picture, an IDX file, numbers or raw bytes", f.path)
	case !st.Mode().IsRegular():
		r, err := os.Open(f.path)
		if err != nil {
			return nil, inputf("%w", err)
		}
		defer r.Close()
		return f.drain(r, o)
	}
	f.size = st.Size()
	if o.layout.kind != "" {
		f.kind = o.layout.kind
		return f, nil
	}
	if f.kind = kindOfName(f.path); f.kind != "" {
		return f, nil
	}
	r, err := os.Open(f.path)
	if err != nil {
		return nil, inputf("%w", err)
	}
	defer r.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, inputf("%w", err)
	}
	f.kind = kindOfHead(head[:n])
	return f, nil
}

// drain reads a stream to its end.
func (f *inputFile) drain(r io.Reader, o *options) (*inputFile, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxInputBytes+1))
	if err != nil {
		return nil, inputf("%s: %w", f.path, err)
	}
	if len(data) > maxInputBytes {
		return nil, inputf("%s: more than %d bytes; --loop takes one sample after the other from a stream", f.path, maxInputBytes)
	}
	f.data, f.size = data, int64(len(data))
	if f.data == nil {
		f.data = []byte{}
	}
	if f.kind = o.layout.kind; f.kind == "" {
		f.kind = kindOfHead(data)
	}
	return f, nil
}

// all is the whole file.
func (f *inputFile) all() ([]byte, error) {
	if f.data != nil {
		return f.data, nil
	}
	if f.size > maxInputBytes {
		return nil, fmt.Errorf("the file has %d bytes, want at most %d", f.size, maxInputBytes)
	}
	return os.ReadFile(f.path)
}

// names are those of n samples from the first on: the file without folders, and the sample's number where it holds many.
func (f *inputFile) names(first, n int, many bool) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = filepath.Base(f.path)
		if many {
			names[i] += fmt.Sprintf("#%d", first+i)
		}
	}
	return names
}

// reading is what a file brings for one input.
type reading struct {
	samples [][]byte // [C][H][W]
	levels  bool     // they are levels; else bytes as the program takes them
	names   []string
}

// readInputs reads the samples for input i of p in a file:
//
//	picture        PNG, JPEG, GIF, BMP or WebP, stretched to the input's size; grey or colour is converted
//	IDX            pictures, gzipped or not: all, or those chosen by #7 or #0:100
//	npy, f32, csv  numbers in [C][H][W] order as the network takes them, which become levels
//	s16            the same as PCM: integers of 16 bits, of which 32768 are 1
//	wav            sound of one channel, whose samples are numbers -1..1
//	raw            bytes in [C][H][W] order, or frames as the flags describe them
//
// An input that is a plain vector takes pictures with as many pixels (grey), or
// with a third as many (colour).
func readInputs(path string, p *runtime.Program, i int, o *options) (*reading, error) {
	f, err := locate(path, o)
	if err != nil {
		return nil, err
	}
	want := p.Tensors[p.Inputs[i].Tensor].Shape
	r := &reading{}
	first, many := 0, true
	switch f.kind {
	case kindPicture:
		many = false
		if f.part != "" {
			return nil, inputf("%s: a picture has no parts to choose with #", path)
		}
		r.samples, err = pictureInput(f, want)
	case kindIDX:
		r.samples, first, err = idxInput(f, want)
	case kindRaw:
		r.samples, first, many, err = rawInput(f, want, len(p.Inputs) == 1, o.layout)
	default:
		r.samples, first, many, err = numberInput(f, p, i)
		r.levels = true
	}
	if err != nil {
		return nil, inputf("%s: %w", f.path, err)
	}
	r.names = f.names(first, len(r.samples), many)
	return r, nil
}

// times is a shape as in 3x32x32.
func times(shape [3]int) string { return fmt.Sprintf("%dx%dx%d", shape[0], shape[1], shape[2]) }

func elems(shape [3]int) int { return shape[0] * shape[1] * shape[2] }

// kindOfName goes by the ending, "" where it says nothing.
func kindOfName(file string) string {
	name := strings.TrimSuffix(strings.ToLower(file), ".gz")
	switch ext := filepath.Ext(name); ext {
	case ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp":
		return kindPicture
	case ".raw", ".bin", ".rgb", ".yuv":
		return kindRaw
	case ".npy", ".f32", ".s16", ".csv", ".wav":
		return ext[1:]
	}
	if strings.HasSuffix(name, "-ubyte") || strings.HasPrefix(filepath.Ext(name), ".idx") {
		return kindIDX
	}
	return ""
}

// kindOfHead goes by the first bytes.
func kindOfHead(head []byte) string {
	for _, magic := range []string{"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF87a", "GIF89a"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return kindPicture
		}
	}
	switch {
	case picture.IsBMP(head), webp.Is(head):
		return kindPicture
	case bytes.HasPrefix(head, []byte(npyMagic)):
		return kindNPY
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WAVE":
		return kindWAV
	case len(head) > 4 && head[0] == 0 && head[1] == 0 && head[2] == 8 && head[3] == 3 || bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return kindIDX
	}
	return kindRaw
}

// pictureShape is the shape in which a picture of w x h pixels fits want: 1 channel for grey, 3 for colour.
func pictureShape(w, h int, want [3]int) ([3]int, error) {
	if want[1] == 1 && want[2] == 1 {
		switch elems(want) {
		case w * h:
			return [3]int{1, h, w}, nil
		case 3 * w * h:
			return [3]int{3, h, w}, nil
		}
		return want, fmt.Errorf("the picture is %dx%d pixels, which fits no input of %d elements", w, h, elems(want))
	}
	if want[0] != 1 && want[0] != 3 {
		return want, fmt.Errorf("the program wants %d channels, a picture has 1 or 3; give raw bytes of %s", want[0], times(want))
	}
	return want, nil
}

func pictureInput(f *inputFile, want [3]int) ([][]byte, error) {
	data, err := f.all()
	if err != nil {
		return nil, err
	}
	c, err := picture.Config(data) // the size is known to fit before memory is taken
	switch {
	case errors.Is(err, picture.ErrFormat):
		return nil, errors.New("not a PNG, JPEG, GIF, BMP or WebP picture")
	case err != nil:
		return nil, fmt.Errorf("the picture cannot be read: %w", err)
	}
	shape, err := pictureShape(c.Width, c.Height, want)
	if err != nil {
		return nil, err
	}
	img, err := picture.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("the picture is broken: %w", err)
	}
	out := make([]byte, elems(want))
	return [][]byte{out}, picture.Fit(out, img, shape)
}

func idxInput(f *inputFile, want [3]int) (samples [][]byte, first int, err error) {
	var r *idx.Reader
	if f.data != nil {
		r, err = idx.NewReaderSize(bytes.NewReader(f.data), f.size)
	} else {
		r, err = idx.Open(f.path)
	}
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	dims, n := r.Dims(), elems(want)
	if len(dims) == 1 {
		return nil, 0, errors.New("has 1 dimension, as labels have, want pictures")
	}
	flat := want[1] == 1 && want[2] == 1
	gray := len(dims) == 3 && want[0] == 1 && dims[1] == want[1] && dims[2] == want[2]
	planes := len(dims) == 4 && slices.Equal(dims[1:], want[:])
	repeat := len(dims) == 3 && want[0] == 3 && dims[1] == want[1] && dims[2] == want[2]
	if !gray && !planes && !repeat && !(flat && r.SampleSize() == n) {
		return nil, 0, fmt.Errorf("samples are %v, the program wants %v ([channels rows columns]); resize them on the host", dims[1:], want)
	}
	first, to, err := idx.ParseRange(f.part, r.Len())
	if err != nil {
		return nil, 0, err
	}
	if err := fitsMemory(to-first, n); err != nil {
		return nil, 0, err
	}
	if err := r.Skip(first); err != nil {
		return nil, 0, err
	}
	for range to - first {
		s := make([]byte, n)
		if err := r.Next(s[:r.SampleSize()]); err != nil {
			return nil, 0, err
		}
		if repeat {
			copy(s[n/3:], s[:n/3])
			copy(s[2*(n/3):], s[:n/3])
		}
		samples = append(samples, s)
	}
	if to == r.Len() {
		err = r.Finish()
	}
	return samples, first, err
}

func fitsMemory(samples, size int) error {
	if int64(samples)*int64(size) > maxInputBytes {
		return fmt.Errorf("%d samples of %d bytes, want at most %d bytes at once; choose some with #, such as #0:%d", samples, size, maxInputBytes, maxInputBytes/size)
	}
	return nil
}
