package dataset

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
)

// files maps paths to contents.
type files map[string][]byte

// folder writes the files below a new folder and returns it. A path that ends in a slash
// is an empty folder.
func (fs files) folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range fs {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, data, 0o644))
	}
	return dir
}

// zip writes the files to a new zip file called data.zip.
func (fs files) zip(t testing.TB, method uint16) string {
	t.Helper()
	return files{"data.zip": fs.zipped(t, method)}.folder(t) + "/data.zip"
}

// zipped is a zip of the files, the last name first.
func (fs files) zipped(t testing.TB, method uint16) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(fs))) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		must(t, err)
		_, err = w.Write(fs[name])
		must(t, err)
	}
	must(t, z.Close())
	return buf.Bytes()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// colour is a picture of one colour.
func colour(w, h int, c color.Color) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, c)
		}
	}
	return m
}

// ramp is a grey picture whose pixel (x, y) is start + 10y + x.
func ramp(w, h, start int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetGray(x, y, color.Gray{uint8(start + 10*y + x)})
		}
	}
	return m
}

func encode(t testing.TB, kind string, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch kind {
	case "png":
		err = png.Encode(&b, m)
	case "jpg":
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 95})
	case "gif":
		err = gif.Encode(&b, m, nil)
	case "bmp":
		err = bmp.Encode(&b, m)
	default:
		err = errors.New("no encoder for " + kind)
	}
	must(t, err)
	return b.Bytes()
}

// onePixelWebP is a lossless WebP of one pixel.
func onePixelWebP(t testing.TB) []byte {
	t.Helper()
	data, err := hex.DecodeString("524946461a000000574542505650384c0d0000002f00000010071011118888fe0700")
	must(t, err)
	return data
}

func grayPNG(t testing.TB, w, h, start int) []byte { return encode(t, "png", ramp(w, h, start)) }

// hugePNG is a small file whose header promises w x h pixels.
func hugePNG(t testing.TB, w, h uint32) []byte {
	b := grayPNG(t, 2, 2, 0)
	binary.BigEndian.PutUint32(b[16:], w)
	binary.BigEndian.PutUint32(b[20:], h)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

// idxData is an IDX file of bytes.
func idxData(dims []int, data []byte) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return append(b, data...)
}

func gz(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

// npyData is an .npy file of version 1.
func npyData(descr string, fortran bool, shape string, data []byte) []byte {
	order := "False"
	if fortran {
		order = "True"
	}
	return npyRaw(fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order, shape), data)
}

func npyRaw(header string, data []byte) []byte {
	for (len(header)+11)%64 != 0 {
		header += " "
	}
	header += "\n"
	b := []byte("\x93NUMPY\x01\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	return append(append(b, header...), data...)
}

// little packs numbers as little-endian elements.
func little[T any](v ...T) []byte {
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, v)
	return b.Bytes()
}

// count is 0, 1, 2, ...
func count(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// pixelsOf reads sample i.
func pixelsOf(t testing.TB, s *Set, i int) []byte {
	t.Helper()
	b := make([]byte, s.Elems())
	must(t, s.Pixels(i, b))
	return b
}

func floatsOf(t testing.TB, s *Set, i int) []float32 {
	t.Helper()
	v := make([]float32, s.Elems())
	must(t, s.Floats(i, v))
	return v
}

// open opens a set and closes it at the end of the test.
func open(t testing.TB, spec string, o Options) *Set {
	t.Helper()
	s, err := Open(spec, o)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// wantError checks that err is a FormatError of one line with all the given parts, and
// starts with the package and the spec.
func wantError(t testing.TB, err error, spec string, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", parts)
		return
	}
	var f *FormatError
	if !errors.As(err, &f) {
		t.Errorf("error %v is no FormatError", err)
	}
	msg := err.Error()
	if !strings.HasPrefix(msg, fmt.Sprintf("dataset: %q: ", spec)) || strings.Contains(msg, "\n") {
		t.Errorf("error is %q, want one line that starts with the package and %q", msg, spec)
	}
	for _, p := range parts {
		if !strings.Contains(msg, p) {
			t.Errorf("error is %q, want %q in it", msg, p)
		}
	}
}
