package dataset

import (
	"archive/zip"
	"bytes"
	"image/color"
	"slices"
	"testing"
)

func TestLoadInput(t *testing.T) {
	f4 := func(shape string, v ...float32) []byte { return npyData("<f4", false, shape, little(v...)) }
	seq := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(i) + 0.5
		}
		return v
	}
	dir := files{
		"gray.png":   grayPNG(t, 3, 2, 0),
		"colour.png": encode(t, "png", colour(3, 2, color.NRGBA{10, 20, 30, 255})),
		"noname":     grayPNG(t, 3, 2, 0),
		"one.npy":    f4("(1, 2, 3)", seq(6)...),
		"batch.npy":  f4("(4, 1, 2, 3)", seq(24)...),
		"flat.npy":   f4("(2, 6)", seq(12)...),
		"u1.npy":     npyData("|u1", false, "(2, 2, 3, 3)", count(36)),
		"i8.npy":     npyData("<i8", false, "(6,)", little[int64](0, 1, 2, 3, 4, 255)),
		"x-ubyte":    idxData([]int{4, 2, 3}, count(24)),
		"x-ubyte.gz": gz(t, idxData([]int{4, 2, 3}, count(24))),
		"sniffed":    idxData([]int{4, 2, 3}, count(24)),
		"a.raw":      count(12),
		"zip.raw":    append([]byte("PK\x03\x04"), 5, 6),
		"gz.raw":     append([]byte{0x1f, 0x8b}, 1, 2, 3, 4),
		"data":       count(6),
	}.folder(t)
	ref := npzOf(t, files{"x0.npy": f4("(2, 1, 2, 3)", seq(12)...), "y0.npy": f4("(2,)", 1, 2)})
	chw := []int{1, 2, 3}
	for _, c := range []struct {
		spec    string
		shape   []int
		kind    Kind
		out     []int // shape
		n       int
		first   float32
		last    float32
		name    string // of the last sample
		resized bool
	}{
		{dir + "/gray.png", chw, Pixels, chw, 1, 0, 12, "gray.png", false},
		{dir + "/gray.png", nil, Pixels, chw, 1, 0, 12, "gray.png", false},
		{dir + "/gray.png", []int{6}, Pixels, []int{6}, 1, 0, 12, "gray.png", false},
		{dir + "/gray.png", []int{3, 2, 3}, Pixels, []int{3, 2, 3}, 1, 0, 12, "gray.png", false},
		{dir + "/noname", chw, Pixels, chw, 1, 0, 12, "noname", false},
		{dir + "/colour.png", nil, Pixels, []int{3, 2, 3}, 1, 10, 30, "colour.png", false},
		{dir + "/colour.png", []int{18}, Pixels, []int{18}, 1, 10, 30, "colour.png", false},
		{dir + "/colour.png", []int{3, 8, 8}, Pixels, []int{3, 8, 8}, 1, 10, 30, "colour.png", true},
		{dir + "/one.npy", chw, Floats, chw, 1, 0.5, 5.5, "one.npy", false},
		{dir + "/one.npy", []int{6}, Floats, []int{6}, 1, 0.5, 5.5, "one.npy", false},
		{dir + "/batch.npy", chw, Floats, chw, 4, 0.5, 23.5, "batch.npy#3", false},
		{dir + "/batch.npy", nil, Floats, chw, 4, 0.5, 23.5, "batch.npy#3", false},
		{dir + "/batch.npy#2", chw, Floats, chw, 1, 12.5, 17.5, "batch.npy#2", false},
		{dir + "/batch.npy#1:3", chw, Floats, chw, 2, 6.5, 17.5, "batch.npy#2", false},
		{dir + "/flat.npy", chw, Floats, chw, 2, 0.5, 11.5, "flat.npy#1", false},
		{dir + "/flat.npy", []int{12}, Floats, []int{12}, 1, 0.5, 11.5, "flat.npy", false},
		{dir + "/u1.npy", []int{2, 3, 3}, Pixels, []int{2, 3, 3}, 2, 0, 35, "u1.npy#1", false},
		{dir + "/u1.npy", []int{3, 2, 3}, Pixels, []int{3, 2, 3}, 2, 0, 35, "u1.npy#1", false},
		{dir + "/i8.npy", chw, Pixels, chw, 1, 0, 255, "i8.npy", false},
		{dir + "/i8.npy", nil, Pixels, []int{6}, 1, 0, 255, "i8.npy", false},
		{ref + "#x0", chw, Floats, chw, 2, 0.5, 11.5, "data.npz#1", false},
		{dir + "/x-ubyte", chw, Pixels, chw, 4, 0, 23, "x-ubyte#3", false},
		{dir + "/x-ubyte", nil, Pixels, chw, 4, 0, 23, "x-ubyte#3", false},
		{dir + "/x-ubyte.gz#all", chw, Pixels, chw, 4, 0, 23, "x-ubyte.gz#3", false},
		{dir + "/x-ubyte.gz#2", chw, Pixels, chw, 1, 12, 17, "x-ubyte.gz#2", false},
		{dir + "/x-ubyte#1:", []int{6}, Pixels, []int{6}, 3, 6, 23, "x-ubyte#3", false},
		{dir + "/x-ubyte#0", []int{3, 2, 3}, Pixels, []int{3, 2, 3}, 1, 0, 5, "x-ubyte", false},
		{dir + "/sniffed#1", chw, Pixels, chw, 1, 6, 11, "sniffed#1", false},
		{dir + "/a.raw", chw, Pixels, chw, 2, 0, 11, "a.raw#1", false},
		{dir + "/a.raw#1", chw, Pixels, chw, 1, 6, 11, "a.raw#1", false},
		{dir + "/a.raw", []int{12}, Pixels, []int{12}, 1, 0, 11, "a.raw", false},
		{dir + "/zip.raw", chw, Pixels, chw, 1, 'P', 6, "zip.raw", false},
		{dir + "/gz.raw", chw, Pixels, chw, 1, 0x1f, 4, "gz.raw", false},
		{dir + "/data", chw, Pixels, chw, 1, 0, 5, "data", false},
		{files{"a.png": grayPNG(t, 3, 2, 0)}.zip(t, zip.Store), chw, Pixels, chw, 1, 0, 12, "a.png", false},
		{files{"c/b.png": grayPNG(t, 3, 2, 0), "c/a.png": grayPNG(t, 3, 2, 0)}.folder(t), chw, Pixels, chw, 2, 0, 12, "c/b.png", false},
		{files{"t.csv": []byte("a,b,c\n1.5,2,3\n4,5,6.5\n")}.folder(t) + "/t.csv", []int{3}, Floats, []int{3}, 2, 1.5, 6.5, "line 3", false},
	} {
		in, err := LoadInput(c.spec, Options{Shape: c.shape})
		if err != nil {
			t.Errorf("%s as %v: %v", c.spec, c.shape, err)
			continue
		}
		n := elems(c.out) * c.n
		var first, last float32
		if c.kind == Pixels && len(in.Pixels) == n {
			first, last = float32(in.Pixels[0]), float32(in.Pixels[n-1])
		} else if c.kind == Floats && len(in.Floats) == n {
			first, last = in.Floats[0], in.Floats[n-1]
		}
		if in.Kind != c.kind || in.Count != c.n || !slices.Equal(in.Shape, c.out) || first != c.first || last != c.last {
			t.Errorf("%s as %v: kind %v, %d samples of %v, %v ... %v; want kind %v, %d of %v, %v ... %v",
				c.spec, c.shape, in.Kind, in.Count, in.Shape, first, last, c.kind, c.n, c.out, c.first, c.last)
		}
		if got := in.SampleName(in.Count - 1); got != c.name {
			t.Errorf("%s: the last sample is called %q, want %q", c.spec, got, c.name)
		}
		if (in.Resized != [2]int{}) != c.resized {
			t.Errorf("%s as %v: resized from %v", c.spec, c.shape, in.Resized)
		}
	}
	in, err := LoadInput(dir+"/x-ubyte#0", Options{Shape: []int{1, 4, 6}})
	if err != nil || in.Resized != [2]int{2, 3} || len(in.Pixels) != 24 {
		t.Errorf("resized IDX: %+v (%v)", in, err)
	}
}

