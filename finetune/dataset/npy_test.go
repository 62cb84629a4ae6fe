package dataset

import (
	"archive/zip"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sbinet/npyio/npz"
)

func TestArrayTypes(t *testing.T) {
	for _, c := range []struct {
		descr, name string
		data        []byte
		want        []float64
	}{
		{"|u1", "uint8", []byte{0, 128, 255}, []float64{0, 128, 255}},
		{"|b1", "bool", []byte{0, 1, 1}, []float64{0, 1, 1}},
		{"|i1", "int8", []byte{0, 128, 255}, []float64{0, -128, -1}},
		{"<u2", "uint16", little[uint16](1, 65535, 3), []float64{1, 65535, 3}},
		{">u2", "uint16", []byte{1, 0, 0, 1, 255, 255}, []float64{256, 1, 65535}},
		{"<i2", "int16", little[int16](1, -2, 3), []float64{1, -2, 3}},
		{"<u4", "uint32", little[uint32](1, 1<<31, 3), []float64{1, 1 << 31, 3}},
		{"<i4", "int32", little[int32](1, -1<<31, 3), []float64{1, -1 << 31, 3}},
		{">i4", "int32", []byte{0, 0, 1, 0, 255, 255, 255, 255, 0, 0, 0, 7}, []float64{256, -1, 7}},
		{"<i8", "int64", little[int64](1, -5, 1<<40), []float64{1, -5, 1 << 40}},
		{"<u8", "uint64", little[uint64](1, 5, 1<<63), []float64{1, 5, 1 << 63}},
		{"<f2", "float16", []byte{0, 0x3c, 0, 0xc1, 1, 0x80}, []float64{1, -2.5, -0x1p-24}}, // the last is subnormal
		{">f2", "float16", []byte{0x7b, 0xff, 0x04, 0, 0xfc, 0}, []float64{65504, 0x1p-14, math.Inf(-1)}},
		{"<f4", "float32", little[float32](0.5, -1, 3), []float64{0.5, -1, 3}},
		{">f4", "float32", []byte{0x3f, 0x80, 0, 0, 0xbf, 0x80, 0, 0, 0, 0, 0, 0}, []float64{1, -1, 0}},
		{"<f8", "float64", little[float64](0.1, -1, 3), []float64{0.1, -1, 3}},
	} {
		path := files{"a.npy": npyData(c.descr, false, "(3,)", c.data)}.folder(t) + "/a.npy"
		a, err := LoadArray(path, Options{})
		if err != nil {
			t.Errorf("%s: %v", c.descr, err)
			continue
		}
		if a.Type != c.name || !slices.Equal(a.Shape, []int{3}) {
			t.Errorf("%s: type %s, shape %v", c.descr, a.Type, a.Shape)
		}
		for i, want := range c.want {
			if got := a.At(i); got != want {
				t.Errorf("%s: element %d is %v, want %v", c.descr, i, got, want)
			}
			if got := a.Float32s()[i]; got != float32(want) {
				t.Errorf("%s: element %d is %v as float32, want %v", c.descr, i, got, want)
			}
		}
	}
}

func TestArrayOrder(t *testing.T) {
	// a[i][j][k] = 100i + 10j + k, stored with i fastest.
	var fortran []float32
	for k := range 4 {
		for j := range 3 {
			for i := range 2 {
				fortran = append(fortran, float32(100*i+10*j+k))
			}
		}
	}
	path := files{"a.npy": npyData("<f4", true, "(2, 3, 4)", little(fortran...))}.folder(t) + "/a.npy"
	a, err := LoadArray(path, Options{})
	must(t, err)
	for n := range 24 {
		if want := float64(100*(n/12) + 10*(n/4%3) + n%4); a.At(n) != want {
			t.Fatalf("element %d is %v, want %v", n, a.At(n), want)
		}
	}
}

func TestArrayScalar(t *testing.T) {
	path := files{"a.npy": npyData("<f8", false, "()", little(2.5))}.folder(t) + "/a.npy"
	a, err := LoadArray(path, Options{})
	must(t, err)
	if len(a.Shape) != 0 || a.Len() != 1 || a.At(0) != 2.5 {
		t.Errorf("got %v", a)
	}
	_, err = Open(path, Options{})
	wantError(t, err, path, "a single number")
}

