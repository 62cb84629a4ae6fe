package dataset

import (
	"archive/zip"
	"bytes"
	"slices"
	"testing"
)

// digits is a small relative of MNIST: 6 training and 4 test images of 3x2 pixels.
func digits(t testing.TB, zipped bool) files {
	pack := func(b []byte) []byte { return b }
	end := ""
	if zipped {
		pack, end = func(b []byte) []byte { return gz(t, b) }, ".gz"
	}
	return files{
		"train-images-idx3-ubyte" + end: pack(idxData([]int{6, 2, 3}, count(36))),
		"train-labels-idx1-ubyte" + end: pack(idxData([]int{6}, []byte{0, 1, 2, 0, 1, 2})),
		"t10k-images.idx3-ubyte" + end:  pack(idxData([]int{4, 2, 3}, count(24))),
		"t10k-labels.idx1-ubyte" + end:  pack(idxData([]int{4}, []byte{3, 2, 1, 0})),
	}
}

func TestIDX(t *testing.T) {
	plain, zipped := digits(t, false), digits(t, true)
	inFolder := files{}
	for name, data := range zipped {
		inFolder["MNIST/raw/"+name] = data
	}
	noLabels := files{"train-images-idx3-ubyte": plain["train-images-idx3-ubyte"]}
	for _, c := range []struct {
		name, spec string
		n          int
		labels     []int
	}{
		{"train", plain.folder(t) + "#train", 6, []int{0, 1, 2, 0, 1, 2}},
		{"test", plain.folder(t) + "#test", 4, []int{3, 2, 1, 0}},
		{"t10k", plain.folder(t) + "#t10k", 4, []int{3, 2, 1, 0}},
		{"gzip", zipped.folder(t) + "#train", 6, []int{0, 1, 2, 0, 1, 2}},
		{"in zip", plain.zip(t, zip.Deflate) + "#test", 4, []int{3, 2, 1, 0}},
		{"gzip in zip", zipped.zip(t, zip.Store) + "#test", 4, []int{3, 2, 1, 0}},
		{"folder in folder", inFolder.folder(t) + "#train", 6, []int{0, 1, 2, 0, 1, 2}},
		{"by path", plain.folder(t) + "/train-images-idx3-ubyte", 6, []int{0, 1, 2, 0, 1, 2}},
		{"by path, gzip", zipped.folder(t) + "/t10k-images.idx3-ubyte.gz", 4, []int{3, 2, 1, 0}},
		{"only one part", noLabels.folder(t), 6, nil},
		{"no labels", noLabels.folder(t) + "/train-images-idx3-ubyte", 6, nil},
		{"other name", files{"pictures.dat": plain["train-images-idx3-ubyte"]}.folder(t) + "/pictures.dat", 6, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, c.spec, Options{})
			if s.Len() != c.n || !slices.Equal(s.Labels, c.labels) || !slices.Equal(s.Shape, []int{1, 2, 3}) || s.Kind != Pixels {
				t.Fatalf("%d samples, labels %v, shape %v, kind %v", s.Len(), s.Labels, s.Shape, s.Kind)
			}
			if c.labels != nil && len(s.Classes) != slices.Max(c.labels)+1 {
				t.Errorf("classes are %q", s.Classes)
			}
			if got, want := pixelsOf(t, s, 3), count(24)[18:]; !bytes.Equal(got, want) {
				t.Errorf("sample 3 is %v, want %v", got, want)
			}
			if got := floatsOf(t, s, 1); got[5] != 11 {
				t.Errorf("sample 1 is %v", got)
			}
		})
	}
}

func TestIDXConverted(t *testing.T) {
	dir := digits(t, true).folder(t)
	s := open(t, dir+"#train", Options{Channels: 3, Height: 4, Width: 6, Limit: 5, Refit: true})
	if s.Len() != 5 || !slices.Equal(s.Shape, []int{3, 4, 6}) {
		t.Fatalf("%d samples of shape %v", s.Len(), s.Shape)
	}
	p := pixelsOf(t, s, 0)
	if !bytes.Equal(p[:24], p[24:48]) || !bytes.Equal(p[:24], p[48:]) {
		t.Errorf("grey as colour gives different planes: %v", p)
	}
	s = open(t, dir+"#train", Options{Channels: 3, Refit: true})
	if got, want := pixelsOf(t, s, 1), []byte{6, 7, 8, 9, 10, 11}; !bytes.Equal(got[6:12], want) {
		t.Errorf("green plane is %v, want %v", got[6:12], want)
	}
	planes := idxData([]int{2, 3, 4, 4}, count(96))
	s = open(t, files{"x-images-idx4-ubyte": planes}.folder(t), Options{})
	if !slices.Equal(s.Shape, []int{3, 4, 4}) || pixelsOf(t, s, 1)[0] != 48 {
		t.Errorf("shape %v, first pixel %d", s.Shape, pixelsOf(t, s, 1)[0])
	}
	mixed := idxData([]int{2, 4, 4, 3}, count(96))
	s = open(t, files{"x-images-idx4-ubyte": mixed}.folder(t), Options{})
	if got := pixelsOf(t, s, 0); !slices.Equal(s.Shape, []int{3, 4, 4}) || got[1] != 3 || got[16] != 1 {
		t.Errorf("shape %v, pixels %v", s.Shape, got)
	}
}

