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

// readInputs reads the samples in a file, for a program whose input has shape want
// ([channels, rows, columns]), as bytes in [C][H][W] order, and a name for each:
//
//	a picture      PNG, JPEG, GIF of just the wanted size; grey or colour is converted
//	an IDX file    of pictures, gzipped or not: all, or those chosen by #7 or #0:100
//	other files    raw bytes in [C][H][W] order, one sample or several, chosen alike
//
// A program that wants a plain vector takes pictures with as many pixels (grey), or
// with a third as many (colour).
func readInputs(path string, want [3]int) (samples [][]byte, names []string, err error) {
	file, part := path, ""
	st, err := os.Stat(file)
	if err != nil {
		if k := strings.LastIndexByte(path, '#'); k > 0 {
			file, part = path[:k], path[k+1:]
			st, err = os.Stat(file)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, inputf("%s: no such file", file)
	case err != nil:
		return nil, nil, inputf("%w", err)
	case !st.Mode().IsRegular():
		return nil, nil, inputf("%s is a directory or device, want a picture, IDX or raw file", file)
	}
	first, many := 0, true
	switch kind, err := inputKind(file); {
	case err != nil:
		return nil, nil, inputf("%w", err)
	case kind == "picture":
		many = false
		if part != "" {
			return nil, nil, inputf("%s: a picture has no parts to choose with #", path)
		}
		samples, err = pictureInput(file, st.Size(), want)
		if err != nil {
			return nil, nil, inputf("%s: %w", file, err)
		}
	case kind == "idx":
		samples, first, err = idxInput(file, part, want)
		if err != nil {
			return nil, nil, inputf("%s: %w", file, err)
		}
	default:
		samples, first, err = rawInput(file, st.Size(), part, want)
		if err != nil {
			return nil, nil, inputf("%s: %w", file, err)
		}
		many = st.Size() > int64(len(samples[0]))
	}
	for i := range samples {
		name := filepath.Base(file)
		if many {
			name += fmt.Sprintf("#%d", first+i)
		}
		names = append(names, name)
	}
	return samples, names, nil
}

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

func rawInput(file string, size int64, part string, want [3]int) (samples [][]byte, first int, err error) {
	n := want[0] * want[1] * want[2]
	if size == 0 || size%int64(n) != 0 {
		return nil, 0, fmt.Errorf("neither picture nor IDX file, and as raw bytes it has %d, want %d (%dx%dx%d, channels x rows x columns) or a multiple", size, n, want[0], want[1], want[2])
	}
	first, to, err := idx.ParseRange(part, int(min(size/int64(n), 1<<30)))
	if err != nil {
		return nil, 0, err
	}
	if err := fitsMemory(to-first, n); err != nil {
		return nil, 0, err
	}
	f, err := os.Open(file)
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
