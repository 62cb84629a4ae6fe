package dataset

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// gzZeros is gzip data of head and then n zeros.
func gzZeros(t testing.TB, head []byte, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	must(t, err)
	_, err = w.Write(head)
	must(t, err)
	_, err = io.CopyN(w, zeros{}, n)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

// zipZeros is a zip of one deflated file of head and then n zeros.
func zipZeros(t testing.TB, name string, head []byte, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	must(t, err)
	_, err = w.Write(head)
	must(t, err)
	_, err = io.CopyN(w, zeros{}, n)
	must(t, err)
	must(t, z.Close())
	return b.Bytes()
}

// zeroPNG is a PNG of w x h pixels, all 0, of a colour type with the given bytes per pixel; data beyond 4 MiB are missing.
func zeroPNG(t testing.TB, w, h uint32, kind, bytesPerPixel byte) []byte {
	t.Helper()
	data := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(name string, body []byte) {
		data = binary.BigEndian.AppendUint32(data, uint32(len(body)))
		body = append([]byte(name), body...)
		data = append(data, body...)
		data = binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(body))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	chunk("IHDR", append(head, 8, kind, 0, 0, 0))
	chunk("IDAT", zlibZeros(t, min(int64(h)*(1+int64(w)*int64(bytesPerPixel)), 1<<22)))
	chunk("IEND", nil)
	return data
}

// spent is how many bytes do allocates.
func spent(do func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// TestBombs opens small files that promise much, and such as keep their promise.
func TestBombs(t *testing.T) {
	npy := func(descr string, fortran bool, shape string) []byte { return npyData(descr, fortran, shape, nil) }
	images := idxData([]int{1 << 21, 8, 8}, nil)
	long := "a,label\n" + strings.Repeat("1,x\n", 1<<21)
	digit := []int{1, 28, 28}
	const refused, bounded = 4 << 20, 256 << 20 // bytes that may be allocated
	for _, c := range []struct {
		name, file string
		data       []byte
		shape      []int
		most       int64
		want       string
	}{
		{"IDX of another shape", "a-ubyte.gz", gzZeros(t, images, 1<<20), digit, refused, "samples have shape [1 8 8], the network's input wants [1 28 28]"},
		{"IDX of this shape", "a-ubyte.gz", gzZeros(t, images, 1<<20), []int{1, 8, 8}, refused, "--max-memory"},
		{"IDX as a vector", "a-ubyte.gz", gzZeros(t, images, 1<<20), []int{64}, refused, "--max-memory"},
		{"IDX of tiny samples", "a-ubyte.gz", gzZeros(t, idxData([]int{1 << 26, 1, 1}, nil), 1<<20), nil, refused, "--max-memory"},
		{"IDX in a zip", "a.zip", zipZeros(t, "x-images-idx3-ubyte", images, 1<<20), nil, refused, "want 134217744"},
		{"IDX that lies", "a-ubyte.gz", gzZeros(t, idxData([]int{1 << 16, 28, 28}, nil), 1<<10), nil, refused, "the data end here"},
		{"IDX that is longer", "a-ubyte.gz", gzZeros(t, idxData([]int{1 << 10, 28, 28}, nil), 1<<20), nil, refused, "more data follow"},
		{"NPZ of another shape", "a.npz", zipZeros(t, "x.npy", npy("|u1", false, "(2097152, 1, 8, 8)"), 1<<20), digit, refused, "wants [1 28 28]"},
		{"NPZ of this shape", "a.npz", zipZeros(t, "x.npy", npy("|u1", false, "(2097152, 1, 8, 8)"), 1<<20), []int{1, 8, 8}, refused, "--max-memory"},
		{"NPZ of doubles", "a.npz", zipZeros(t, "x.npy", npy("<f8", true, "(2097152, 8)"), 1<<20), nil, refused, "--max-memory"},
		{"NPY", "a.npy.gz", gzZeros(t, npy("<f4", false, "(33554432, 1)"), 1<<20), nil, refused, "--max-memory"},
		{"NPY without end", "a.npy.gz", gzZeros(t, npy("<f4", false, "(10, 1)"), 1<<20), nil, refused, "more data follow"},
		{"CSV of many rows", "a.csv.gz", gz(t, []byte(long)), nil, bounded, "--max-memory"},
		{"CSV of one row", "a.csv.gz", gzZeros(t, []byte("a,label\n"), 1<<25), nil, bounded, "a row is longer than"},
		{"CSV of one quote", "a.csv.gz", gzZeros(t, []byte("a,label\n1,\""), 1<<25), nil, bounded, "is a quote never closed"},
		{"CSV of columns", "a.csv.gz", gz(t, bytes.Repeat([]byte(","), 1<<21)), nil, bounded, "columns"},
		{"CSV for another network", "a.csv", []byte("a,b,label\n"), []int{3}, refused, "samples have shape [2], the network's input wants [3]"},
		{"grey picture", "a.zip", files{"a.png": zeroPNG(t, 16000, 4000, 0, 1)}.zipped(t, zip.Store), digit, refused, "--max-memory"},
		{"colour picture", "a.zip", files{"a.png": zeroPNG(t, 5000, 5000, 2, 3)}.zipped(t, zip.Deflate), digit, refused, "--max-memory"},
		{"high picture", "a.zip", files{"a.png": zeroPNG(t, 100, 30000, 0, 1)}.zipped(t, zip.Store), digit, bounded, ""},
		{"picture of much padding", "a.zip", zipZeros(t, "a.png", grayPNG(t, 2, 2, 0), 8<<20), digit, refused, "want at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := files{c.file: c.data}.folder(t) + "/" + c.file
			o := Options{Shape: c.shape}
			if len(c.shape) == 3 && strings.HasSuffix(c.file, ".zip") {
				o.Channels, o.Height, o.Width = c.shape[0], c.shape[1], c.shape[2]
			}
			var err error
			took := spent(func() {
				var s *Set
				if s, err = Open(path, o); err == nil {
					err = s.Preload(context.Background(), 0, nil)
					s.Close()
				}
			})
			if took > c.most {
				t.Errorf("%d bytes were allocated, want at most %d", took, c.most)
			}
			if c.want == "" {
				must(t, err)
				return
			}
			wantError(t, err, path, c.want)
		})
	}
}

// TestMaxMemory raises and lowers the memory that is allowed.
func TestMaxMemory(t *testing.T) {
	path := files{"a-ubyte.gz": gzZeros(t, idxData([]int{1 << 14, 8, 1 << 10}, nil), 1<<27)}.folder(t) + "/a-ubyte.gz"
	_, err := Open(path, Options{})
	wantError(t, err, path, "takes 134283264 bytes of memory, want at most", "--max-memory")
	_, err = Open(path, Options{MaxMemory: 134283263})
	wantError(t, err, path, "want at most 134283263")
	if s := open(t, path, Options{MaxMemory: 134283264}); s.Len() != 1<<14 {
		t.Errorf("%d samples", s.Len())
	}
}

// TestZipTricks opens zip files whose directory does not say what is there.
func TestZipTricks(t *testing.T) {
	p := encode(t, "bmp", ramp(40, 40, 0))
	overlap := func() []byte {
		data := files{"a.bmp": p}.zipped(t, zip.Store)
		end := bytes.LastIndex(data, []byte("PK\x05\x06"))
		start := bytes.Index(data, []byte("PK\x01\x02"))
		entry := data[start:end]
		out := bytes.Clone(data[:end])
		for i := range 9 {
			again := bytes.Clone(entry)
			again[46] = byte('b' + i)
			out = append(out, again...)
		}
		tail := bytes.Clone(data[end:])
		binary.LittleEndian.PutUint16(tail[8:], 10)
		binary.LittleEndian.PutUint16(tail[10:], 10)
		binary.LittleEndian.PutUint32(tail[12:], uint32(len(out)-start))
		return append(out, tail...)
	}()
	pack := func(change func(*zip.FileHeader), names ...string) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, n := range names {
			h := &zip.FileHeader{Name: n, Method: zip.Store}
			if change != nil {
				change(h)
			}
			w, err := z.CreateHeader(h)
			must(t, err)
			_, err = w.Write(p)
			must(t, err)
		}
		must(t, z.Close())
		return b.Bytes()
	}
	billion := pack(nil, "a.bmp")
	binary.LittleEndian.PutUint16(billion[len(billion)-12:], 65535)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"overlap":   {overlap, "overlap"},
		"twice":     {pack(nil, "a.bmp", "a.bmp"), "a.bmp: the zip file holds two files of this name"},
		"twice so":  {pack(nil, "a/b.bmp", "/a//b.bmp"), "a/b.bmp: the zip file holds two files of this name"},
		"link":      {pack(func(h *zip.FileHeader) { h.SetMode(os.ModeSymlink | 0o777) }, "a.bmp"), "a.bmp: a link or device"},
		"device":    {pack(func(h *zip.FileHeader) { h.SetMode(os.ModeDevice | 0o777) }, "a.bmp"), "a.bmp: a link or device"},
		"billion":   {billion, "not a readable zip file"},
		"nested":    {files{"a.zip": billion}.zipped(t, zip.Store), "no pictures found"},
		"above":     {pack(nil, "../../etc/a.bmp"), "no pictures found"},
		"empty":     {files{"a.bmp": nil}.zipped(t, zip.Store), "a.bmp: the file is empty"},
		"not a zip": {[]byte("PK\x03\x04"), "not a readable zip file"},
	} {
		path := files{"a.zip": c.data}.folder(t) + "/a.zip"
		_, err := Open(path, Options{})
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantError(t, err, path, c.want)
	}
	if s := open(t, files{"a.zip": pack(nil, "/abs/a.bmp", `back\b.bmp`)}.folder(t)+"/a.zip", Options{}); len(s.Classes) != 2 {
		t.Errorf("classes of odd paths: %q", s.Classes)
	}
	twice := files{"a.npz": pack(nil, "x.npy", "x")}.folder(t) + "/a.npz"
	_, err := Open(twice, Options{})
	wantError(t, err, twice, "holds two arrays called x")
}

