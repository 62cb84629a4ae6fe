package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/image/bmp"

	"qconv/runtime/picture"
)

func TestFrames(t *testing.T) {
	dir := inputFolder(t, map[string][]byte{
		"rgb":   {1, 2, 3, 4, 5, 6},                     // 2x1
		"wide":  {0, 8, 8, 0, 0, 8, 8, 0},               // 4x2 grey
		"yuyv":  {235, 128, 16, 128, 16, 128, 235, 128}, // 2x2: white, black; black, white
		"two":   {1, 2, 3, 4, 5, 6, 7, 8},               // two grey frames of 2x2
		"short": {1, 2, 3, 4, 5},
	})
	gray, rgb := [3]int{1, 2, 2}, [3]int{3, 1, 2}
	for _, c := range []struct {
		file   string
		want   [3]int
		layout layout
		last   []byte
		msg    string
	}{
		{file: "rgb", want: rgb, layout: layout{pixel: "bgr"}, last: []byte{3, 6, 2, 5, 1, 4}},
		{file: "rgb", want: rgb, layout: layout{order: "hwc"}, last: []byte{1, 4, 2, 5, 3, 6}},
		{file: "rgb", want: rgb, layout: layout{order: "chw"}, last: []byte{1, 2, 3, 4, 5, 6}},
		{file: "rgb", want: rgb, last: []byte{1, 2, 3, 4, 5, 6}},
		{file: "yuyv", want: gray, layout: layout{pixel: "yuyv"}, last: []byte{255, 0, 0, 255}},
		{file: "wide", want: [3]int{1, 1, 2}, layout: layout{width: 4, height: 2}, last: []byte{5, 5}},
		{file: "wide", want: gray, layout: layout{width: 4, height: 2, crop: true}, last: []byte{8, 8, 8, 8}},
		{file: "two", want: gray, layout: layout{kind: kindRaw}, last: []byte{5, 6, 7, 8}},
		{file: "two", want: gray, layout: layout{width: 2, height: 2}, last: []byte{5, 6, 7, 8}},
		{file: "two", want: gray, msg: "2 times the 4 of a sample"},
		{file: "short", want: gray, layout: layout{width: 2, height: 2}, msg: "has 5 bytes, which are 1 times 4 (a frame of 2x2 gray) and 1 more"},
		{file: "two", want: [3]int{2, 2, 2}, layout: layout{width: 2, height: 2}, msg: "wants 2 channels, a frame has 1 or 3"},
		{file: "two", want: [3]int{1, 2, 3}, layout: layout{pixel: "yuyv"}, msg: "want even sizes"},
	} {
		samples, _, err := readShape(filepath.Join(dir, c.file), c.want, &options{layout: c.layout})
		if c.msg != "" {
			if err == nil || !strings.Contains(err.Error(), c.msg) {
				t.Errorf("%s, %+v: error %v, want %q", c.file, c.layout, err, c.msg)
			}
			continue
		}
		if err != nil || !bytes.Equal(samples[len(samples)-1], c.last) {
			t.Errorf("%s, %+v: %v (%v), want %v", c.file, c.layout, samples, err, c.last)
		}
	}
}

// npyFile is an array of NumPy.
func npyFile(descr, order, shape string, body []byte) []byte {
	header := "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }\n"
	b := append([]byte(npyMagic), 1, 0, byte(len(header)), byte(len(header)>>8))
	return append(append(b, header...), body...)
}

