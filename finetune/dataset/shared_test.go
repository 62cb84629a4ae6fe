package dataset

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"qconv/runtime/idx"
)

// shared finds a file of the data that lie beside the repository.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not there: the data set is needed for this test", path)
	}
	return path
}

func TestSharedMNIST(t *testing.T) {
	dir := shared(t, "data/mnist10k")
	for _, c := range []struct {
		part, labels string
		counts       []int
	}{
		{"train", "train-labels-idx1-ubyte.gz", []int{801, 902, 793, 826, 784, 690, 811, 856, 755, 782}},
		{"test", "t10k-labels-idx1-ubyte.gz", []int{200, 225, 198, 206, 196, 173, 203, 214, 189, 196}},
	} {
		s := open(t, dir+"#"+c.part, Options{})
		if !slices.Equal(s.Counts(), c.counts) || !slices.Equal(s.Shape, []int{1, 28, 28}) || len(s.Classes) != 10 {
			t.Errorf("%s: counts %v, shape %v, classes %q", c.part, s.Counts(), s.Shape, s.Classes)
		}
		r, err := idx.Open(filepath.Join(dir, c.labels))
		must(t, err)
		defer r.Close()
		first := make([]byte, 20)
		must(t, r.Next(first))
		for i, l := range first {
			if s.Labels[i] != int(l) {
				t.Errorf("%s: label %d is %d, want %d", c.part, i, s.Labels[i], l)
			}
		}
	}
	train, test := open(t, dir+"#train", Options{}), open(t, dir+"#test", Options{})
	if n := Overlap(train, test); n != 0 {
		t.Errorf("%d test images are in train, want 0", n)
	}
}

func TestSharedCIFAR(t *testing.T) {
	path := shared(t, "data/cifar10.zip")
	for part, n := range map[string]int{"train": 5000, "test": 1000} {
		s := open(t, path+"#"+part, Options{})
		if !slices.Equal(s.Counts(), slices.Repeat([]int{n}, 10)) || !slices.Equal(s.Shape, []int{3, 32, 32}) {
			t.Errorf("%s: counts %v, shape %v", part, s.Counts(), s.Shape)
		}
		want := []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
		if !slices.Equal(s.Classes, want) {
			t.Errorf("%s: classes %q", part, s.Classes)
		}
		if s.Name(n) != part+"/automobile/0000.jpg" {
			t.Errorf("%s: sample %d is %q", part, n, s.Name(n))
		}
	}
	_, err := Open(path, Options{})
	wantError(t, err, path, "test, train")
}

// TestSharedTwins compares JPEGs with their lossless twins: about 8 grey levels apart,
// while other pictures are about 70.
func TestSharedTwins(t *testing.T) {
	jpegs := open(t, shared(t, "data/cifar10.zip")+"#test", Options{})
	pngs := open(t, shared(t, "data/cifar10_png_subset.zip")+"#test", Options{})
	if want := []int{105, 93, 100, 104, 92, 87, 114, 102, 110, 110}; !slices.Equal(pngs.Counts(), want) {
		t.Errorf("counts %v, want %v", pngs.Counts(), want)
	}
	must(t, pngs.Preload(context.Background(), 0, nil))
	byName := map[string]int{}
	for i := range jpegs.Len() {
		byName[jpegs.Name(i)] = i
	}
	for i := 0; i < pngs.Len(); i += 20 {
		name := pngs.Name(i)
		k, ok := byName[name[:len(name)-len("png")]+"jpg"]
		if !ok {
			t.Fatalf("%s has no twin", name)
		}
		a, b := pixelsOf(t, pngs, i), pixelsOf(t, jpegs, k)
		sum := 0
		for j := range a {
			d := int(a[j]) - int(b[j])
			sum += d * d
		}
		if rms2 := sum / len(a); rms2 > 18*18 {
			t.Errorf("%s: mean square distance to its twin is %d, want at most 324", name, rms2)
		}
	}
}

func TestSharedReference(t *testing.T) {
	npz := shared(t, "models/mnist_mlp.ref.npz")
	in, err := LoadInput(npz+"#x0", Options{Shape: []int{1, 28, 28}})
	must(t, err)
	y, err := LoadArray(npz+"#y0", Options{})
	must(t, err)
	if in.Count != 8 || in.Kind != Floats || !slices.Equal(y.Shape, []int{8, 10}) {
		t.Fatalf("%d samples of %v, outputs %v", in.Count, in.Kind, y.Shape)
	}
	// The reference inputs are the first test digits of classes 0..7.
	s := open(t, shared(t, "data/mnist10k")+"#test", Options{})
	for class := range 8 {
		want := pixelsOf(t, s, slices.Index(s.Labels, class))
		got := make([]byte, 784)
		for k := range got {
			got[k] = byte(in.Floats[class*784+k]*255 + 0.5)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("reference input %d is not the first %d", class, class)
		}
	}
}

func BenchmarkDecodeCIFAR(b *testing.B) {
	s := open(b, shared(b, "data/cifar10.zip")+"#test", Options{CacheBytes: -1})
	dst := make([]byte, s.Elems())
	i := 0
	for b.Loop() {
		must(b, s.Pixels(i%s.Len(), dst))
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}

func BenchmarkDecodeCIFARParallel(b *testing.B) {
	s := open(b, shared(b, "data/cifar10.zip")+"#test", Options{CacheBytes: -1})
	s = s.Sample(2000, 1)
	for b.Loop() {
		must(b, s.Preload(context.Background(), 0, nil))
	}
	b.ReportMetric(float64(b.N*s.Len())/b.Elapsed().Seconds(), "images/s")
}

func BenchmarkCached(b *testing.B) {
	s := open(b, shared(b, "data/cifar10.zip")+"#test", Options{Limit: 1000})
	must(b, s.Preload(context.Background(), 0, nil))
	for _, kind := range []string{"pixels", "floats"} {
		b.Run(kind, func(b *testing.B) {
			p, f := make([]byte, s.Elems()), make([]float32, s.Elems())
			i := 0
			for b.Loop() {
				if kind == "pixels" {
					must(b, s.Pixels(i%s.Len(), p))
				} else {
					must(b, s.Floats(i%s.Len(), f))
				}
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

func BenchmarkResizeCIFAR(b *testing.B) {
	s := open(b, shared(b, "data/cifar10.zip")+"#test", Options{Height: 96, Width: 96, CacheBytes: -1})
	dst := make([]byte, s.Elems())
	i := 0
	for b.Loop() {
		must(b, s.Pixels(i%s.Len(), dst))
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}

func BenchmarkOpenCIFAR(b *testing.B) {
	path := shared(b, "data/cifar10.zip") + "#train"
	for b.Loop() {
		s, err := Open(path, Options{})
		must(b, err)
		s.Close()
	}
}
