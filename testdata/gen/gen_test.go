package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

var fileNames = []string{
	"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
	"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
}

func fonts(t *testing.T) []digits {
	t.Helper()
	f, err := loadFonts()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func readFile(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// unzip returns the contents, which another release of compress/gzip may pack differently.
func unzip(t *testing.T, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestBundledFilesAreReproduced(t *testing.T) {
	dir := t.TempDir()
	if err := run(dir, bundledSeed, bundledTrain, bundledTest); err != nil {
		t.Fatal(err)
	}
	for _, name := range fileNames {
		got, want := readFile(t, dir, name), readFile(t, "../digits", name)
		if !bytes.Equal(unzip(t, got), unzip(t, want)) {
			t.Errorf("%s: drawn again, the contents differ from testdata/digits", name)
		}
	}
}

func TestRunTwiceGivesTheSameBytes(t *testing.T) {
	a, b, other := t.TempDir(), t.TempDir(), t.TempDir()
	for _, c := range []struct {
		dir  string
		seed uint64
	}{{a, 7}, {b, 7}, {other, 8}} {
		if err := run(c.dir, c.seed, 30, 20); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range fileNames {
		if !bytes.Equal(readFile(t, a, name), readFile(t, b, name)) {
			t.Errorf("%s: two runs with the same seed differ", name)
		}
		if bytes.Equal(readFile(t, a, name), readFile(t, other, name)) {
			t.Errorf("%s: seeds 7 and 8 give the same file", name)
		}
	}
}

func TestDrawSet(t *testing.T) {
	const count = 40
	images, labels := drawSet(fonts(t), 3, trainStream, count)
	if len(images) != count*side*side || len(labels) != count {
		t.Fatalf("got %d pixels and %d labels, want %d and %d", len(images), len(labels), count*side*side, count)
	}
	for start := 0; start < count; start += 10 {
		seen := map[byte]bool{}
		for _, label := range labels[start : start+10] {
			seen[label] = true
		}
		if len(seen) != 10 {
			t.Errorf("images %d to %d hold %d different digits, want 10", start, start+9, len(seen))
		}
	}
	levels := map[byte]bool{}
	for _, p := range images {
		levels[p] = true
	}
	if len(levels) != greys || !levels[0] || !levels[255] {
		t.Errorf("got %d grey levels (0: %t, 255: %t), want %d with both ends", len(levels), levels[0], levels[255], greys)
	}
	for i := range count {
		bright := 0
		for _, p := range images[i*side*side:][:side*side] {
			if p >= 64 {
				bright++
			}
		}
		if bright < 20 || bright > side*side/2 {
			t.Errorf("image %d has %d bright pixels, want [20,%d]", i, bright, side*side/2)
		}
	}
	fewer, _ := drawSet(fonts(t), 3, trainStream, 10)
	if !bytes.Equal(fewer, images[:len(fewer)]) {
		t.Error("a smaller set is not the beginning of a larger one")
	}
	test, _ := drawSet(fonts(t), 3, testStream, count)
	if bytes.Equal(test, images) {
		t.Error("the training and the test set hold the same images")
	}
}

func TestOutlinesHaveHeightOneAroundTheOrigin(t *testing.T) {
	const slack = 0.01
	for i, f := range fonts(t) {
		for d, o := range f {
			low, high := 1.0, -1.0
			for _, polygon := range o {
				for _, p := range polygon {
					low, high = min(low, p.y), max(high, p.y)
				}
			}
			if low < -0.5-slack || low > -0.5+slack || high < 0.5-slack || high > 0.5+slack {
				t.Errorf("font %d, digit %d reaches from %.3f to %.3f, want -0.5 to 0.5", i, d, low, high)
			}
		}
	}
}

func TestEncodeIDX(t *testing.T) {
	got, err := encodeIDX([]int{2, 3}, []byte{1, 2, 3, 4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6}
	if plain := unzip(t, got); !bytes.Equal(plain, want) {
		t.Errorf("got % x, want % x", plain, want)
	}
	if _, err := encodeIDX([]int{2, 3}, make([]byte, 5)); err == nil {
		t.Error("5 elements passed as shape [2 3], want an error")
	}
}
