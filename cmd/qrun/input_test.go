package main

import (
	"bytes"
	"compress/gzip"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qconv/runtime"
)

// idxFile is an IDX file of n bytes 0, 1, 2, ...
func idxFile(n int, dims ...byte) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = append(b, 0, 0, 0, d)
	}
	return append(b, ascending(n)...)
}

func ascending(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func inputFolder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// inputFiles holds every kind of input of 3 columns and 2 rows.
func inputFiles(t *testing.T) map[string][]byte {
	t.Helper()
	gray := image.NewGray(image.Rect(0, 0, 3, 2))
	copy(gray.Pix, []byte{10, 11, 12, 13, 14, 15})
	red := image.NewRGBA(gray.Rect)
	for i := range 6 {
		red.Set(i%3, i/3, color.RGBA{200, 100, uint8(i), 255})
	}
	var p, r, j, g, z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, err := w.Write(idxFile(24, 4, 2, 3))
	for _, e := range []error{err, w.Close(), png.Encode(&p, gray), png.Encode(&r, red), jpeg.Encode(&j, gray, &jpeg.Options{Quality: 100}), gif.Encode(&g, gray, nil)} {
		if e != nil {
			t.Fatal(e)
		}
	}
	return map[string][]byte{
		"gray.png": p.Bytes(), "red.png": r.Bytes(), "gray.jpg": j.Bytes(), "gray.gif": g.Bytes(), "picture": p.Bytes(),
		"t10k-images-idx3-ubyte": idxFile(24, 4, 2, 3), "t10k-images-idx3-ubyte.gz": z.Bytes(), "digits": idxFile(24, 4, 2, 3),
		"planes-ubyte": idxFile(36, 2, 3, 2, 3),
		"a.raw":        ascending(6), "b.raw": ascending(18), "c": ascending(6), "a#b.raw": ascending(6),
		"half.png": p.Bytes()[:40], "text.png": []byte("text"), "labels-ubyte": idxFile(4, 4),
		"short-ubyte": idxFile(23, 4, 2, 3), "double-ubyte": {0, 0, 0x0e, 1}, "empty.raw": nil,
	}
}

// readShape reads the samples of a file for a program of one input of shape want.
func readShape(path string, want [3]int, o *options) (samples [][]byte, names []string, err error) {
	p := &runtime.Program{Tensors: []runtime.Tensor{{Shape: want, Levels: 256, Zero: 10, Scale: runtime.ScaleOf(0.5)}}, Inputs: []runtime.Input{{}}}
	r, err := readInputs(path, p, 0, o)
	if err != nil {
		return nil, nil, err
	}
	return r.samples, r.names, nil
}

func TestReadInputs(t *testing.T) {
	dir := inputFolder(t, inputFiles(t))
	gray, rgb, vector := [3]int{1, 2, 3}, [3]int{3, 2, 3}, [3]int{6, 1, 1}
	ten := []byte{10, 11, 12, 13, 14, 15}
	red := []byte{200, 200, 200, 200, 200, 200, 100, 100, 100, 100, 100, 100, 0, 1, 2, 3, 4, 5}
	var grays []byte
	for i := range 6 {
		grays = append(grays, color.GrayModel.Convert(color.RGBA{200, 100, uint8(i), 255}).(color.Gray).Y)
	}
	for _, c := range []struct {
		path  string
		want  [3]int
		names string
		last  []byte
	}{
		{"gray.png", gray, "gray.png", ten},
		{"gray.png", rgb, "gray.png", slices.Repeat(ten, 3)},
		{"gray.png", vector, "gray.png", ten},
		{"gray.jpg", gray, "gray.jpg", nil},
		{"gray.gif", gray, "gray.gif", nil},
		{"picture", gray, "picture", ten},
		{"red.png", rgb, "red.png", red},
		{"red.png", [3]int{18, 1, 1}, "red.png", red},
		{"red.png", gray, "red.png", grays},
		{"t10k-images-idx3-ubyte", gray, "t10k-images-idx3-ubyte#0 t10k-images-idx3-ubyte#1 t10k-images-idx3-ubyte#2 t10k-images-idx3-ubyte#3", ascending(24)[18:]},
		{"t10k-images-idx3-ubyte.gz#2", gray, "t10k-images-idx3-ubyte.gz#2", ascending(18)[12:]},
		{"digits#1:3", vector, "digits#1 digits#2", ascending(18)[12:]},
		{"digits#0", rgb, "digits#0", slices.Repeat(ascending(6), 3)},
		{"planes-ubyte#1", rgb, "planes-ubyte#1", ascending(36)[18:]},
		{"a.raw", gray, "a.raw", ascending(6)},
		{"b.raw", rgb, "b.raw", ascending(18)},
		{"b.raw#0:3", gray, "b.raw#0 b.raw#1 b.raw#2", ascending(18)[12:]},
		{"b.raw#1", gray, "b.raw#1", ascending(12)[6:]},
		{"c", vector, "c", ascending(6)},
		{"a#b.raw", gray, "a#b.raw", ascending(6)},
	} {
		samples, names, err := readShape(filepath.Join(dir, c.path), c.want, &options{})
		if err != nil {
			t.Errorf("%s for %v: %v", c.path, c.want, err)
			continue
		}
		if got := strings.Join(names, " "); got != c.names || len(samples) != len(names) {
			t.Errorf("%s for %v: %d samples called %q, want %q", c.path, c.want, len(samples), got, c.names)
		}
		last := samples[len(samples)-1]
		if len(last) != c.want[0]*c.want[1]*c.want[2] || c.last != nil && !bytes.Equal(last, c.last) {
			t.Errorf("%s for %v: the last sample is %v, want %v", c.path, c.want, last, c.last)
		}
	}
}

func TestReadInputsErrors(t *testing.T) {
	files := inputFiles(t)
	files["huge-ubyte"] = idxFile(0, 1)
	copy(files["huge-ubyte"][4:], []byte{0x7f, 255, 255, 255})
	dir := inputFolder(t, files)
	gray := [3]int{1, 2, 3}
	for _, c := range []struct {
		path string
		want [3]int
		msg  string
	}{
		{"none.png", gray, "none.png: no such file"},
		{"none.png#1", gray, "none.png: no such file"},
		{".", gray, "is a directory"},
		{"gray.png", [3]int{2, 2, 3}, "wants 2 channels"},
		{"gray.png", [3]int{7, 1, 1}, "no input of 7 elements"},
		{"gray.png#0", gray, "no parts"},
		{"half.png", gray, "half.png: the picture is broken"},
		{"text.png", gray, "not a PNG, JPEG, GIF, BMP or WebP"},
		{"digits", [3]int{1, 28, 28}, "samples are [2 3], the program wants [1 28 28]"},
		{"digits#4", gray, `"4" lies outside the 4 samples`},
		{"digits#x", gray, `"x" is not understood`},
		{"labels-ubyte", gray, "labels"},
		{"short-ubyte", gray, "39 bytes, want 40"},
		{"double-ubyte", gray, "element type 0x0e"},
		{"huge-ubyte", [3]int{1, 1, 1}, "want"},
		{"a.raw", [3]int{1, 2, 2}, "has 6 bytes, which are 1 times 4 (1x2x2, channels x rows x columns) and 2 more"},
		{"b.raw", gray, "has 18 bytes, 3 times the 6 of a sample (1x2x3, channels x rows x columns): for 3 samples say #0:3 behind the name or --format raw, for a frame of a camera its --size and --pixel"},
		{"a.raw#1", gray, "outside the 1 samples"},
		{"empty.raw", gray, "holds no bytes, want 6"},
	} {
		_, _, err := readShape(filepath.Join(dir, c.path), c.want, &options{})
		if err == nil || !strings.Contains(err.Error(), c.msg) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s for %v: error is %v, want one line with %q", c.path, c.want, err, c.msg)
		}
		if exitCode(err) != exitBadInput {
			t.Errorf("%s: exit code %d, want %d", c.path, exitCode(err), exitBadInput)
		}
	}
}

func TestFitsMemory(t *testing.T) {
	if err := fitsMemory(60000, 784); err != nil {
		t.Error(err)
	}
	if err := fitsMemory(60000, 3072); err == nil || !strings.Contains(err.Error(), "#0:21845") {
		t.Errorf("error is %v, want one that names a range that fits", err)
	}
}
