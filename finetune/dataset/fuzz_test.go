package dataset

import (
	"archive/zip"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fuzzOptions keep a fuzzed file from taking much memory by right.
var fuzzOptions = Options{MaxBytes: 1 << 20, CacheBytes: -1}

// checkOpen writes the file to dir, opens it, reads every sample and demands that labels and values obey
// their contracts, and that errors are one line.
func checkOpen(t *testing.T, dir, name string, data []byte) {
	path := filepath.Join(dir, name)
	defer os.Remove(path)
	must(t, os.WriteFile(path, data, 0o644))
	s, err := Open(path, fuzzOptions)
	if err != nil {
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("error has several lines: %q", err)
		}
		return
	}
	defer s.Close()
	dst := make([]float32, s.Elems())
	for i := range s.Len() {
		if s.Labels != nil && (s.Labels[i] < 0 || s.Labels[i] >= len(s.Classes)) {
			t.Fatalf("label %d of %d classes", s.Labels[i], len(s.Classes))
		}
		if err := s.Floats(i, dst); err != nil {
			continue
		}
		for _, v := range dst {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) || s.Kind == Pixels && (v < 0 || v > 255) {
				t.Fatalf("sample %d of %v holds %v", i, s.Kind, v)
			}
		}
	}
}

func FuzzNPY(f *testing.F) {
	f.Add(npyData("<f4", true, "(2, 3)", make([]byte, 24)))
	f.Add(npyData("|u1", false, "(2, 3, 1)", make([]byte, 6)))
	f.Add(npyRaw("{'shape': (1,), 'descr': '<f4', 'fortran_order': False}", nil))
	f.Fuzz(func(t *testing.T, data []byte) { checkOpen(t, t.TempDir(), "a.npy", data) })
}

func FuzzIDX(f *testing.F) {
	f.Add(idxData([]int{2, 3, 4}, make([]byte, 24)))
	f.Add(gz(f, idxData([]int{2, 3, 4}, make([]byte, 24))))
	f.Fuzz(func(t *testing.T, data []byte) { checkOpen(t, t.TempDir(), "train-images-idx3-ubyte", data) })
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,label\n1,x\n2,y\n"))
	f.Add([]byte("a;y\n1;0.0\n2;\"1\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) { checkOpen(t, t.TempDir(), "a.csv", data) })
}

func FuzzZip(f *testing.F) {
	fs := files{"a/1.png": grayPNG(f, 2, 2, 0), "b/1.gif": encode(f, "gif", ramp(2, 2, 0))}
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		data, err := os.ReadFile(fs.zip(f, method))
		must(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkOpen(t, t.TempDir(), "a.zip", data) })
}

// TestBitFlips opens each file with each of its bits flipped.
func TestBitFlips(t *testing.T) {
	inZip, err := os.ReadFile(files{"a/1.png": grayPNG(t, 2, 2, 0)}.zip(t, zip.Store))
	must(t, err)
	for name, data := range map[string][]byte{
		"a.npy":                   npyData("<f4", true, "(2, 3)", make([]byte, 24)),
		"train-images-idx3-ubyte": idxData([]int{2, 3, 1}, make([]byte, 6)),
		"a.csv":                   []byte("a,b,label\n1,2.5,x\n2,-3,y\n"),
		"a.zip":                   inZip,
	} {
		dir := t.TempDir()
		for i := range 8 * len(data) {
			flipped := bytes.Clone(data)
			flipped[i/8] ^= 1 << (i % 8)
			checkOpen(t, dir, name, flipped)
		}
	}
}
