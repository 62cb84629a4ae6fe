package dataset

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"qconv/runtime/picture"
)

// pets has two classes in two parts, and things that are to be ignored.
func pets(t testing.TB, prefix string) files {
	fs := files{}
	for part, n := range map[string]int{"train": 3, "test": 2} {
		for k, class := range []string{"dog", "cat"} {
			for i := range n {
				fs[fmt.Sprintf("%s%s/%s/%04d.png", prefix, part, class, i)] = grayPNG(t, 4, 3, 100*k+20*i)
			}
		}
	}
	fs[prefix+"train/cat/notes.txt"] = []byte("no picture")
	fs[prefix+"README.md"] = []byte("pets")
	fs[prefix+"train/.DS_Store"] = []byte("x")
	fs["__MACOSX/train/._0001.png"] = []byte("x")
	return fs
}

func TestPictureFolders(t *testing.T) {
	for _, c := range []struct {
		name, prefix string
		open         func(files) string
	}{
		{"folder", "", func(f files) string { return f.folder(t) }},
		{"zip stored", "", func(f files) string { return f.zip(t, zip.Store) }},
		{"zip deflated", "", func(f files) string { return f.zip(t, zip.Deflate) }},
		{"zip with one folder around", "pets/", func(f files) string { return f.zip(t, zip.Deflate) }},
		{"folder in folder", "a/b/", func(f files) string { return f.folder(t) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.open(pets(t, c.prefix))
			s := open(t, path+"#train", Options{})
			if s.Len() != 6 || s.Kind != Pixels || !slices.Equal(s.Shape, []int{1, 3, 4}) {
				t.Fatalf("got %d samples of kind %v and shape %v", s.Len(), s.Kind, s.Shape)
			}
			if !slices.Equal(s.Classes, []string{"cat", "dog"}) || !slices.Equal(s.Labels, []int{0, 0, 0, 1, 1, 1}) || !slices.Equal(s.Counts(), []int{3, 3}) {
				t.Fatalf("classes %v, labels %v, counts %v", s.Classes, s.Labels, s.Counts())
			}
			if got, want := s.Name(1), c.prefix+"train/cat/0001.png"; got != want {
				t.Errorf("sample 1 is %q, want %q", got, want)
			}
			if got, want := pixelsOf(t, s, 4), ramp(4, 3, 20).Pix; !bytes.Equal(got, want) {
				t.Errorf("dog 1 is %v, want %v", got, want)
			}
			if got := floatsOf(t, s, 4); got[5] != 31 {
				t.Errorf("float of pixel 5 is %v, want 31", got[5])
			}
			if n := open(t, path+"#test", Options{}).Len(); n != 4 {
				t.Errorf("test has %d samples, want 4", n)
			}
			if n := open(t, path+"#test/dog", Options{}).Len(); n != 2 {
				t.Errorf("test/dog has %d samples, want 2", n)
			}
			_, err := Open(path, Options{})
			wantError(t, err, path, "test, train", "choose one", "#test")
			_, err = Open(path+"#val", Options{})
			wantError(t, err, path+"#val", `no folder "val"`, "test, train")
		})
	}
}

func TestSplitNames(t *testing.T) {
	dir := files{"valid/a/1.png": grayPNG(t, 2, 2, 0), "valid/b/1.png": grayPNG(t, 2, 2, 0), "training/a/1.png": grayPNG(t, 2, 2, 0), "training/b/1.png": grayPNG(t, 2, 2, 0)}.folder(t)
	for _, part := range []string{"val", "valid", "validation", "train"} {
		if n := open(t, dir+"#"+part, Options{}).Len(); n != 2 {
			t.Errorf("%s has %d samples, want 2", part, n)
		}
	}
}