// TestArrayWriter reads what npyio itself writes (header version 2).
func TestArrayWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npz")
	must(t, npz.Write(path, map[string]any{"x0.npy": []float32{1, 2, 3}, "y0.npy": []int64{4}}))
	a, err := LoadArray(path+"#x0", Options{})
	must(t, err)
	if !slices.Equal(a.Floats, []float32{1, 2, 3}) {
		t.Errorf("x0 is %v", a.Floats)
	}
	if a, err = LoadArray(path+"#y0", Options{}); err != nil || a.At(0) != 4 {
		t.Errorf("y0 is %v (%v)", a, err)
	}
	_, err = LoadArray(path, Options{})
	wantError(t, err, path, "x0, y0", "choose one")
	_, err = LoadArray(path+"#z", Options{})
	wantError(t, err, path+"#z", "z: no such array", "x0, y0")
}

func TestBrokenArrays(t *testing.T) {
	good := npyData("<f4", false, "(2, 3)", little[float32](1, 2, 3, 4, 5, 6))
	big := func(shape string) []byte { return npyData("<f4", false, shape, nil) }
	v3 := slices.Clone(good)
	v3[6] = 3
	v2 := append([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), make([]byte, 100)...)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "not an .npy file"},
		{"text", []byte("hello, world, how are you"), "not an .npy file"},
		{"cut header", good[:30], "cut short"},
		{"cut data", good[:len(good)-1], "after 5 elements, want 6"},
		{"more data", append(slices.Clone(good), 0), "more data follow"},
		{"version 3", v3, "version 3"},
		{"long header", v2, "want at most 65536"},
		{"no line end", append([]byte("\x93NUMPY\x01\x00\x04\x00"), "abcd"...), "not understood"},
		{"no dictionary", npyRaw("hello", nil), "not understood"},
		{"no shape", npyRaw("{'descr': '<f4', 'fortran_order': False, }", nil), "not understood"},
		{"odd order", npyRaw("{'shape': (1,), 'descr': '<f4', 'fortran_order': False}", nil), "not understood"},
		{"complex", npyData("<c8", false, "(1,)", make([]byte, 8)), `element type "<c8"`},
		{"quarter", npyData("<f1", false, "(1,)", make([]byte, 1)), `element type "<f1"`},
		{"text elements", npyData("<U5", false, "(1,)", make([]byte, 20)), `element type "<U5"`},
		{"huge", big("(1000000, 1000000, 1000000)"), "too large"},
		{"overflow", big("(2147483647, 2147483647, 2147483647)"), "too large"},
		{"negative", big("(-1, 4)"), "dimension -1"},
		{"zero", big("(0, 4)"), "dimension 0"},
		{"rank", big("(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "9 dimensions"},
		{"promises much", big("(100000000,)"), "takes 900000000 bytes of memory"},
		{"promises some", big("(1000000,)"), "after 0 elements, want 1000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := files{"a.npy": c.data}.folder(t) + "/a.npy"
			_, err := LoadArray(path, Options{})
			wantError(t, err, path, c.want)
			_, err = Open(path, Options{})
			wantError(t, err, path, c.want)
			inZip := files{"x.npy": c.data}.zip(t, zip.Deflate)
			must(t, os.Rename(inZip, inZip+".npz"))
			_, err = Open(inZip+".npz", Options{})
			wantError(t, err, inZip+".npz", "x: ", c.want)
		})
	}
}

// npzOf writes arrays to an .npz file.
func npzOf(t testing.TB, arrays files) string {
	t.Helper()
	path := arrays.zip(t, zip.Deflate)
	out := strings.TrimSuffix(path, ".zip") + ".npz"
	must(t, os.Rename(path, out))
	return out
}

