package coding

import (
	"fmt"
	"math"
	"math/rand"
	"testing"
)

// distribution makes indices of one kind.
type distribution struct {
	name string
	size int
	make func(r *rand.Rand) int // before clamping to the alphabet
}

func laplacian(size int, scale float64) distribution {
	return distribution{fmt.Sprintf("laplacian size=%d scale=%g", size, scale), size, func(r *rand.Rand) int {
		return size/2 + int(math.Round(math.Copysign(r.ExpFloat64(), r.Float64()-0.5)*scale))
	}}
}

func normal(size int, scale float64) distribution {
	return distribution{fmt.Sprintf("normal size=%d scale=%g", size, scale), size, func(r *rand.Rand) int {
		return size/2 + int(math.Round(r.NormFloat64()*scale))
	}}
}

func uniform(size int) distribution {
	return distribution{fmt.Sprintf("uniform size=%d", size), size, func(r *rand.Rand) int { return r.Intn(size) }}
}

func skewed(size int, p float64) distribution {
	return distribution{fmt.Sprintf("skewed size=%d p=%g", size, p), size, func(r *rand.Rand) int {
		if r.Float64() < p {
			return 0
		}
		return 1 + r.Intn(size-1)
	}}
}

func (d distribution) draw(seed int64, count int) []uint16 {
	r := rand.New(rand.NewSource(seed))
	out := make([]uint16, count)
	for i := range out {
		out[i] = uint16(min(max(d.make(r), 0), d.size-1))
	}
	return out
}

// entropyBytes is the zero-order entropy of all indices together.
func entropyBytes(indices []uint16, size int) float64 {
	var bits float64
	for _, c := range histogram(indices, size) {
		if c > 0 {
			bits -= float64(c) * math.Log2(float64(c)/float64(len(indices)))
		}
	}
	return bits / 8
}

func decode(kind Kind, data []byte, count, size, block int) ([]uint16, error) {
	var d Decoder
	if err := d.Reset(kind, data, count, size); err != nil {
		return nil, err
	}
	out := make([]uint16, count)
	for at := 0; ; {
		n := min(block, count-at)
		if err := d.Read(out[at : at+n]); err != nil {
			return nil, err
		}
		if at += n; at == count {
			return out, nil
		}
	}
}

// roundTrip codes and decodes, fails on any difference, and returns the coded form.
func roundTrip(t *testing.T, indices []uint16, size int) (Kind, []byte) {
	t.Helper()
	kind, data := Pack(indices, size)
	for _, block := range []int{1 << 30, 1000, 7} {
		if block == 7 && len(indices) > 1000 {
			continue
		}
		got, err := decode(kind, data, len(indices), size, block)
		if err != nil {
			t.Fatalf("%d indices of %d as %v: %v", len(indices), size, kind, err)
		}
		for i := range got {
			if got[i] != indices[i] {
				t.Fatalf("%d indices of %d as %v: index %d is %d, want %d", len(indices), size, kind, i, got[i], indices[i])
			}
		}
	}
	return kind, data
}

var distributions = []distribution{
	skewed(2, 0.9), skewed(2, 0.5), skewed(3, 0.98), laplacian(8, 1.5), laplacian(16, 2), normal(16, 3), uniform(16),
	uniform(17), laplacian(64, 8), laplacian(256, 30), normal(256, 40), uniform(256), laplacian(1000, 100),
	uniform(1000), laplacian(65536, 50), uniform(65536),
}

func TestRoundTrip(t *testing.T) {
	lengths := []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 500, 1023, 1024, 5000}
	for _, d := range distributions {
		t.Run(d.name, func(t *testing.T) {
			for _, n := range lengths {
				roundTrip(t, d.draw(int64(n), n), d.size)
			}
		})
	}
	t.Run("one symbol of many", func(t *testing.T) {
		for _, x := range []uint16{0, 1, 255, 256, 65535} {
			kind, data := roundTrip(t, []uint16{x, x, x}, 1<<16)
			if kind != Single || len(data) > 2 {
				t.Errorf("three times %d: %v in %d bytes, want single in at most 2", x, kind, len(data))
			}
		}
	})
	t.Run("alphabet of one", func(t *testing.T) { roundTrip(t, make([]uint16, 100), 1) })
	t.Run("all of the largest alphabet", func(t *testing.T) {
		x := make([]uint16, 1<<16)
		for i := range x {
			x[i] = uint16(i*40503 + 1)
		}
		roundTrip(t, x, 1<<16)
	})
}