func TestUnlabelled(t *testing.T) {
	fs := files{"b.png": grayPNG(t, 4, 3, 1), "a.PNG": grayPNG(t, 4, 3, 2), "list.txt": []byte("a")}
	inZip := files{"data/b.png": fs["b.png"], "data/a.png": fs["a.PNG"]}
	for _, path := range []string{fs.folder(t), fs.zip(t, zip.Deflate), inZip.zip(t, zip.Store)} {
		s := open(t, path, Options{})
		if s.Len() != 2 || s.Labels != nil || s.Classes != nil || s.Counts() != nil {
			t.Fatalf("%s: got %d samples, labels %v, classes %v", path, s.Len(), s.Labels, s.Classes)
		}
		if got := pixelsOf(t, s, 0)[0]; got != 2 {
			t.Errorf("first sample starts with %d, want 2 (files in alphabetical order)", got)
		}
	}
}

func TestHashInFolderName(t *testing.T) {
	dir := files{"set#1/a.png": grayPNG(t, 2, 2, 5), "set#1/b.png": grayPNG(t, 2, 2, 5)}.folder(t)
	if n := open(t, dir+"/set#1", Options{}).Len(); n != 2 {
		t.Errorf("got %d samples, want 2", n)
	}
}

func TestLinks(t *testing.T) {
	real := pets(t, "").folder(t)
	dir := t.TempDir()
	if err := os.Symlink(real+"/train", dir+"/train"); err != nil {
		t.Skip("no symbolic links here")
	}
	must(t, os.Symlink(dir, dir+"/data"))
	if n := open(t, dir+"/train", Options{}).Len(); n != 6 {
		t.Errorf("got %d samples through a link, want 6", n)
	}
	_, err := Open(dir+"/data", Options{})
	wantError(t, err, dir+"/data", "data: a link that leads back to a folder it lies in")
}

func TestFormats(t *testing.T) {
	red := colour(8, 6, color.NRGBA{200, 30, 40, 255})
	webp := onePixelWebP(t)
	fs := files{"c.gif": encode(t, "gif", colour(8, 6, color.NRGBA{255, 0, 0, 255})), "d.bmp": encode(t, "bmp", red), "a.png": encode(t, "png", red), "b.jpg": encode(t, "jpg", red)}
	s := open(t, fs.folder(t), Options{})
	if !slices.Equal(s.Shape, []int{3, 6, 8}) {
		t.Fatalf("shape %v, want [3 6 8]", s.Shape)
	}
	for i, want := range [][3]int{{200, 30, 40}, {200, 30, 40}, {255, 0, 0}, {200, 30, 40}} {
		got := pixelsOf(t, s, i)
		for c, v := range want {
			if d := int(got[c*48+20]) - v; d < -4 || d > 4 {
				t.Errorf("%s: channel %d is %d, want about %d", s.Name(i), c, got[c*48+20], v)
			}
		}
	}
	if s := open(t, files{"a.webp": webp}.folder(t), Options{}); !slices.Equal(s.Shape, []int{3, 1, 1}) {
		t.Errorf("webp has shape %v, want [3 1 1]", s.Shape)
	} else {
		pixelsOf(t, s, 0)
	}
}

func TestChannels(t *testing.T) {
	rgb := color.NRGBA{200, 30, 40, 255}
	glass := color.NRGBA{200, 100, 50, 128}
	dir := files{"a.png": grayPNG(t, 2, 2, 7), "b.png": encode(t, "png", colour(2, 2, rgb)), "c.png": encode(t, "png", colour(2, 2, glass))}.folder(t)
	gray := open(t, dir, Options{}) // as the first one
	if gray.Shape[0] != 1 {
		t.Fatalf("shape %v, want one channel", gray.Shape)
	}
	if got, want := pixelsOf(t, gray, 1)[0], color.GrayModel.Convert(rgb).(color.Gray).Y; got != want {
		t.Errorf("grey of %v is %d, want %d", rgb, got, want)
	}
	full := open(t, dir, Options{Channels: 3})
	if got, want := pixelsOf(t, full, 0), []byte{7, 8, 17, 18, 7, 8, 17, 18, 7, 8, 17, 18}; !bytes.Equal(got, want) {
		t.Errorf("grey picture as colour is %v, want %v", got, want)
	}
	if got, want := pixelsOf(t, full, 1), []byte{200, 200, 200, 200, 30, 30, 30, 30, 40, 40, 40, 40}; !bytes.Equal(got, want) {
		t.Errorf("colour picture is %v, want %v", got, want)
	}
	if got := pixelsOf(t, full, 2); got[0] != 100 || got[4] != 50 || got[8] != 25 {
		t.Errorf("half transparent picture is %v, want 100, 50, 25 (laid on black)", got)
	}
}