func TestNPZSets(t *testing.T) {
	x := npyData("|u1", false, "(4, 2, 3)", count(24))
	f := npyData("<f8", false, "(4, 2)", little(0.5, 1, 2, 3, 4, 5, 6, 7))
	y := npyData("<i8", false, "(4,)", little[int64](2, 0, 1, 2))
	hot := npyData("<f4", false, "(4, 3)", little[float32](0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1))
	column := npyData("|u1", false, "(4, 1)", []byte{2, 0, 1, 2})
	labels := []int{2, 0, 1, 2}
	for _, c := range []struct {
		name   string
		arrays files
		part   string
		o      Options
		kind   Kind
		shape  []int
		labels []int
		first  float32 // element 1 of sample 1
	}{
		{"bytes", files{"x.npy": x, "y.npy": y}, "", Options{}, Pixels, []int{1, 2, 3}, labels, 7},
		{"one-hot", files{"x.npy": x, "y.npy": hot}, "", Options{}, Pixels, []int{1, 2, 3}, labels, 7},
		{"label column", files{"x.npy": x, "y.npy": column}, "", Options{}, Pixels, []int{1, 2, 3}, labels, 7},
		{"floats", files{"x.npy": f, "y.npy": y}, "", Options{}, Floats, []int{2}, labels, 3},
		{"key", files{"x.npy": x, "y.npy": y}, "#x", Options{}, Pixels, []int{1, 2, 3}, nil, 7},
		{"other key", files{"x.npy": x, "z.npy": f}, "#z", Options{}, Floats, []int{2}, nil, 3},
		{"only one", files{"data.npy": f}, "", Options{}, Floats, []int{2}, nil, 3},
		{"no labels", files{"x.npy": x, "z.npy": y}, "", Options{}, Pixels, []int{1, 2, 3}, nil, 7},
		{"pair", files{"x_train.npy": x, "y_train.npy": y, "x_test.npy": f}, "#train", Options{}, Pixels, []int{1, 2, 3}, labels, 7},
		{"whole numbers", files{"x.npy": npyData("<i4", false, "(4, 2)", little[int32](0, 1, 2, 255, 4, 5, 6, 7))}, "", Options{}, Pixels, []int{2}, nil, 255},
		{"larger numbers", files{"x.npy": npyData("<i4", false, "(4, 2)", little[int32](0, 1, 2, 256, 4, 5, 6, 7))}, "", Options{}, Floats, []int{2}, nil, 256},
		{"planes of floats", files{"x.npy": npyData("<f4", false, "(2, 1, 2, 2)", little[float32](0, 1, 2, 3, 4, 5, 6, 7))}, "", Options{Channels: 1, Height: 2, Width: 2}, Floats, []int{1, 2, 2}, nil, 5},
		{"rows as planes", files{"x.npy": f}, "", Options{Channels: 2, Height: 1, Width: 1}, Floats, []int{2, 1, 1}, nil, 3},
		{"single numbers", files{"x.npy": npyData("|u1", false, "(3,)", count(3))}, "", Options{}, Pixels, []int{1}, nil, -1},
		{"resized", files{"x.npy": x, "y.npy": y}, "", Options{Channels: 3, Height: 4, Width: 4, Refit: true}, Pixels, []int{3, 4, 4}, labels, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, npzOf(t, c.arrays)+c.part, c.o)
			if s.Kind != c.kind || !slices.Equal(s.Shape, c.shape) || !slices.Equal(s.Labels, c.labels) {
				t.Fatalf("kind %v, shape %v, labels %v", s.Kind, s.Shape, s.Labels)
			}
			if c.labels != nil && len(s.Classes) != 3 {
				t.Errorf("classes %q, want 3", s.Classes)
			}
			if c.first >= 0 {
				if got := floatsOf(t, s, 1)[1]; got != c.first {
					t.Errorf("element 1 of sample 1 is %v, want %v", got, c.first)
				}
			}
			err := s.Pixels(0, make([]byte, s.Elems()))
			if (err == nil) != (c.kind == Pixels) {
				t.Errorf("Pixels of %v: error %v", c.kind, err)
			}
		})
	}
}

