package dataset

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestBrokenPictures(t *testing.T) {
	good := grayPNG(t, 4, 3, 0)
	frame := func(m image.Image) []byte { return encode(t, "png", m) }
	cut := frame(colour(40, 30, color.White))
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"text", []byte("hello"), "not an image: no known format"},
		{"empty", nil, "the file is empty"},
		{"cut short", cut[:len(cut)-20], "not an image"},
		{"huge", hugePNG(t, 40000, 4), "at most 32768 a side"},
		{"large", hugePNG(t, 1<<14, 1<<13), "altogether"},
		{"bit flip", func() []byte { b := slices.Clone(good); b[45] ^= 4; return b }(), "not an image"},
	} {
		fs := files{"cat/0.png": good, "cat/0001.jpg": c.data, "dog/2.png": good}
		for _, path := range []string{fs.folder(t), fs.zip(t, zip.Store)} {
			t.Run(c.name, func(t *testing.T) {
				s := open(t, path, Options{})
				dst := make([]byte, s.Elems())
				i := slices.IndexFunc([]int{0, 1, 2}, func(i int) bool { return s.Name(i) == "cat/0001.jpg" })
				wantError(t, s.Pixels(i, dst), path, "cat/0001.jpg: ", c.want)
				wantError(t, s.Preload(context.Background(), 2, nil), path, "cat/0001.jpg: ", c.want)

				s = open(t, path, Options{SkipBad: true})
				if s.Len() != 2 || !slices.Equal(s.Labels, []int{0, 1}) || len(s.Skipped) != 1 || !strings.HasPrefix(s.Skipped[0], "cat/0001.jpg: ") {
					t.Errorf("with SkipBad: %d samples, labels %v, skipped %q", s.Len(), s.Labels, s.Skipped)
				}
			})
		}
	}
}

func TestSkipBadFillsLimit(t *testing.T) {
	fs := files{}
	for i := range 20 {
		fs[fmt.Sprintf("%02d.png", i)] = grayPNG(t, 2, 2, i)
		if i%2 == 0 {
			fs[fmt.Sprintf("%02d.png", i)] = []byte("broken")
		}
	}
	s := open(t, fs.folder(t), Options{SkipBad: true, Limit: 8, Seed: 1})
	if s.Len() != 8 {
		t.Errorf("got %d samples, want 8: broken ones are made up for", s.Len())
	}
	for i := range s.Len() {
		pixelsOf(t, s, i)
	}
	all := files{"a.png": []byte("x"), "b.png": []byte("y")}.folder(t)
	_, err := Open(all, Options{SkipBad: true, Channels: 1, Height: 2, Width: 2})
	wantError(t, err, all, "all 2 are broken", "a.png")
	_, err = Open(all, Options{SkipBad: true})
	wantError(t, err, all, "a.png: not an image")
}

func TestPictureErrors(t *testing.T) {
	p := grayPNG(t, 2, 2, 0)
	encrypted := files{"a.png": p}.zip(t, zip.Store)
	patchZip(t, encrypted, func(local, central []byte) { local[6] |= 1; central[8] |= 1 })
	method := files{"a.png": p}.zip(t, zip.Store)
	patchZip(t, method, func(local, central []byte) { local[8] = 12; central[10] = 12 })
	bomb := files{"a.png": p}.zip(t, zip.Store)
	patchZip(t, bomb, func(local, central []byte) { binary.LittleEndian.PutUint32(central[24:], 100<<20) })
	crc := files{"a.png": p}.zip(t, zip.Store)
	patchZip(t, crc, func(local, central []byte) { central[16] ^= 1 })
	deep := files{strings.Repeat("a/", 40) + "x.png": p}.zip(t, zip.Store)

	for _, c := range []struct {
		name, path string
		o          Options
		want       []string
	}{
		{"absent", t.TempDir() + "/none", Options{}, []string{"no file or folder"}},
		{"absent part", t.TempDir() + "/none.zip#test", Options{}, []string{"no file or folder"}},
		{"empty", files{}.folder(t), Options{}, []string{"no pictures found"}},
		{"no pictures", files{"a/x.txt": p}.folder(t), Options{}, []string{"no pictures found"}},
		{"empty class", files{"a/1.png": p, "b/1.png": p, "c/": nil}.folder(t), Options{}, []string{"c: this class folder holds no pictures"}},
		{"mixed", files{"a/1.png": p, "b/1.png": p, "1.png": p}.folder(t), Options{}, []string{"1.png: lies beside folders of pictures (a, b)"}},
		{"one picture", files{"a.png": p}.folder(t) + "/a.png", Options{}, []string{"a single picture"}},
		{"picture without ending", files{"a": p}.folder(t) + "/a", Options{}, []string{"a single picture"}},
		{"unknown", files{"a.dat": []byte("data")}.folder(t) + "/a.dat", Options{}, []string{"unknown format", ".npz"}},
		{"no zip", files{"a.zip": []byte("data")}.folder(t) + "/a.zip", Options{}, []string{"not a readable zip file"}},
		{"cut zip", cutZip(t, files{"a.png": p}), Options{}, []string{"not a readable zip file"}},
		{"no part", files{"a.png": p}.folder(t) + "#train", Options{}, []string{`no folder "train"`, "no folders at all"}},
		{"class list", files{"a/1.png": p, "b/1.png": p}.folder(t), Options{Classes: []string{"a", "c"}}, []string{"b: this class folder is none of the 2 classes wanted: a, c"}},
		{"channels", files{"a.png": p}.folder(t), Options{Channels: 2}, []string{"1 or 3 channels, want 2"}},
		{"negative", files{"a.png": p}.folder(t), Options{Channels: -1}, []string{"channels is -1"}},
		{"limit", files{"a.png": p}.folder(t), Options{Limit: -1}, []string{"limit is -1"}},
		{"layout", files{"a.png": p}.folder(t), Options{Layout: "hwc"}, []string{"layout"}},
		{"large size", files{"a.png": p}.folder(t), Options{Height: 30000, Width: 30000}, []string{"30000"}},
		{"encrypted", encrypted, Options{}, []string{"a.png: encrypted"}},
		{"method", method, Options{}, []string{"a.png: compressed by method 12"}},
		{"zip bomb", bomb, Options{}, []string{"a.png: the file has 104857600 bytes"}},
		{"checksum", crc, Options{}, []string{"a.png: cannot be read", "checksum"}},
		{"deep zip", deep, Options{}, []string{"deep in each other"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(c.path, c.o)
			wantError(t, err, c.path, c.want...)
		})
	}
	if _, err := Open("", Options{}); err == nil {
		t.Error("empty spec: no error")
	}
	_, err := Open(t.TempDir()+"/none", Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v does not wrap fs.ErrNotExist", err)
	}
}

// patchZip changes the first local header and the first central header of a zip file.
func patchZip(t testing.TB, path string, change func(local, central []byte)) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	at := bytes.Index(data, []byte("PK\x01\x02"))
	change(data, data[at:])
	must(t, os.WriteFile(path, data, 0o644))
}

func cutZip(t testing.TB, fs files) string {
	path := fs.zip(t, zip.Store)
	data, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, data[:len(data)-10], 0o644))
	return path
}
