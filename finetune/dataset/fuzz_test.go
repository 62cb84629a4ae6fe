package dataset

import (
	"archive/zip"
	"bytes"
	"flag"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"qconv/runtime/printable"
)

// TestMain lets a fuzzer spend only some runs on making an input smaller that reached new code. By default that is a minute
// each, in which nothing new is tried; -fuzzminimizetime still says otherwise.
func TestMain(m *testing.M) {
	flag.Set("test.fuzzminimizetime", "100x")
	os.Exit(m.Run())
}

// fuzzOptions keep a fuzzed file from taking much memory or time by right.
var fuzzOptions = Options{MaxMemory: 1 << 18, CacheBytes: -1}

// fuzzSamples bounds the samples that are read of a fuzzed file.
const fuzzSamples = 64

// checkOpen opens data as a file of the given name, reads samples and demands that labels and values obey
// their contracts, and that errors are one line of what can be printed.
func checkOpen(t *testing.T, name string, data []byte) {
	o := fuzzOptions
	o.Files = fstest.MapFS{name: {Data: data}}
	s, err := Open(name, o)
	if err != nil {
		checkPrintable(t, err.Error())
		return
	}
	defer s.Close()
	dst := make([]float32, s.Elems())
	for i := range min(s.Len(), fuzzSamples) {
		checkPrintable(t, s.Name(i))
		if s.Labels != nil && (s.Labels[i] < 0 || s.Labels[i] >= len(s.Classes)) {
			t.Fatalf("label %d of %d classes", s.Labels[i], len(s.Classes))
		}
		if err := s.Floats(i, dst); err != nil {
			checkPrintable(t, err.Error())
			continue
		}
		for _, v := range dst {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) || s.Kind == Pixels && (v < 0 || v > 255) {
				t.Fatalf("sample %d of %v holds %v", i, s.Kind, v)
			}
		}
	}
}

func checkPrintable(t *testing.T, text string) {
	t.Helper()
	if printable.Text(text) != text || strings.ContainsAny(text, "\n\t") {
		t.Errorf("text holds what cannot be printed: %q", text)
	}
}

// checkInput loads data as a file of the given name, as the input of a network.
func checkInput(t *testing.T, name string, data []byte) {
	for _, shape := range [][]int{nil, {1, 2, 3}} {
		in, err := LoadInput(name, Options{Shape: shape, MaxMemory: fuzzOptions.MaxMemory, Files: fstest.MapFS{name: {Data: data}}})
		if err != nil {
			checkPrintable(t, err.Error())
			continue
		}
		n := len(in.Floats)
		if in.Kind == Pixels {
			n = len(in.Pixels)
		}
		if in.Count < 1 || n != in.Count*elems(in.Shape) || shape != nil && elems(in.Shape) != 6 {
			t.Fatalf("%d samples of %v have %d elements", in.Count, in.Shape, n)
		}
	}
}

// checkTargets opens data for networks that deliver one number, and two.
func checkTargets(t *testing.T, name string, data []byte) {
	for outputs := 1; outputs <= 2; outputs++ {
		o := Options{Shape: []int{1}, Outputs: outputs, Values: outputs == 1, MaxMemory: fuzzOptions.MaxMemory, Files: fstest.MapFS{name: {Data: data}}}
		s, err := Open(name, o)
		if err != nil {
			checkPrintable(t, err.Error())
			continue
		}
		if s.Targets != nil && (len(s.Targets) != s.Len() || s.Labels != nil) {
			t.Fatalf("%d targets and %d labels of %d samples", len(s.Targets), len(s.Labels), s.Len())
		}
		for i, target := range s.Targets {
			if len(target) != outputs || slices.ContainsFunc(target, notFinite) {
				t.Fatalf("sample %d has the targets %v, want %d finite numbers", i, target, outputs)
			}
		}
		s.Close()
	}
}

func FuzzNPY(f *testing.F) {
	f.Add(npyData("<f4", true, "(2, 3)", make([]byte, 24)))
	f.Add(npyData("|u1", false, "(2, 3, 1)", make([]byte, 6)))
	f.Add(npyRaw("{'shape': (1,), 'descr': '<f4', 'fortran_order': False}", nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkOpen(t, "a.npy", data)
		checkInput(t, "a.npy", data)
	})
}

func FuzzNPZ(f *testing.F) {
	arrays := files{"x.npy": npyData("<i2", false, "(2, 3)", make([]byte, 12)), "y.npy": npyData("|u1", false, "(2, 1)", []byte{0, 1})}
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		f.Add(arrays.zipped(f, method))
		f.Add(files{"z": npyData("<f8", true, "(2, 3)", make([]byte, 48))}.zipped(f, method))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkOpen(t, "a.npz", data)
		checkTargets(t, "a.npz", data)
		checkInput(t, "a.npz", data)
	})
}

func FuzzIDX(f *testing.F) {
	f.Add(idxData([]int{2, 3, 4}, make([]byte, 24)))
	f.Add(gz(f, idxData([]int{2, 3, 4}, make([]byte, 24))))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkOpen(t, "train-images-idx3-ubyte", data)
		checkInput(t, "a.idx3", data)
	})
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,label\n1,x\n2,y\n"))
	f.Add([]byte("a;y\n1;0.0\n2;\"1\"\n"))
	f.Add([]byte("1,0.5,2\n3,-1,7\n"))
	f.Add([]byte("u,a,v\n1,2,3\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkOpen(t, "a.csv", data)
		checkTargets(t, "a.csv", data)
	})
}

func FuzzZip(f *testing.F) {
	fs := files{"a/1.png": grayPNG(f, 2, 2, 0), "b/1.gif": encode(f, "gif", ramp(2, 2, 0))}
	idx := files{"train-images-idx3-ubyte": idxData([]int{1, 2, 2}, make([]byte, 4)), "train-labels-idx1-ubyte": idxData([]int{1}, []byte{1})}
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		f.Add(fs.zipped(f, method))
		f.Add(idx.zipped(f, method))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkOpen(t, "a.zip", data) })
}

func FuzzPicture(f *testing.F) {
	for _, kind := range []string{"png", "jpg", "gif", "bmp"} {
		f.Add(encode(f, kind, ramp(5, 3, 0)))
	}
	f.Add(onePixelWebP(f))
	f.Fuzz(func(t *testing.T, data []byte) { checkInput(t, "a.png", data) })
}

// TestBitFlips opens each file with each of its bits flipped.
func TestBitFlips(t *testing.T) {
	for name, data := range map[string][]byte{
		"a.npy":                   npyData("<f4", true, "(2, 3)", make([]byte, 24)),
		"a.npz":                   files{"x.npy": npyData("|u1", false, "(1, 2)", make([]byte, 2))}.zipped(t, zip.Store),
		"train-images-idx3-ubyte": idxData([]int{2, 3, 1}, make([]byte, 6)),
		"a.csv":                   []byte("a,b,label\n1,2.5,x\n2,-3,y\n"),
		"a.zip":                   files{"a/1.png": grayPNG(t, 2, 2, 0)}.zipped(t, zip.Store),
	} {
		for i := range 8 * len(data) {
			flipped := bytes.Clone(data)
			flipped[i/8] ^= 1 << (i % 8)
			checkOpen(t, name, flipped)
		}
	}
}