// TestNPZTargets reads numbers that a network should deliver.
func TestNPZTargets(t *testing.T) {
	x := npyData("<f8", false, "(2, 3)", little(0.5, 1, 2, 3, 4, 5))
	for _, c := range []struct {
		name, shape string
		data        []float32
		o           Options
		want        [][]float32
		labels      []int
	}{
		{"fractions", "(2,)", []float32{0.5, 7}, Options{Outputs: 1}, [][]float32{{0.5}, {7}}, nil},
		{"whole numbers", "(2, 1)", []float32{1, 0}, Options{Outputs: 1, Values: true}, [][]float32{{1}, {0}}, nil},
		{"rows", "(2, 2)", []float32{1, 2, 3, 4}, Options{Outputs: 2}, [][]float32{{1, 2}, {3, 4}}, nil},
		{"rows like classes", "(2, 2)", []float32{1, 0, 0, 1}, Options{Outputs: 2, Values: true}, [][]float32{{1, 0}, {0, 1}}, nil},
		{"classes", "(2, 2)", []float32{1, 0, 0, 1}, Options{Outputs: 2}, nil, []int{0, 1}},
		{"planes", "(2, 1, 2)", []float32{1, 2, 3, 4}, Options{Outputs: 2}, [][]float32{{1, 2}, {3, 4}}, nil},
		{"of a copy", "(2,)", []float32{1, 0}, Options{Outputs: 3, Values: true, Shape: []int{3}}, nil, []int{1, 0}},
		{"of a copy, without noise", "(2, 3)", []float32{1, 0, 0, 0, 0, 1}, Options{Outputs: 3, Values: true, Shape: []int{3}}, [][]float32{{1, 0, 0}, {0, 0, 1}}, nil},
		{"not wanted", "(2,)", []float32{0.5, 7}, Options{Outputs: 1, NoLabels: true}, nil, nil},
	} {
		path := npzOf(t, files{"x.npy": x, "y.npy": npyData("<f4", false, c.shape, little(c.data...))})
		s := open(t, path, c.o)
		if !slices.EqualFunc(s.Targets, c.want, slices.Equal) || !slices.Equal(s.Labels, c.labels) {
			t.Errorf("%s: targets %v, labels %v, want %v, %v", c.name, s.Targets, s.Labels, c.want, c.labels)
		}
	}
	a := npzOf(t, files{"p.npy": x, "q.npy": x, "y.npy": npyData("<f4", false, "(2,)", little[float32](0.5, 7))})
	s, err := OpenInputs(filepath.Dir(a), []Port{{"p", Options{Outputs: 1}}, {"q", Options{Outputs: 1}}})
	must(t, err)
	if len(s.Targets) != 2 || s.Targets[1][0] != 7 {
		t.Errorf("of several inputs: targets %v", s.Targets)
	}
}

func TestLayout(t *testing.T) {
	data := count(2 * 4 * 4 * 3)
	for _, c := range []struct {
		shape string
		o     Options
		want  []int
		first []byte // of sample 0
	}{
		{"(2, 4, 4, 3)", Options{}, []int{3, 4, 4}, []byte{0, 3, 6}},
		{"(2, 3, 4, 4)", Options{}, []int{3, 4, 4}, []byte{0, 1, 2}},
		{"(2, 4, 4, 3)", Options{Layout: "nchw"}, []int{4, 4, 3}, []byte{0, 1, 2}},
		{"(2, 3, 4, 4)", Options{Layout: "nhwc"}, []int{4, 3, 4}, []byte{0, 4, 8}},
		{"(2, 4, 4, 3)", Options{Channels: 3, Height: 4, Width: 4}, []int{3, 4, 4}, []byte{0, 3, 6}},
		{"(8, 1, 4, 3)", Options{Channels: 3}, []int{3, 1, 4}, []byte{0, 3, 6}},
		{"(8, 1, 4, 3)", Options{Channels: 1}, []int{1, 4, 3}, []byte{0, 1, 2}},
	} {
		s := open(t, npzOf(t, files{"x.npy": npyData("|u1", false, c.shape, data)}), c.o)
		if got := pixelsOf(t, s, 0)[:3]; !slices.Equal(s.Shape, c.want) || !bytes.Equal(got, c.first) {
			t.Errorf("%s with %+v: shape %v, starts with %v, want %v and %v", c.shape, c.o, s.Shape, got, c.want, c.first)
		}
	}
}

