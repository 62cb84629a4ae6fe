package idx

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func file(dims []int, n int) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	for i := range n {
		b = append(b, byte(i))
	}
	return b
}

func zipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func TestReader(t *testing.T) {
	plain := file([]int{5, 2, 3}, 30)
	for _, data := range [][]byte{plain, zipped(plain)} {
		r, err := NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if r.Len() != 5 || r.SampleSize() != 6 || len(r.Dims()) != 3 {
			t.Fatalf("%d samples of %d bytes, dimensions %v", r.Len(), r.SampleSize(), r.Dims())
		}
		two := make([]byte, 12)
		if err := r.Next(two); err != nil || two[0] != 0 || two[11] != 11 {
			t.Errorf("samples 0, 1: %v (%v)", two, err)
		}
		if err := r.Skip(1); err != nil {
			t.Error(err)
		}
		if err := r.Next(make([]byte, 7)); err == nil {
			t.Error("room for a sample and a bit: no error")
		}
		if err := r.Next(make([]byte, 18)); err != io.EOF {
			t.Errorf("three samples when two are left: %v, want io.EOF", err)
		}
		if err := r.Skip(3); err != io.EOF {
			t.Errorf("skip three when two are left: %v, want io.EOF", err)
		}
		if err := r.Skip(-1); err != io.EOF {
			t.Errorf("skip back: %v, want io.EOF", err)
		}
		rest, err := r.Rest(12)
		if err != nil || len(rest) != 12 || rest[0] != 18 || rest[11] != 29 {
			t.Errorf("rest: %v (%v)", rest, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRestLarge(t *testing.T) {
	const n = 3<<20 + 17 // more than a part at a time
	r, err := NewReader(bytes.NewReader(file([]int{n}, n)))
	if err != nil {
		t.Fatal(err)
	}
	rest, err := r.Rest(n)
	if err != nil || len(rest) != n || rest[2<<20+5] != 5 {
		t.Errorf("%d bytes (%v)", len(rest), err)
	}
}

func TestBroken(t *testing.T) {
	good := file([]int{5, 2, 3}, 30)
	sum := zipped(good)
	sum[len(sum)-6] ^= 1
	for _, c := range []struct {
		name  string
		data  []byte
		limit int64
		want  string
	}{
		{"empty", nil, 99, "idx: header: too short"},
		{"magic", []byte("hello"), 99, "not an IDX file"},
		{"type", []byte{0, 0, 9, 1, 0, 0, 0, 1, 0}, 99, "element type 0x09, want 0x08"},
		{"no dimensions", []byte{0, 0, 8, 0}, 99, "0 dimensions, want 1 to 4"},
		{"dimensions", []byte{0, 0, 8, 5}, 99, "5 dimensions, want 1 to 4"},
		{"header", good[:10], 99, "cut short within the 3 dimensions"},
		{"zero", file([]int{5, 0, 3}, 0), 99, "dimension 1 is 0"},
		{"large dimension", []byte{0, 0, 8, 1, 0x80, 0, 0, 0}, 99, "dimension 0 is 2147483648"},
		{"large sample", file([]int{1, 1 << 20, 1 << 20}, 0), 99, "one sample"},
		{"cut", good[:len(good)-1], 99, "idx: sample 4: the data end here, want 5 samples"},
		{"long", append(bytes.Clone(good), 0), 99, "idx: end: more data follow the 5 samples"},
		{"limit", good, 29, "want at most 29 bytes"},
		{"gzip header", []byte{0x1f, 0x8b, 0, 0}, 99, "broken gzip data"},
		{"gzip cut", zipped(good)[:30], 99, "end of data"},
		{"gzip checksum", sum, 99, "checksum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := NewReader(bytes.NewReader(c.data))
			if err == nil {
				_, err = r.Rest(c.limit)
			}
			var f *FormatError
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &f) {
				t.Errorf("error is %v, want a FormatError with %q", err, c.want)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	good := file([]int{5, 2, 3}, 30)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"good": {good, ""}, "good.gz": {zipped(good), ""},
		"short": {good[:40], "the file has 40 bytes, want 46"},
		"long":  {append(bytes.Clone(good), 1), "the file has 47 bytes, want 46"},
		"bad":   {[]byte("bad"), "too short"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.data, 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error is %v, want %q", name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Compressed() != strings.HasSuffix(name, ".gz") || r.Len() != 5 {
			t.Errorf("%s: compressed %v, %d samples", name, r.Compressed(), r.Len())
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("folder: no error")
	}
}

func TestParseRange(t *testing.T) {
	for _, c := range []struct {
		s        string
		from, to int
		ok       bool
	}{
		{"", 0, 10, true}, {"all", 0, 10, true}, {"0", 0, 1, true}, {"9", 9, 10, true}, {"2:5", 2, 5, true},
		{":3", 0, 3, true}, {"7:", 7, 10, true}, {":", 0, 10, true},
		{"10", 0, 0, false}, {"-1", 0, 0, false}, {"5:2", 0, 0, false}, {"5:5", 0, 0, false}, {"0:11", 0, 0, false},
		{"a", 0, 0, false}, {"1:b", 0, 0, false}, {"1:2:3", 0, 0, false}, {"99999999999999999999", 0, 0, false},
	} {
		from, to, err := ParseRange(c.s, 10)
		if (err == nil) != c.ok || err == nil && (from != c.from || to != c.to) {
			t.Errorf("%q: [%d, %d), %v; want [%d, %d)", c.s, from, to, err, c.from, c.to)
		}
	}
}
