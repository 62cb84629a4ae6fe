package webp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	xwebp "golang.org/x/image/webp"

	"qconv/internal/testtool"
)

// compare decodes a picture here and by golang.org/x/image/webp, and wants the same kind of picture and the same pixels.
func compare(t *testing.T, name string, data []byte) {
	t.Helper()
	got, err := Decode(data)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	want, err := xwebp.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: referee: %v", name, err)
	}
	c, err := Config(data)
	if b := got.Bounds(); err != nil || b != want.Bounds() || b != image.Rect(0, 0, c.Width, c.Height) || c.ColorModel != got.ColorModel() {
		t.Errorf("%s: bounds are %v, want %v; config %v (%v)", name, b, want.Bounds(), c, err)
		return
	}
	var same bool
	switch want := want.(type) {
	case *image.YCbCr:
		got, ok := got.(*image.YCbCr)
		same = ok && sameYCbCr(t, name, got, want)
	case *image.NYCbCrA:
		got, ok := got.(*image.NYCbCrA)
		same = ok && sameYCbCr(t, name, &got.YCbCr, &want.YCbCr) && bytes.Equal(got.A, want.A) && got.AStride == want.AStride
	case *image.NRGBA:
		got, ok := got.(*image.NRGBA)
		same = ok && bytes.Equal(got.Pix, want.Pix) && got.Stride == want.Stride
	}
	if !same {
		t.Errorf("%s: %T differs from %T", name, got, want)
	}
}

func sameYCbCr(t *testing.T, name string, got, want *image.YCbCr) bool {
	t.Helper()
	if got.SubsampleRatio != want.SubsampleRatio {
		return false
	}
	b := want.Rect
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if g, w := got.YCbCrAt(x, y), want.YCbCrAt(x, y); g != w {
				t.Errorf("%s: pixel %d, %d is %v, want %v", name, x, y, g, w)
				return false
			}
		}
	}
	return true
}

// pictures are the files of a folder by name.
func pictures(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.webp"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pictures in %s (%v)", dir, err)
	}
	list := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		list[filepath.Base(path)] = data
	}
	return list
}

const animation = "animation.webp"

func TestDecode(t *testing.T) {
	models := map[color.Model]int{}
	for name, data := range pictures(t, "testdata") {
		if name == animation {
			continue
		}
		compare(t, name, data)
		if c, err := Config(data); err == nil {
			models[c.ColorModel]++
		}
	}
	if len(models) != 3 {
		t.Errorf("pictures are of %d kinds, want lossy, lossy with transparency and lossless", len(models))
	}
}