func TestNumbers(t *testing.T) {
	f32 := func(values ...float32) (b []byte) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		return b
	}
	f64 := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, math.Float64bits(-1)), math.Float64bits(2.2))
	dir := inputFolder(t, map[string][]byte{
		"a.f32": f32(-1, 2.2), "two.f32": f32(-1, 2.2, 0, 0.5), "a.npy": npyFile("<f4", "False", "1, 2", f32(-1, 2.2)), "b.npy": npyFile("<f8", "False", "2,", f64),
		"i.npy": npyFile("|i1", "False", "2,", []byte{0xFF, 2}), "a.csv": []byte("x;y\n-1; 2.2\r\n\n0,0.5\n"),
		"odd.f32": f32(1, 2, 3), "bytes.f32": {1, 2, 3}, "nan.f32": f32(1, float32(math.NaN())), "t.npy": npyFile("<f4", "True", "2,", f32(1, 2)),
		"c.npy": npyFile("<c8", "False", "1,", f32(1, 2)), "s.npy": npyFile("<f4", "False", "3,", f32(1, 2)), "bad.csv": []byte("1,2\n3,x\n"), "long.csv": []byte("1,2,3\n"),
		"cut.npy": []byte(npyMagic + "\x01\x00\xff\x00{}"), "empty.csv": nil,
		"a.wav": waveFile(1, 0, 0xC0, 0, 0x40), "sound": waveFile(1, 0, 0xC0, 0, 0x40, 0, 0, 0, 0x40), "odd.wav": waveFile(1, 0, 0, 0, 0, 0, 0), "two.wav": waveFile(2, 0, 0, 0, 0),
	})
	want := [3]int{2, 1, 1} // steps of a half, zero at level 10
	for _, c := range []struct {
		file string
		last []byte
		n    int
		msg  string
	}{
		{file: "a.f32", last: []byte{8, 14}, n: 1}, {file: "a.npy", last: []byte{8, 14}, n: 1}, {file: "b.npy", last: []byte{8, 14}, n: 1}, {file: "i.npy", last: []byte{8, 14}, n: 1},
		{file: "two.f32", last: []byte{10, 11}, n: 2}, {file: "two.f32#0", last: []byte{8, 14}, n: 1}, {file: "a.csv", last: []byte{10, 11}, n: 2},
		{file: "a.wav", last: []byte{9, 11}, n: 1}, {file: "sound", last: []byte{10, 11}, n: 2}, {file: "sound#0", last: []byte{9, 11}, n: 1},
		{file: "odd.wav", msg: "holds 3 numbers, which are 1 times 2 (2x1x1"}, {file: "two.wav", msg: "2 channels, want 1"},
		{file: "odd.f32", msg: "holds 3 numbers, which are 1 times 2 (2x1x1"}, {file: "bytes.f32", msg: "no whole count of numbers"}, {file: "nan.f32", msg: "number 1 is NaN"},
		{file: "t.npy", msg: "fortran_order"}, {file: "c.npy", msg: `type "<c8"`}, {file: "s.npy", msg: "8 bytes of numbers, want 12"}, {file: "cut.npy", msg: "ends within its header"},
		{file: "bad.csv", msg: `line 2, column 2: "x" is no number`}, {file: "long.csv", msg: "line 1 holds 3 numbers, want 2"}, {file: "empty.csv", msg: "holds 0 numbers"},
	} {
		samples, _, err := readShape(filepath.Join(dir, c.file), want, &options{})
		if c.msg != "" {
			if err == nil || !strings.Contains(err.Error(), c.msg) {
				t.Errorf("%s: error %v, want %q", c.file, err, c.msg)
			}
			continue
		}
		if err != nil || len(samples) != c.n || !bytes.Equal(samples[len(samples)-1], c.last) {
			t.Errorf("%s: %v (%v), want %d, the last of them %v", c.file, samples, err, c.n, c.last)
		}
	}
}

