package dataset

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// tarFile is a file of an archive.
type tarFile struct {
	name string
	data []byte
}

// writeTar writes an archive.
func writeTar(t testing.TB, path string, files ...tarFile) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		w.Write(f.data)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shadePNG is a picture of 2x2 pixels of one value.
func shadePNG(value byte) []byte {
	m := image.NewGray(image.Rect(0, 0, 2, 2))
	for i := range m.Pix {
		m.SetGray(i%2, i/2, color.Gray{Y: value})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// npyOf is an .npy file of float32.
func npyOf(shape string, values ...float32) []byte {
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n", shape)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))
	b = append(b, head...)
	for _, v := range values {
		b, _ = binary.Append(b, binary.LittleEndian, v)
	}
	return b
}

// TestTarPictures reads pictures with classes from one archive, several by a pattern and a folder of them, all the same.
func TestTarPictures(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("x", 150) // takes a header of its own
	first := []tarFile{
		{"./a/000.png", shadePNG(10)}, {"./a/000.cls", []byte("2\n")}, {"./a/000.json", []byte("{}")},
		{"001.cls", []byte("0")}, {"001.png", shadePNG(20)}, {"._001.png", []byte("left behind")},
	}
	second := []tarFile{{long + ".png", shadePNG(30)}, {long + ".cls", []byte("1")}}
	writeTar(t, filepath.Join(dir, "one.tar"), append(slices.Clone(first), second...)...)
	for _, shards := range []string{"s", "parts/train/s"} {
		writeTar(t, filepath.Join(dir, shards+"-08.tar"), first...)
		writeTar(t, filepath.Join(dir, shards+"-09.tar"))
		writeTar(t, filepath.Join(dir, shards+"-10.tar"), second...)
	}
	for _, spec := range []string{"one.tar", "s-{08..10}.tar", "parts/train", "parts#train"} {
		for _, room := range []int64{0, -1} {
			s, err := Open(filepath.Join(dir, spec), Options{CacheBytes: room})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if s.Len() != 3 || !slices.Equal(s.Labels, []int{2, 0, 1}) || !slices.Equal(s.Shape, []int{1, 2, 2}) || len(s.Classes) != 3 {
				t.Fatalf("%s: %d samples of %v, labels %v", spec, s.Len(), s.Shape, s.Labels)
			}
			if err := s.Preload(t.Context(), 2, nil); err != nil {
				t.Error(err)
			}
			for i, want := range []byte{10, 20, 30} {
				got := make([]byte, 4)
				if err := s.Pixels(i, got); err != nil || got[3] != want {
					t.Errorf("%s: sample %d is %v (%v), want %d", spec, i, got, err, want)
				}
			}
			if n := s.Name(1); !strings.HasSuffix(n, ".tar/001.png") {
				t.Errorf("%s: sample 1 is called %s", spec, n)
			}
			part, err := Open(filepath.Join(dir, spec), Options{Limit: 2, Seed: 5})
			if err != nil || part.Len() != 2 || part.Label(0) == part.Label(1) {
				t.Errorf("%s: two samples: %v", spec, err)
			}
			part.Close()
		}
	}
}

// TestTarArrays reads arrays of numbers.
func TestTarArrays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.tar")
	writeTar(t, path, tarFile{"0.npy", npyOf("(3,)", 1, 2, 3)}, tarFile{"1.npy", npyOf("(3,)", 4, 5, 6)}, tarFile{"2.npy", npyOf("(2,)", 7, 8)})
	for _, shape := range [][]int{nil, {3}} {
		s, err := Open(path, Options{Shape: shape})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		got := make([]float32, 3)
		if err := s.Floats(1, got); err != nil || !slices.Equal(got, []float32{4, 5, 6}) || s.Labels != nil || s.Kind != Floats {
			t.Errorf("got %v of kind %v (%v)", got, s.Kind, err)
		}
		if err := s.Preload(t.Context(), 0, nil); err == nil || !strings.Contains(err.Error(), "a.tar/2.npy") {
			t.Errorf("an array of another shape: %v", err)
		}
		good, err := Open(path, Options{Shape: shape, SkipBad: true})
		if err != nil || good.Len() != 2 || len(good.Skipped) != 1 {
			t.Errorf("without broken ones: %v", err)
		}
		good.Close()
	}
}

// TestTarBroken wants every fault named, with its archive.
func TestTarBroken(t *testing.T) {
	dir := t.TempDir()
	picture := shadePNG(1)
	at := func(name string, files ...tarFile) string {
		path := filepath.Join(dir, name)
		writeTar(t, path, files...)
		return path
	}
	cut := at("cut.tar", tarFile{"0.png", picture}, tarFile{"1.png", bytes.Repeat(picture, 30)})
	whole, err := os.ReadFile(cut)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"cut.tar": whole[:1024+700], "text.tar": []byte(strings.Repeat("no archive ", 100)), "a.tar.gz": whole} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for spec, want := range map[string]string{
		cut:                                "cut.tar: not a readable tar file",
		filepath.Join(dir, "text.tar"):     "text.tar: not a readable tar file, at byte 0",
		filepath.Join(dir, "a.tar.gz"):     "a compressed tar file",
		filepath.Join(dir, "x-{1..2}.tar"): "no file or folder",
		filepath.Join(dir, "x-{2..1}.tar"): "no range of at most",
		cut + "#train":                     "no parts to choose",
		at("none.tar", tarFile{"readme.txt", []byte("x")}):                                                  "no samples found",
		at("half.tar", tarFile{"0.png", picture}, tarFile{"1.png", picture}, tarFile{"1.cls", []byte("1")}): "half.tar/0.png: has no .cls",
		at("lone.tar", tarFile{"0.cls", []byte("1")}, tarFile{"1.png", picture}):                            "0.cls has no picture",
		at("word.tar", tarFile{"0.cls", []byte("cat")}, tarFile{"0.png", picture}):                          "0.cls: cat, want a class index",
		at("two.tar", tarFile{"0.png", picture}, tarFile{"0.jpg", picture}):                                 "0.jpg: a second picture",
		at("mixed.tar", tarFile{"0.png", picture}, tarFile{"1.npy", npyOf("(1,)", 1)}):                      "1.npy: pictures and arrays",
		at("broken.tar", tarFile{"0.png", []byte("no picture")}):                                            "broken.tar/0.png: not an image",
	} {
		s, err := Open(spec, Options{})
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", filepath.Base(spec), err, want)
		}
	}
}

// TestTarMemory wants the index of many samples to take few bytes for each.
func TestTarMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "many.tar")
	const samples = 20000
	var files []tarFile
	for i := range samples {
		files = append(files, tarFile{fmt.Sprintf("%06d.npy", i), npyOf("(1,)", float32(i))}, tarFile{fmt.Sprintf("%06d.cls", i), []byte("1")})
	}
	writeTar(t, path, files...)
	files = nil
	var s *Set
	bytes := allocatedAfter(func() {
		var err error
		if s, err = Open(path, Options{CacheBytes: -1}); err != nil {
			t.Fatal(err)
		}
	})
	defer s.Close()
	if each := float64(bytes) / samples; each > 48 {
		t.Errorf("%.0f bytes for each sample, want at most 48", each)
	}
	got := make([]float32, 1)
	if err := s.Floats(samples-1, got); err != nil || got[0] != samples-1 {
		t.Errorf("the last sample is %v (%v)", got, err)
	}
}

// allocatedAfter is by how many bytes the heap grows with what a function leaves.
func allocatedAfter(work func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	work()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}