// TestPillow has Pillow write many more pictures.
func TestPillow(t *testing.T) {
	python, dir := testtool.Pillow(t), t.TempDir()
	if out, err := exec.Command(python, "testdata/make.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	list := pictures(t, dir)
	if len(list) < 160 {
		t.Errorf("%d pictures, want 160 or more", len(list))
	}
	for name, data := range list {
		compare(t, name, data)
	}
}

// TestPlainAlpha reads transparency without compression, which Pillow does not write, by every method of prediction.
func TestPlainAlpha(t *testing.T) {
	lossy := pictures(t, "testdata")["lossy.webp"][12:] // the chunk
	w, h := 45, 35
	for method := range byte(4) {
		alpha := []byte{method << 2}
		for i := range w * h {
			alpha = append(alpha, byte(i*i/7+i))
		}
		compare(t, fmt.Sprintf("method %d", method), riff(
			chunk("VP8X", []byte{alphaFlag, 0, 0, 0, byte(w - 1), 0, 0, byte(h - 1), 0, 0}), chunk("ALPH", alpha), lossy))
	}
}

func chunk(name string, data []byte) []byte {
	b := append([]byte(name), binary.LittleEndian.AppendUint32(nil, uint32(len(data)))...)
	b = append(b, data...)
	return append(b, make([]byte, len(data)&1)...)
}

func riff(chunks ...[]byte) []byte {
	return chunk("RIFF", append([]byte("WEBP"), bytes.Join(chunks, nil)...))
}

func TestErrors(t *testing.T) {
	files := pictures(t, "testdata")
	lossy, lossless, alpha := files["lossy.webp"][12:], files["lossless.webp"][12:], []byte{0}
	canvas := func(flags byte, w, h int) []byte {
		return chunk("VP8X", []byte{flags, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), 0, byte(h - 1), byte((h - 1) >> 8), 0})
	}
	changed := func(data []byte, at int, by byte) []byte {
		data = bytes.Clone(data)
		data[at] = by
		return riff(data)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"animation":                 {files[animation], "animation"},
		"frames without their flag": {riff(canvas(0, 45, 35), chunk("ANMF", make([]byte, 16))), "animation"},
		"no picture":                {riff(canvas(0, 45, 35)), "no picture"},
		"nothing":                   {riff(), "no picture"},
		"another canvas":            {riff(canvas(0, 46, 35), lossy), "size"},
		"another lossless canvas":   {riff(canvas(0, 24, 18), lossless), "size"},
		"no transparency":           {riff(canvas(alphaFlag, 45, 35), lossy), "fit together"},
		"stray transparency":        {riff(canvas(0, 45, 35), chunk("ALPH", alpha), lossy), "fit together"},
		"short transparency":        {riff(canvas(alphaFlag, 45, 35), chunk("ALPH", alpha), lossy), "EOF"},
		"empty transparency":        {riff(canvas(alphaFlag, 45, 35), chunk("ALPH", nil), lossy), "EOF"},
		"unknown transparency":      {riff(canvas(alphaFlag, 45, 35), chunk("ALPH", []byte{2, 0}), lossy), "unknown way"},
		"two canvases":              {riff(canvas(0, 45, 35), canvas(0, 45, 35), lossy), "fit together"},
		"long chunk":                {changed(lossy, 5, 200), "fit together"},
		"not a key frame":           {changed(lossy, 8, lossy[8]|1), "depends"},
		"no start code":             {changed(lossy, 11, 0), "start code"},
		"lossy without pixels":      {changed(lossy, 14, 0), "no pixels"},
		"version of lossless":       {changed(lossless, 12, lossless[12]|0x20), "version"},
		"no signature":              {changed(lossless, 8, 0), "signature"},
	} {
		_, err := Decode(c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "webp: ") {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// TestCutOff wants an error for every file that ends before the picture does.
func TestCutOff(t *testing.T) {
	for name, data := range pictures(t, "testdata") {
		f, err := parse(data)
		if err != nil {
			continue
		}
		last := f.lossy
		if last == nil {
			last = f.lossless
		}
		for n := range bytes.Index(data, last) + len(last) {
			if _, err := Decode(data[:n]); err == nil {
				t.Errorf("%s: no error for %d of %d bytes", name, n, len(data))
			}
		}
	}
}

// TestBitFlips wants no panic, and no more pixels than Config tells, whatever bit is wrong.
func TestBitFlips(t *testing.T) {
	for name, data := range pictures(t, "testdata") {
		if len(data) > 800 {
			continue
		}
		for i := range 8 * len(data) {
			flipped := bytes.Clone(data)
			flipped[i/8] ^= 1 << (i % 8)
			checkDecode(t, name, flipped)
		}
	}
}

// checkDecode decodes what may be broken, unless it is large.
func checkDecode(t *testing.T, name string, data []byte) {
	t.Helper()
	c, err := Config(data)
	if err != nil {
		if _, err := Decode(data); err == nil {
			t.Errorf("%s: a picture without a config", name)
		}
		return
	}
	if c.Width*c.Height > 1<<16 {
		return
	}
	img, err := Decode(data)
	if err == nil && (img.Bounds() != image.Rect(0, 0, c.Width, c.Height) || img.ColorModel() != c.ColorModel) {
		t.Errorf("%s: %T of %v, config says %v", name, img, img.Bounds(), c)
	}
}

// TestMemory compares what is said of the memory with what decoding really allocates.
func TestMemory(t *testing.T) {
	for name, data := range pictures(t, "testdata") {
		c, err := Config(data)
		if err != nil {
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Decode(data); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		const aside = 100 << 10
		if took, need := int64(after.TotalAlloc-before.TotalAlloc), Memory(c); took > need+aside {
			t.Errorf("%s: took %d bytes, said to need %d", name, took, need)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for name, data := range pictures(f, "testdata") {
		if !strings.HasPrefix(name, "wide") {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkDecode(t, "fuzz", data) })
}

// BenchmarkDecode measures this decoder and the referee.
func BenchmarkDecode(b *testing.B) {
	python, dir := testtool.Pillow(b), b.TempDir()
	if out, err := exec.Command(python, "testdata/make.py", dir).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"large-lossy", "large-lossless"} {
		data, err := os.ReadFile(filepath.Join(dir, name+".webp"))
		if err != nil {
			b.Fatal(err)
		}
		for by, decode := range map[string]func() (image.Image, error){
			"own":     func() (image.Image, error) { return Decode(data) },
			"referee": func() (image.Image, error) { return xwebp.Decode(bytes.NewReader(data)) },
		} {
			b.Run(name+"/"+by, func(b *testing.B) {
				for b.Loop() {
					if _, err := decode(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