func TestIDXErrors(t *testing.T) {
	images := "train-images-idx3-ubyte"
	labels := "train-labels-idx1-ubyte"
	good := digits(t, false)
	with := func(name string, data []byte) string {
		fs := files{images: good[images], labels: good[labels]}
		fs[name] = data
		return fs.folder(t)
	}
	bomb := append(idxData([]int{1 << 30, 1 << 10, 1 << 10}, nil), make([]byte, 1<<20)...)
	long := idxData([]int{60000, 28, 28}, make([]byte, 1000))
	for _, c := range []struct {
		name, spec string
		o          Options
		want       []string
	}{
		{"no part chosen", good.folder(t), Options{}, []string{"train", "test", "choose one"}},
		{"unknown part", good.folder(t) + "#val", Options{}, []string{`part "val"`, "train"}},
		{"part of a file", good.folder(t) + "/" + images + "#train", Options{}, []string{"no parts"}},
		{"labels file", good.folder(t) + "/" + labels, Options{}, []string{"these are labels"}},
		{"magic", with(images, []byte("hello, world")), Options{}, []string{images, "not an IDX file"}},
		{"type", with(images, []byte{0, 0, 0x0d, 3}), Options{}, []string{"element type 0x0d"}},
		{"rank", with(images, []byte{0, 0, 8, 9}), Options{}, []string{"9 dimensions"}},
		{"short header", with(images, []byte{0, 0, 8, 3, 0, 0}), Options{}, []string{"cut short"}},
		{"empty", with(images, nil), Options{}, []string{"too short"}},
		{"no samples", with(images, idxData([]int{0, 2, 3}, nil)), Options{}, []string{"dimension 0 is 0"}},
		{"one dimension", with(images, idxData([]int{6}, count(6))), Options{}, []string{"1 dimension"}},
		{"cut", with(images, idxData([]int{6, 2, 3}, count(35))), Options{}, []string{images, "51 bytes, want 52"}},
		{"too long", with(images, idxData([]int{6, 2, 3}, count(37))), Options{}, []string{"53 bytes, want 52"}},
		{"label count", with(labels, idxData([]int{5}, count(5))), Options{}, []string{labels, "5 labels, want 6"}},
		{"label rank", with(labels, idxData([]int{6, 1}, count(6))), Options{}, []string{labels, "2 dimensions"}},
		{"label classes", with(labels, idxData([]int{6}, count(6))), Options{Classes: []string{"a", "b"}}, []string{"class index is 5", "less than 2"}},
		{"other shape", with(images, good[images]) + "#train", Options{Channels: 3, Height: 4, Width: 6}, []string{"[1 2 3]", "want [3 4 6]", "resize"}},
		{"broken gzip", with(images+".gz", []byte{0x1f, 0x8b, 1, 2, 3}), Options{}, []string{}},
		{"bomb", with(images, bomb), Options{}, []string{images, "want 1125899906842640"}},
		{"gzip bomb", files{images + ".gz": gz(t, bomb)}.folder(t), Options{}, []string{"at most"}},
		{"limit", with(images, good[images]), Options{MaxMemory: 30}, []string{"takes 114 bytes of memory, want at most 30", "--max-memory"}},
		{"promises more", files{images + ".gz": gz(t, long)}.folder(t), Options{}, []string{"sample 1:", "want 60000 samples"}},
		{"by path, cut", files{images: idxData([]int{6, 2, 3}, count(30))}.folder(t) + "/" + images, Options{}, []string{"46 bytes, want 52"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Open(c.spec, c.o)
			if len(c.want) == 0 { // the plain file is taken, the broken twin is not read
				must(t, err)
				s.Close()
				return
			}
			wantError(t, err, c.spec, c.want...)
		})
	}
}