func TestNPZErrors(t *testing.T) {
	x := npyData("|u1", false, "(4, 2, 3)", count(24))
	f := npyData("<f4", false, "(2, 2)", little[float32](0, 1, 2, float32(math.NaN())))
	y := func(descr, shape string, data []byte) files {
		return files{"x.npy": x, "y.npy": npyData(descr, false, shape, data)}
	}
	for _, c := range []struct {
		name   string
		arrays files
		part   string
		o      Options
		want   []string
	}{
		{"no x", files{"a.npy": x, "b.npy": x}, "", Options{}, []string{`no array "x"`, "a, b", "#a"}},
		{"no key", files{"x.npy": x}, "#z", Options{}, []string{`no array "z"`, `"x_z"`, "there are: x"}},
		{"no arrays", files{}, "", Options{}, []string{"holds no arrays"}},
		{"label count", y("|u1", "(3,)", count(3)), "", Options{}, []string{"y: ", "[3]", "4 samples"}},
		{"label rank", y("|u1", "(4, 1, 1)", count(4)), "", Options{}, []string{"y: ", "one-hot"}},
		{"label scalar", y("|u1", "()", count(1)), "", Options{}, []string{"y: "}},
		{"label fraction", y("<f4", "(4,)", little[float32](0, 1, 0.5, 1)), "", Options{}, []string{"y: entry 2 is 0.5"}},
		{"label negative", y("<i4", "(4,)", little[int32](0, 1, -1, 1)), "", Options{}, []string{"y: entry 2 is -1"}},
		{"label large", y("<i4", "(4,)", little[int32](0, 1, 1, 1<<20)), "", Options{}, []string{"entry 3", "65535"}},
		{"label NaN", y("<f4", "(4,)", little(float32(math.NaN()), 1, 1, 1)), "", Options{}, []string{"entry 0 is NaN"}},
		{"two hot", y("|u1", "(4, 2)", []byte{0, 1, 1, 0, 1, 1, 0, 1}), "", Options{}, []string{"row 2 is not one-hot"}},
		{"none hot", y("|u1", "(4, 2)", []byte{0, 1, 1, 0, 0, 0, 0, 1}), "", Options{}, []string{"row 2 is not one-hot"}},
		{"targets for another network", y("<f4", "(4, 2)", little[float32](0, 1, .5, 1, 0, 1, 0, 1)), "", Options{Outputs: 3}, []string{"y: row 1 is not one-hot", "or give 3 targets for each sample"}},
		{"targets too few", y("<f4", "(4,)", little[float32](0, 1, 2, 1)), "", Options{Outputs: 3, Values: true, Shape: []int{1, 2, 3}}, []string{"y: 1 targets for each sample, the network has 3 outputs", "--no-labels"}},
		{"target NaN", y("<f4", "(4,)", little(float32(math.NaN()), 1, 1, 1)), "", Options{Outputs: 1, Values: true}, []string{"y: entry 0: target 0 is NaN"}},
		{"targets of classes", y("<f4", "(4, 2)", little[float32](0, 1, .5, 1, 0, 1, 0, 1)), "", Options{Outputs: 2, Classified: true}, []string{"y: row 1 is not one-hot"}},
		{"not a number", files{"x.npy": f}, "", Options{}, []string{"x[1]: element 1 is NaN"}},
		{"shape", files{"x.npy": npyData("<f4", false, "(1, 2)", little[float32](.5, 1))}, "", Options{Channels: 3, Height: 2, Width: 2}, []string{"rows of 2 numbers, want 12"}},
		{"float size", files{"x.npy": npyData("<f4", false, "(1, 1, 2, 1)", little[float32](.5, 1))}, "", Options{Height: 2, Width: 2}, []string{"[1 2 1]", "[1 2 2]", "only pixels"}},
		{"two channels", files{"x.npy": npyData("|u1", false, "(1, 2, 2, 2)", count(8))}, "", Options{Height: 4, Width: 4}, []string{"1 or 3 channels"}},
		{"rank", files{"x.npy": npyData("|u1", false, "(1, 1, 2, 2, 2)", count(8))}, "", Options{Channels: 1}, []string{"want pictures [C,H,W]"}},
		{"limit", files{"x.npy": x}, "", Options{MaxMemory: 23}, []string{"takes 40 bytes of memory, want at most 23", "--max-memory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := npzOf(t, c.arrays) + c.part
			_, err := Open(spec, c.o)
			wantError(t, err, spec, c.want...)
		})
	}
	bad := files{"a.npz": []byte("PK no zip")}.folder(t) + "/a.npz"
	_, err := Open(bad, Options{})
	wantError(t, err, bad, "not a readable .npz")

	s := open(t, npzOf(t, files{"x.npy": f}), Options{SkipBad: true})
	if s.Len() != 1 || len(s.Skipped) != 1 || !strings.HasPrefix(s.Skipped[0], "x[1]: ") {
		t.Errorf("with SkipBad: %d samples, skipped %q", s.Len(), s.Skipped)
	}
}

func TestNPYSet(t *testing.T) {
	data := npyData("<f4", false, "(3, 2)", little[float32](0, 1, 2, 3, 4, 5.5))
	dir := files{"a.npy": data, "b.npy.gz": gz(t, data), "c": data}.folder(t)
	for _, name := range []string{"a.npy", "b.npy.gz", "c"} {
		s := open(t, dir+"/"+name, Options{})
		if got := floatsOf(t, s, 2); s.Len() != 3 || !slices.Equal(got, []float32{4, 5.5}) || s.Name(2) != "array[2]" {
			t.Errorf("%s: %d samples, the last %q is %v", name, s.Len(), s.Name(2), got)
		}
	}
	_, err := Open(dir+"/a.npy#x", Options{})
	wantError(t, err, dir+"/a.npy#x", "no parts")
}