// TestSpecialFiles opens folders with what is no file, and such things themselves.
func TestSpecialFiles(t *testing.T) {
	dir := files{"a.png": grayPNG(t, 2, 2, 0), "c.png": grayPNG(t, 2, 2, 0)}.folder(t)
	if err := syscall.Mkfifo(filepath.Join(dir, "b.png"), 0o644); err != nil {
		t.Skip("no pipes here")
	}
	must(t, os.Symlink("/dev/zero", filepath.Join(dir, "d.png")))
	if s := open(t, dir, Options{}); s.Len() != 2 {
		t.Errorf("%d samples, want the 2 that are files", s.Len())
	}
	for _, path := range []string{dir + "/b.png", dir + "/d.png", "/dev/zero"} {
		for _, as := range []string{"", ".csv", ".npz", ".npy", "-ubyte", ".zip"} {
			link := filepath.Join(t.TempDir(), "x"+as)
			must(t, os.Symlink(path, link))
			_, err := Open(link, Options{})
			wantError(t, err, link, "neither a file nor a folder")
			_, err = LoadInput(link, Options{Shape: []int{4}})
			wantError(t, err, link, "neither a file nor a folder")
		}
	}
	// Labels beside an IDX file that are a pipe.
	idx := files{"x-images-idx3-ubyte": idxData([]int{1, 2, 2}, make([]byte, 4))}.folder(t)
	must(t, syscall.Mkfifo(filepath.Join(idx, "x-labels-idx1-ubyte"), 0o644))
	_, err := Open(idx+"/x-images-idx3-ubyte", Options{})
	wantError(t, err, idx+"/x-images-idx3-ubyte", "x-labels-idx1-ubyte: neither a file nor a folder")
	// A picture that was exchanged for a pipe since the folder was read.
	swapped := files{"a.png": grayPNG(t, 2, 2, 0), "b.png": grayPNG(t, 2, 2, 0)}.folder(t)
	s := open(t, swapped, Options{})
	must(t, os.Remove(swapped+"/b.png"))
	must(t, syscall.Mkfifo(swapped+"/b.png", 0o644))
	wantError(t, s.Pixels(1, make([]byte, 4)), swapped, "b.png: neither a file nor a folder")
}