func TestLoadInputInterleaved(t *testing.T) {
	path := files{"a.npy": npyData("|u1", false, "(1, 4, 5, 3)", count(60))}.folder(t) + "/a.npy"
	in, err := LoadInput(path, Options{Shape: []int{3, 4, 5}})
	must(t, err)
	if !bytes.Equal(in.Pixels[:3], []byte{0, 3, 6}) || in.Pixels[20] != 1 {
		t.Errorf("pixels start with %v, want red ones 0, 3, 6", in.Pixels[:3])
	}
}

func TestLoadInputErrors(t *testing.T) {
	dir := files{
		"a.png":       grayPNG(t, 3, 2, 0),
		"b.png":       []byte("no picture"),
		"a.npy":       npyData("<f4", false, "(2, 3, 4)", make([]byte, 96)),
		"x-ubyte":     idxData([]int{4, 2, 3}, count(24)),
		"y-ubyte":     idxData([]int{4}, count(4)),
		"short-ubyte": idxData([]int{4, 2, 3}, count(20)),
		"zip-ubyte":   gz(t, idxData([]int{4, 2, 3}, count(20))),
		"a.raw":       count(10),
		"e.raw":       nil,
		"a.csv":       []byte("a,b\n1,2\n"),
	}.folder(t)
	chw := []int{1, 2, 3}
	for _, c := range []struct {
		spec  string
		shape []int
		want  []string
	}{
		{dir + "/none.png", chw, []string{"no file or folder"}},
		{dir, chw, []string{"b.png: not an image"}},
		{dir + "/a.csv", chw, []string{"samples have shape [1]"}},
		{dir + "/a.png#1", chw, []string{"no parts"}},
		{dir + "/a.png", []int{7}, []string{"3x2", "[7]"}},
		{dir + "/a.png", []int{0, 3}, []string{"at least 1"}},
		{dir + "/b.png", chw, []string{"not an image"}},
		{dir + "/a.npy", chw, []string{"[2 3 4]", "[1 2 3]"}},
		{dir + "/a.npy", []int{4, 3}, []string{"[3 4]", "[4 3]"}},
		{dir + "/a.npy#2", []int{3, 4}, []string{`"2"`, "2 samples"}},
		{dir + "/x-ubyte", []int{7}, []string{"[1 2 3]", "[7]"}},
		{dir + "/x-ubyte#4", chw, []string{`"4"`, "4 samples"}},
		{dir + "/x-ubyte#a", chw, []string{`"a"`, "0:100"}},
		{dir + "/x-ubyte#2:2", chw, []string{`"2:2"`, "empty"}},
		{dir + "/x-ubyte#-1", chw, []string{`"-1"`}},
		{dir + "/y-ubyte", chw, []string{"1 dimension"}},
		{dir + "/short-ubyte", chw, []string{"bytes, want"}},
		{dir + "/zip-ubyte", chw, []string{"sample 3", "want 4 samples"}},
		{dir + "/a.raw", chw, []string{"has 10", "multiple of 6"}},
		{dir + "/a.raw", nil, []string{"unknown format"}},
		{dir + "/a.raw#7", []int{2}, []string{`"7"`}},
		{dir + "/e.raw", chw, []string{"has 0"}},
	} {
		_, err := LoadInput(c.spec, Options{Shape: c.shape})
		wantError(t, err, c.spec, c.want...)
	}
	_, err := LoadArray(dir+"/a.png", Options{})
	wantError(t, err, dir+"/a.png", "want an .npy file")
}