// TestEntropyBound holds the size against the zero-order entropy, tables included.
func TestEntropyBound(t *testing.T) {
	tests := []struct {
		d       distribution
		count   int
		percent float64
	}{
		{skewed(2, 0.9), 10000, 1},
		{skewed(2, 0.99), 100000, 2},
		{laplacian(8, 1.5), 10000, 1},
		{laplacian(16, 2), 1000, 4},
		{laplacian(16, 2), 10000, 1},
		{laplacian(16, 2), 100000, 0.2},
		{normal(16, 3), 10000, 1},
		{uniform(16), 10000, 0.2},
		{uniform(17), 10000, 1},
		{laplacian(64, 8), 10000, 1},
		{laplacian(256, 30), 10000, 2},
		{normal(256, 40), 10000, 2},
		{uniform(256), 10000, 2},
		{laplacian(1000, 100), 10000, 3.5}, // ten indices for each number of the table
		{laplacian(1000, 100), 40000, 2},
		{laplacian(1000, 100), 100000, 1},
		{uniform(1000), 100000, 1},
		{laplacian(65536, 50), 100000, 1},
	}
	for _, tt := range tests {
		indices := tt.d.draw(1, tt.count)
		_, data := roundTrip(t, indices, tt.d.size)
		want := entropyBytes(indices, tt.d.size)
		if over := 100 * (float64(len(data))/want - 1); over > tt.percent {
			t.Errorf("%s, %d indices: %d bytes, %.2f %% over the entropy of %.0f, want at most %g %%",
				tt.d.name, tt.count, len(data), over, want, tt.percent)
		}
	}
}

func TestPackIsDeterministic(t *testing.T) {
	indices := laplacian(256, 30).draw(3, 5000)
	kind, data := Pack(indices, 256)
	for range 3 {
		if k, d := Pack(indices, 256); k != kind || string(d) != string(data) {
			t.Fatal("packing the same indices again gives other bytes")
		}
	}
}

// TestExample is the example of FORMAT.md, "Coding of weights".
func TestExample(t *testing.T) {
	indices := make([]uint16, 40)
	for _, i := range []int{3, 8, 13, 18, 23, 28, 38} {
		indices[i] = 2
	}
	indices[7], indices[33], indices[20] = 1, 1, 4
	const want = "05 46 de fd 2f 4e 42 fe 48 4c 03"
	if kind, data := roundTrip(t, indices, 6); kind != TANS || fmt.Sprintf("% x", data) != want {
		t.Errorf("%v % x, want tANS %s", kind, data, want)
	}
}

// TestNormalize checks that frequencies add up and keep every index that occurs.
func TestNormalize(t *testing.T) {
	for _, d := range distributions {
		indices := d.draw(5, 3000)
		counts := histogram(indices, d.size)
		for log := uint(minLog); log <= maxLog; log++ {
			used := 0
			for _, c := range counts {
				if c > 0 {
					used++
				}
			}
			if used > 1<<log {
				continue
			}
			var sum uint32
			for s, f := range normalize(counts, len(indices), log) {
				sum += f
				if (f == 0) != (counts[s] == 0) {
					t.Fatalf("%s, 2^%d: frequency %d for count %d", d.name, log, f, counts[s])
				}
			}
			if sum != 1<<log {
				t.Errorf("%s: frequencies add up to %d, want %d", d.name, sum, 1<<log)
			}
		}
	}
}