// TestManyLinks opens folders that look like billions of folders.
func TestManyLinks(t *testing.T) {
	dir := t.TempDir()
	for i := range 12 {
		must(t, os.Mkdir(fmt.Sprintf("%s/%d", dir, i), 0o755))
		for k := range 30 {
			must(t, os.Symlink(fmt.Sprintf("../%d", i+1), fmt.Sprintf("%s/%d/%d", dir, i, k)))
		}
	}
	must(t, os.Mkdir(dir+"/12", 0o755))
	_, err := Open(dir+"/0", Options{})
	wantError(t, err, dir+"/0", "more than 8192 links to folders")
}

func TestUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := files{"a.png": grayPNG(t, 2, 2, 0)}.folder(t)
	must(t, os.Chmod(dir+"/a.png", 0))
	_, err := Open(dir, Options{})
	wantError(t, err, dir, "a.png: ", "permission denied")
}

// TestContext ends opening by a context that has ended.
func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := files{
		"a.csv": []byte("a,label\n1,x\n"), "a.npy": npyData("|u1", false, "(2, 3)", make([]byte, 6)),
		"x-ubyte": idxData([]int{2, 2, 3}, make([]byte, 12)), "p/a.png": grayPNG(t, 2, 2, 0),
		"a.npz": files{"x.npy": npyData("|u1", false, "(2, 3)", make([]byte, 6))}.zipped(t, zip.Store),
	}.folder(t)
	for _, name := range []string{"a.csv", "a.npy", "x-ubyte", "p", "a.npz"} {
		if _, err := Open(dir+"/"+name, Options{Context: ctx, SkipBad: true}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error is %v, want that of the context", name, err)
		}
	}
}

// zlibZeros is zlib data of n zeros.
func zlibZeros(t testing.TB, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, zlib.BestSpeed)
	must(t, err)
	_, err = io.CopyN(w, zeros{}, n)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}
