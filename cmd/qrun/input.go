package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"qconv/runtime/idx"
	"qconv/runtime/picture"
)

// maxInputBytes bounds what one argument may bring into memory.
const maxInputBytes = 64 << 20

// inputFile is a file of samples that is there.
type inputFile struct {
	path string
	part string // what stands behind #
	size int64
	kind string // "picture", "idx" or "raw"
}

// locate finds the file that FILE or FILE#PART means.
func locate(path string) (*inputFile, error) {
	f := &inputFile{path: path}
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
	case !st.Mode().IsRegular():
		return nil, inputf("%s is a directory or device, want a picture, IDX or raw file", f.path)
	}
	f.size = st.Size()
	if f.kind, err = inputKind(f.path); err != nil {
		return nil, inputf("%w", err)
	}
	return f, nil
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

// readInputs reads the samples in a file, for an input of shape want
// ([channels, rows, columns]), as bytes in [C][H][W] order, and a name for each:
//
//	a picture      PNG, JPEG, GIF of just the wanted size; grey or colour is converted
//	an IDX file    of pictures, gzipped or not: all, or those chosen by #7 or #0:100
//	other files    raw bytes in [C][H][W] order, one sample or several, chosen alike
//
// An input that is a plain vector takes pictures with as many pixels (grey), or
// with a third as many (colour).
func readInputs(path string, want [3]int) (samples [][]byte, names []string, err error) {
	f, err := locate(path)
	if err != nil {
		return nil, nil, err
	}
	first, many := 0, true
	switch f.kind {
	case "picture":
		many = false
		if f.part != "" {
			return nil, nil, inputf("%s: a picture has no parts to choose with #", path)
		}
		samples, err = pictureInput(f.path, f.size, want)
	case "idx":
		samples, first, err = idxInput(f.path, f.part, want)
	default:
		n := want[0] * want[1] * want[2]
		samples, first, err = rawInput(f, n, times(want)+", channels x rows x columns")
		many = f.size > int64(n)
	}
	if err != nil {
		return nil, nil, inputf("%s: %w", f.path, err)
	}
	return samples, f.names(first, len(samples), many), nil
}

// times is a shape as in 3x32x32.
func times(shape [3]int) string { return fmt.Sprintf("%dx%dx%d", shape[0], shape[1], shape[2]) }

// inputKind is "picture", "idx" or "raw", by the name and else by the first bytes.
func inputKind(file string) (string, error) {
	name := strings.TrimSuffix(strings.ToLower(file), ".gz")
	switch filepath.Ext(name) {
	case ".png", ".jpg", ".jpeg", ".gif":
		return "picture", nil
	case ".raw", ".bin":
		return "raw", nil
	}
	if strings.HasSuffix(name, "-ubyte") || strings.HasPrefix(filepath.Ext(name), ".idx") {
		return "idx", nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", err
	}
	head = head[:n]
	for _, magic := range []string{"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF87a", "GIF89a"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return "picture", nil
		}
	}
	if len(head) > 4 && head[0] == 0 && head[1] == 0 && head[2] == 8 && head[3] == 3 || bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		return "idx", nil
	}
	return "raw", nil
}

// pictureChannels is how a picture of w x h pixels fits want: 1 for grey, 3 for colour.
func pictureChannels(w, h int, want [3]int) (int, error) {
	n := want[0] * want[1] * want[2]
	if want[1] == 1 && want[2] == 1 {
		switch n {
		case w * h:
			return 1, nil
		case 3 * w * h:
			return 3, nil
		}
		return 0, fmt.Errorf("the picture is %dx%d pixels, which fits no input of %d elements", w, h, n)
	}
	if want[0] != 1 && want[0] != 3 {
		return 0, fmt.Errorf("the program wants %d channels, a picture has 1 or 3; give raw bytes of %dx%dx%d", want[0], want[0], want[1], want[2])
	}
	if w != want[2] || h != want[1] {
		return 0, fmt.Errorf("the picture is %dx%d pixels, the program wants %dx%d; resize it on the host, such as: magick IN.png -resize %dx%d! OUT.png", w, h, want[2], want[1], want[2], want[1])
	}
	return want[0], nil
}

func pictureInput(file string, size int64, want [3]int) ([][]byte, error) {
	if size > maxInputBytes {
		return nil, fmt.Errorf("the file has %d bytes, want at most %d", size, maxInputBytes)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, err := picture.Config(data) // the size is known to fit before memory is taken
	if err != nil {
		return nil, fmt.Errorf("not a PNG, JPEG or GIF picture: %w", err)
	}
	channels, err := pictureChannels(c.Width, c.Height, want)
	if err != nil {
		return nil, err
	}
	img, err := picture.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("the picture is broken: %w", err)
	}
	out := make([]byte, want[0]*want[1]*want[2])
	return [][]byte{out}, picture.Planes(out, img, channels)
}

func idxInput(file, part string, want [3]int) (samples [][]byte, first int, err error) {
	r, err := idx.Open(file)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	dims, n := r.Dims(), want[0]*want[1]*want[2]
	if len(dims) == 1 {
		return nil, 0, errors.New("has 1 dimension, as labels have, want pictures")
	}
	flat := want[1] == 1 && want[2] == 1
	gray := len(dims) == 3 && want[0] == 1 && dims[1] == want[1] && dims[2] == want[2]
	planes := len(dims) == 4 && dims[1] == want[0] && dims[2] == want[1] && dims[3] == want[2]
	repeat := len(dims) == 3 && want[0] == 3 && dims[1] == want[1] && dims[2] == want[2]
	if !gray && !planes && !repeat && !(flat && r.SampleSize() == n) {
		return nil, 0, fmt.Errorf("samples are %v, the program wants %v ([channels rows columns]); resize them on the host", dims[1:], want)
	}
	first, to, err := idx.ParseRange(part, r.Len())
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

// rawInput reads samples of n bytes, which have the shape that a message says.
func rawInput(file *inputFile, n int, shape string) (samples [][]byte, first int, err error) {
	if file.size == 0 || file.size%int64(n) != 0 {
		return nil, 0, fmt.Errorf("neither picture nor IDX file, and as raw bytes it has %d, want %d (%s) or a multiple", file.size, n, shape)
	}
	first, to, err := idx.ParseRange(file.part, int(min(file.size/int64(n), 1<<30)))
	if err != nil {
		return nil, 0, err
	}
	if err := fitsMemory(to-first, n); err != nil {
		return nil, 0, err
	}
	f, err := os.Open(file.path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	all := make([]byte, (to-first)*n)
	if _, err := io.ReadFull(io.NewSectionReader(f, int64(first)*int64(n), int64(len(all))), all); err != nil {
		return nil, 0, err
	}
	for len(all) > 0 {
		samples = append(samples, all[:n:n])
		all = all[n:]
	}
	return samples, first, nil
}

func fitsMemory(samples, size int) error {
	if int64(samples)*int64(size) > maxInputBytes {
		return fmt.Errorf("%d samples of %d bytes, want at most %d bytes at once; choose some with #, such as #0:%d", samples, size, maxInputBytes, maxInputBytes/size)
	}
	return nil
}