func TestResize(t *testing.T) {
	dir := files{"a.png": grayPNG(t, 20, 10, 0), "b.png": encode(t, "png", colour(5, 7, color.NRGBA{9, 99, 199, 255})), "c.png": grayPNG(t, 4, 4, 50)}.folder(t)
	s := open(t, dir, Options{Channels: 3, Height: 4, Width: 4})
	if got := pixelsOf(t, s, 1); got[0] != 9 || got[16] != 99 || got[47] != 199 {
		t.Errorf("one colour resized is %v", got)
	}
	if got, want := pixelsOf(t, s, 2)[:16], ramp(4, 4, 50).Pix; !bytes.Equal(got, want) {
		t.Errorf("a picture of the right size became %v, want %v", got, want)
	}
	a := pixelsOf(t, s, 0)
	if !(a[0] < a[3] && a[3] < a[15]) {
		t.Errorf("resized ramp is %v, want it to rise", a[:16])
	}
	again := open(t, dir, Options{Channels: 3, Height: 4, Width: 4, CacheBytes: -1})
	if !bytes.Equal(a, pixelsOf(t, again, 0)) {
		t.Error("resizing twice gives different pixels")
	}

	s = open(t, dir, Options{})
	_, err := Open(dir, Options{Height: 4})
	wantError(t, err, dir, "height and width")
	wantError(t, s.Pixels(1, make([]byte, 200)), dir, "b.png: ", "5x7", "20x10", "--resize")
}

func TestClassList(t *testing.T) {
	p := grayPNG(t, 2, 2, 0)
	s := open(t, files{"a/1.png": p, "c/1.png": p}.folder(t), Options{Classes: []string{"c", "b", "a"}})
	if !slices.Equal(s.Labels, []int{2, 0}) || !slices.Equal(s.Counts(), []int{1, 0, 1}) {
		t.Errorf("labels %v, counts %v, want the indices of the list", s.Labels, s.Counts())
	}
}

func TestLimitMixesClasses(t *testing.T) {
	fs := files{}
	for _, class := range []string{"a", "b", "c", "d"} {
		for i := range 25 {
			fs[fmt.Sprintf("%s/%d.png", class, i)] = grayPNG(t, 2, 2, i)
		}
	}
	dir := fs.folder(t)
	s := open(t, dir, Options{Limit: 40, Seed: 7})
	if s.Len() != 40 {
		t.Fatalf("got %d samples, want 40", s.Len())
	}
	for class, n := range s.Counts() {
		if n < 4 {
			t.Errorf("class %d has %d of 40 samples", class, n)
		}
	}
	again := open(t, dir, Options{Limit: 40, Seed: 7})
	other := open(t, dir, Options{Limit: 40, Seed: 8})
	if !slices.Equal(s.index, again.index) || slices.Equal(s.index, other.index) {
		t.Error("the choice must depend on the seed, and on nothing else")
	}
	seen := map[string]bool{}
	for i := range s.Len() {
		seen[s.Name(i)] = true
	}
	if len(seen) != 40 {
		t.Errorf("%d different samples, want 40", len(seen))
	}
	if n := open(t, dir, Options{Limit: 1000}).Len(); n != 100 {
		t.Errorf("limit above the size: %d samples, want 100", n)
	}
}

func TestMisuse(t *testing.T) {
	s := open(t, files{"a.png": grayPNG(t, 2, 2, 0)}.folder(t), Options{})
	wantError(t, s.Pixels(1, make([]byte, 4)), s.Spec, "sample 1 does not exist")
	wantError(t, s.Pixels(-1, make([]byte, 4)), s.Spec, "does not exist")
	wantError(t, s.Pixels(0, make([]byte, 5)), s.Spec, "room for 5 elements, want 4")
	wantError(t, s.Floats(0, nil), s.Spec, "room for 0")
}