func TestFrequenciesRoundTrip(t *testing.T) {
	tests := map[string][]uint32{
		"one":        {32},
		"late":       {0, 0, 0, 31, 0, 1},
		"equal":      {8, 8, 8, 8},
		"far":        append(make([]uint32, 60000), 1, 31),
		"up down":    {1, 1000, 1, 1000, 1, 44, 1},
		"zeros once": {0, 1, 0, 1, 0, 30},
		"large":      {16383, 1},
	}
	for name, freqs := range tests {
		var sum uint32
		for _, f := range freqs {
			sum += f
		}
		log := uint(0)
		for 1<<log < sum {
			log++
		}
		var w BitWriter
		w.putFrequencies(freqs, log)
		r := BitReader{data: w.Bytes()}
		got := make([]uint32, len(freqs))
		if err := readFrequencies(&r, log, got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for s := range got {
			if got[s] != freqs[s] {
				t.Errorf("%s: frequency %d is %d, want %d", name, s, got[s], freqs[s])
			}
		}
		if err := r.Finish(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func readFrequencies(r *BitReader, log uint, to []uint32) error {
	freqs := r.frequencies(log, len(to))
	for {
		s, f, err := freqs.next()
		if err != nil || f == 0 {
			return err
		}
		to[s] = f
	}
}

// TestDamage changes, cuts and extends coded lists. Nothing may panic; an index outside
// the alphabet must not appear; a cut or longer list must be noticed.
func TestDamage(t *testing.T) {
	for _, d := range []distribution{skewed(2, 0.9), uniform(5), laplacian(16, 2), laplacian(256, 20), laplacian(1000, 5)} {
		indices := d.draw(1, 700)
		kind, data := Pack(indices, d.size)
		for n := range data {
			if _, err := decode(kind, data[:n], len(indices), d.size, 100); err == nil {
				t.Errorf("%s: %v cut to %d of %d bytes is accepted", d.name, kind, n, len(data))
			}
		}
		if _, err := decode(kind, append(data[:len(data):len(data)], 0), len(indices), d.size, 100); err == nil {
			t.Errorf("%s: %v with a byte more is accepted", d.name, kind)
		}
		for _, count := range []int{0, len(indices) - 1, len(indices) + 1, 1 << 28} {
			if count == 1<<28 && kind == Single {
				continue
			}
			var dec Decoder
			err := dec.Reset(kind, data, count, d.size)
			buf := make([]uint16, 4096)
			for left := count; err == nil && left > 0; left -= min(left, len(buf)) {
				err = dec.Read(buf[:min(left, len(buf))])
			}
			if err == nil && count != 0 && kind != Plain {
				t.Errorf("%s: %v read as %d indices is accepted, it has %d", d.name, kind, count, len(indices))
			}
		}
		flipped := append([]byte(nil), data...)
		for bit := range 8 * len(data) {
			flipped[bit/8] ^= 1 << (bit % 8)
			checkAlphabet(t, kind, flipped, len(indices), d.size)
			flipped[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// checkAlphabet decodes anything and fails when an index is out of range.
func checkAlphabet(t *testing.T, kind Kind, data []byte, count, size int) {
	t.Helper()
	got, err := decode(kind, data, count, size, 64)
	if err != nil {
		return
	}
	for i, x := range got {
		if int(x) >= size {
			t.Fatalf("%v: index %d is %d, want less than %d", kind, i, x, size)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	for _, d := range []distribution{skewed(2, 0.9), uniform(5), laplacian(16, 2), laplacian(1000, 5)} {
		indices := d.draw(1, 100)
		kind, data := Pack(indices, d.size)
		f.Add(uint8(kind), data, uint16(len(indices)), uint16(d.size-1))
	}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte, count, last uint16) {
		checkAlphabet(t, Kind(kind), data, int(count), int(last)+1)
		indices := make([]uint16, 0, len(data)/2)
		for i := 0; i+1 < len(data); i += 2 {
			x := uint32(data[i]) | uint32(data[i+1])<<8
			indices = append(indices, uint16(x%(uint32(last)+1)))
		}
		roundTrip(t, indices, int(last)+1)
	})
}

func BenchmarkRead(b *testing.B) {
	for _, d := range []distribution{skewed(2, 0.9), laplacian(16, 2), laplacian(256, 30), uniform(256)} {
		indices := d.draw(1, 1<<17)
		kind, data := Pack(indices, d.size)
		b.Run(fmt.Sprintf("%v/%s", kind, d.name), func(b *testing.B) {
			var dec Decoder
			dst := make([]uint16, 4096)
			b.SetBytes(int64(len(indices)))
			b.ReportAllocs()
			for b.Loop() {
				if err := dec.Reset(kind, data, len(indices), d.size); err != nil {
					b.Fatal(err)
				}
				for range len(indices) / len(dst) {
					if err := dec.Read(dst); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkPack(b *testing.B) {
	for _, d := range []distribution{laplacian(16, 2), laplacian(256, 30)} {
		indices := d.draw(1, 1<<17)
		b.Run(d.name, func(b *testing.B) {
			b.SetBytes(int64(len(indices)))
			for b.Loop() {
				Pack(indices, d.size)
			}
		})
	}
}