// TestStretchedPicture wants a picture of any size, also a BMP, to become the samples of the input's size.
func TestStretchedPicture(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 4, 2))
	for i := range 8 {
		img.Set(i%4, i/4, color.RGBA{uint8(i % 4 / 2 * 200), 100, 7, 255})
	}
	var b bytes.Buffer
	if err := bmp.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	dir := inputFolder(t, map[string][]byte{"a.bmp": b.Bytes(), "b": b.Bytes(), "cut.bmp": b.Bytes()[:60], "cut.webp": []byte("RIFF\x00\x01\x00\x00WEBPVP8 ")})
	for _, name := range []string{"a.bmp", "b"} {
		samples, _, err := readShape(filepath.Join(dir, name), [3]int{3, 1, 2}, &options{})
		// The triangle filter of two pixels reaches into the next one by a seventh.
		if want := []byte{29, 171, 100, 100, 7, 7}; err != nil || !bytes.Equal(samples[0], want) {
			t.Errorf("%s: %v (%v), want %v", name, samples, err, want)
		}
	}
	for name, want := range map[string]string{"cut.bmp": "the picture is broken", "cut.webp": "the picture cannot be read: webp: unexpected EOF"} {
		if _, _, err := readShape(filepath.Join(dir, name), [3]int{3, 1, 2}, &options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}

// TestWebP wants a WebP picture to become the samples that a PNG of its pixels becomes, and an animation to be refused by name.
func TestWebP(t *testing.T) {
	const folder = "../../runtime/picture/webp/testdata/"
	for _, name := range []string{"lossy", "alpha", "lossless", "palette", "gray", "dot", "exif"} {
		data, err := os.ReadFile(folder + name + ".webp")
		if err != nil {
			t.Fatal(err)
		}
		img, err := picture.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		rgb := image.NewRGBA(img.Bounds())
		draw.Draw(rgb, rgb.Rect, img, image.Point{}, draw.Src)
		for i := 3; i < len(rgb.Pix); i += 4 {
			rgb.Pix[i] = 255
		}
		var b bytes.Buffer
		if err := png.Encode(&b, rgb); err != nil {
			t.Fatal(err)
		}
		dir := inputFolder(t, map[string][]byte{"a.webp": data, "unnamed": data, "a.png": b.Bytes()})
		for _, shape := range [][3]int{{3, 9, 7}, {1, 8, 8}, {3, img.Bounds().Dy(), img.Bounds().Dx()}} {
			want, _, err := readShape(filepath.Join(dir, "a.png"), shape, &options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{"a.webp", "unnamed"} {
				if got, _, err := readShape(filepath.Join(dir, file), shape, &options{}); err != nil || !bytes.Equal(got[0], want[0]) {
					t.Errorf("%s as %s, to %v: differs from the PNG (%v)", name, file, shape, err)
				}
			}
		}
	}
	if _, _, err := readShape(folder+"animation.webp", [3]int{3, 8, 8}, &options{}); err == nil || !strings.Contains(err.Error(), "animation") {
		t.Errorf("animation: error %v, want it named", err)
	}
}

// TestStreams reads standard input, a pipe of the file system, and a loop over frames.
func TestStreams(t *testing.T) {
	dir := fixture(t)
	left, err := os.ReadFile("left.raw")
	if err != nil {
		t.Fatal(err)
	}
	callWith := func(stdin []byte, args string) (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		code = run(append([]string{"qrun"}, strings.Fields(args)...), bytes.NewReader(stdin), &out, &errs)
		return code, out.String(), errs.String()
	}
	_, want, _ := call("ok.qlut left.raw")
	want = strings.TrimPrefix(want, "left.raw")
	if code, out, errs := callWith(left, "ok.qlut -"); code != 0 || out != "-"+want {
		t.Errorf("standard input: exit %d, %q, %q, want %q", code, out, errs, "-"+want)
	}
	fifo := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("needs pipes in the file system: %v", err)
	}
	go func() { _ = os.WriteFile(fifo, left, 0) }()
	if code, out, errs := callWith(nil, "ok.qlut pipe"); code != 0 || out != "pipe"+want {
		t.Errorf("pipe: exit %d, %q, %q", code, out, errs)
	}
	code, out, errs := callWith(slices.Repeat(left, 3), "--loop ok.qlut - --top 1 --json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || errs != "" || len(lines) != 3 {
		t.Fatalf("loop: exit %d, %q, %q", code, out, errs)
	}
	for i, line := range lines {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Input != []string{"-#0", "-#1", "-#2"}[i] || r.Top[0].Label != "left" {
			t.Errorf("line %d is %s (%v)", i, line, err)
		}
	}
	code, out, errs = callWith(left[:len(left)-1], "--loop ok.qlut -")
	if code != exitBadInput || out != "" || !strings.Contains(errs, "ends with 3 bytes behind sample 0, want 4") {
		t.Errorf("half a sample: exit %d, %q, %q", code, out, errs)
	}
}

// TestOthersKeepResults wants a bad file not to lose what the good ones gave.
func TestOthersKeepResults(t *testing.T) {
	fixture(t)
	code, out, errs := call("ok.qlut left.raw none.raw dark.raw short.raw")
	if code != exitBadInput || !strings.Contains(out, "left.raw: left") || !strings.Contains(out, "dark.raw: dark") ||
		strings.Count(errs, "\n") != 2 || !strings.Contains(errs, "qrun: none.raw: no such file\n") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	code, out, _ = call("--json ok.qlut none.raw dark.raw")
	var d document
	if err := json.Unmarshal([]byte(out), &d); err != nil || code != exitBadInput || len(d.Inputs) != 2 {
		t.Fatalf("exit %d, %s (%v)", code, out, err)
	}
	if d.Inputs[0].Input != "none.raw" || !strings.Contains(d.Inputs[0].Error, "no such file") || d.Inputs[0].Outputs != nil || d.Inputs[1].Top[0].Label != "dark" {
		t.Errorf("got %+v", d.Inputs)
	}
}

func TestVersion(t *testing.T) {
	if code, out, errs := call("--version"); code != 0 || !strings.HasPrefix(out, "qrun ") || !strings.Contains(out, "go1") || errs != "" {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}