func TestConcurrentUse(t *testing.T) {
	fs := files{}
	for i := range 30 {
		fs[fmt.Sprintf("%02d.png", i)] = grayPNG(t, 4, 4, i)
	}
	path := fs.zip(t, zip.Deflate)
	for _, cacheBytes := range []int64{0, -1, 10 * 16} {
		s := open(t, path, Options{CacheBytes: cacheBytes})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				dst, f := make([]byte, 16), make([]float32, 16)
				for i := range s.Len() {
					if err := s.Pixels(i, dst); err != nil || dst[0] != byte(i) {
						t.Errorf("sample %d starts with %d (%v)", i, dst[0], err)
					}
					if err := s.Floats(i, f); err != nil || f[0] != float32(i) {
						t.Errorf("sample %d starts with %v (%v)", i, f[0], err)
					}
				}
			})
		}
		wg.Wait()
		st := s.store.(*decoded)
		held := 0
		for _, b := range st.cache.data {
			held += len(b)
		}
		want := map[int64]int{0: 480, -1: 0, 160: 160}[cacheBytes]
		if held != want || st.cache.room != max(Options{CacheBytes: cacheBytes}.cacheBytes(s.store.(*decoded).Closer.(*source).size), 0)-int64(held) {
			t.Errorf("cache of %d holds %d bytes with room for %d, want %d", cacheBytes, held, st.cache.room, want)
		}
	}
}

func TestPreload(t *testing.T) {
	path := pets(t, "").zip(t, zip.Deflate)
	s := open(t, path+"#train", Options{})
	var calls []int
	must(t, s.Preload(context.Background(), 3, func(done, total int) {
		if total != 6 {
			t.Errorf("total is %d, want 6", total)
		}
		calls = append(calls, done)
	}))
	if !slices.Equal(calls, []int{1, 2, 3, 4, 5, 6}) {
		t.Errorf("progress was %v", calls)
	}
	s.Close() // now everything comes from memory
	if got := pixelsOf(t, s, 5)[0]; got != 40 {
		t.Errorf("sample 5 starts with %d, want 40", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := open(t, path+"#test", Options{}).Preload(ctx, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
}

func TestJPEGMatchesColorModel(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 16, 16))
	for i := range m.Pix {
		m.Pix[i] = byte(i * 37 >> 2)
	}
	data := encode(t, "jpg", m)
	want, err := jpeg.Decode(bytes.NewReader(data))
	must(t, err)
	s := open(t, files{"a.jpg": data}.folder(t), Options{})
	got := pixelsOf(t, s, 0)
	for i := range 256 {
		r, g, b, _ := want.At(i%16, i/16).RGBA()
		if got[i] != byte(r>>8) || got[256+i] != byte(g>>8) || got[512+i] != byte(b>>8) {
			t.Fatalf("pixel %d is %d %d %d, want %d %d %d", i, got[i], got[256+i], got[512+i], r>>8, g>>8, b>>8)
		}
	}
}

func TestRefit(t *testing.T) {
	src := []byte{1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24}
	same, gray := make([]byte, 12), make([]byte, 4)
	must(t, refit(same, src, []int{3, 2, 2}, []int{3, 2, 2}))
	must(t, refit(gray, src, []int{1, 2, 2}, []int{3, 2, 2}))
	if !bytes.Equal(same, src) {
		t.Errorf("same shape gives %v", same)
	}
	if want := color.GrayModel.Convert(color.RGBA{1, 11, 21, 255}).(color.Gray).Y; gray[0] != want {
		t.Errorf("grey is %d, want %d", gray[0], want)
	}
	inter, back := make([]byte, 12), make([]byte, 12)
	picture.Interleave(inter, src, 3)
	picture.Planar(back, inter, 3)
	if inter[1] != 11 || !bytes.Equal(back, src) {
		t.Errorf("interleaved %v, and back %v", inter, back)
	}
}

func TestFolderNameEnding(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x.zip") // a folder, whatever its name says
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.WriteFile(dir+"/a.png", grayPNG(t, 2, 2, 0), 0o644))
	open(t, dir, Options{})
}
