package kernel

import (
	"math"
	"math/rand"
	"testing"
)

// breaksAt makes a step whose values tell how many breaks were passed, modulo 256.
func breaksAt(breaks ...int32) *Step {
	s := &Step{Breaks: breaks}
	for i := range len(breaks) + 1 {
		s.Values = append(s.Values, uint8(i))
	}
	return s
}

func evenBreaks(n int, first, gap int64) *Step {
	var b []int32
	for i := range int64(n) {
		b = append(b, int32(first+i*gap))
	}
	return breaksAt(b...)
}

// skipping leaves out a value of s in the middle.
func skipping(s *Step) *Step {
	for i := len(s.Values) / 2; i < len(s.Values); i++ {
		s.Values[i]++
	}
	return s
}

func TestRequantizer(t *testing.T) {
	const lowest, highest = math.MinInt32, math.MaxInt32
	r := rand.New(rand.NewSource(6))
	scattered := func(n int, span int64) *Step {
		at := int64(-span / 2)
		var b []int32
		for range n {
			at += 1 + r.Int63n(span/int64(n))
			b = append(b, int32(at))
		}
		return breaksAt(b...)
	}
	for _, c := range []struct {
		name   string
		step   *Step
		lo, hi int32
		uses   int
		kind   uint8
	}{
		{"no breaks", breaksAt(), lowest, highest, 1000, reqConstant},
		{"all breaks below", breaksAt(-9, -7), -7, 100, 1000, reqConstant},
		{"all breaks above", breaksAt(200, 300), 0, 199, 1000, reqConstant},
		{"one break", breaksAt(5), -100, 100, 1000, reqDirect},
		{"one break at the low end", breaksAt(5, 6), 5, 100, 1000, reqDirect},
		{"one break at the high end", breaksAt(100), 5, 100, 1000, reqDirect},
		{"few uses", evenBreaks(31, 0, 100), -1000, 4000, 8, reqCovered},
		{"small range", evenBreaks(31, 0, 100), -1000, 4000, 10000, reqDirect},
		{"middle range", evenBreaks(31, 0, 1000), -20000, 60000, 100, reqCovered},
		{"wide range", evenBreaks(31, 0, 1000), -1 << 30, 1 << 29, 100, reqClamped},
		{"255 breaks", evenBreaks(255, -1000, 97), -1 << 25, 1 << 25, 100, reqClamped},
		{"neighbouring breaks", breaksAt(1, 2, 3, 1000000, 1000001), -100, 2000000, 100, reqLoop},
		{"scattered", scattered(255, 1<<20), -1 << 20, 1 << 20, 100, reqLoop},
		{"scattered over everything", scattered(200, 1<<32-1000), lowest, highest, 100, reqSearch},
		{"two breaks at the ends", breaksAt(lowest, highest), lowest, highest, 100, reqSearch},
		{"widest 32-bit differences", breaksAt(-1<<30+1, 1<<30-2), -1 << 30, 1<<30 - 2, 100, reqOnce},
		{"bins covered up to the highest mark", breaksAt(5, 1<<22), 0, 1<<24 - 1, 100, reqCovered},
		{"bins clamped to the highest mark", breaksAt(1, 1<<24-1), -1 << 24, 1 << 25, 100, reqClamped},
		{"breaks too far apart for marks", breaksAt(1, 1<<24+1), 0, 1 << 25, 100, reqOnce},
		{"values that skip one", skipping(evenBreaks(31, 0, 1000)), -20000, 60000, 100, reqOnce},
	} {
		q := NewRequantizer(c.step, c.lo, c.hi, c.uses)
		if q.kind != c.kind {
			t.Errorf("%s: kind %d, want %d", c.name, q.kind, c.kind)
		}
		// Accumulators at and around every break, at the ends, and at random.
		accs := []int32{c.lo, c.hi}
		for _, b := range c.step.Breaks {
			for d := int64(-2); d <= 2; d++ {
				if v := int64(b) + d; v >= int64(c.lo) && v <= int64(c.hi) {
					accs = append(accs, int32(v))
				}
			}
		}
		for range 500 {
			accs = append(accs, int32(int64(c.lo)+r.Int63n(int64(c.hi)-int64(c.lo)+1)))
		}
		for _, add := range []int32{0, 1, -12345, 1 << 30} {
			shifted := make([]int32, len(accs))
			for i, a := range accs {
				shifted[i] = a - add // wraps, as sums of lanes do
			}
			dst, intact := guarded(len(accs), 1)
			q.Run(dst, shifted, add)
			checkLevels(t, c.name, c.step, accs, dst)
			if !intact() {
				t.Fatalf("%s: wrote outside its output", c.name)
			}
		}
		if q.takesPairs() {
			checkPairs(t, c.name, c.step, q, accs)
		}
	}
}

func checkLevels(t *testing.T, name string, s *Step, accs []int32, got []byte) {
	t.Helper()
	for i, a := range accs {
		n := 0
		for n < len(s.Breaks) && s.Breaks[n] <= a {
			n++
		}
		if got[i] != s.Values[n] {
			t.Fatalf("%s: accumulator %d gives level %d, want %d", name, a, got[i], s.Values[n])
		}
	}
}

// checkPairs runs lanes of 16 bits around every accumulator, an odd number of them.
func checkPairs(t *testing.T, name string, s *Step, q *Requantizer, accs []int32) {
	t.Helper()
	for _, base := range accs {
		var even, odd []uint16
		var want []int32
		add := base - 100
		for i, a := range accs {
			v := min(max(int64(a)-int64(add), 0), math.MaxUint16)
			if int64(add)+v < int64(accs[0]) || int64(add)+v > int64(accs[1]) {
				v = 100
			}
			want = append(want, add+int32(v))
			if i%2 == 0 {
				even = append(even, uint16(v))
			} else {
				odd = append(odd, uint16(v))
			}
		}
		if len(even) == len(odd) {
			want = want[:len(want)-1]
		}
		dst, intact := guarded(len(want), 3)
		q.RunPairs(dst, even, odd, add)
		checkLevels(t, name+", pairs", s, want, dst)
		if !intact() {
			t.Fatalf("%s: pairs: wrote outside its output", name)
		}
	}
}

// TestRequantizerRows has rows of all lengths, with gaps between those of levels and of lanes.
func TestRequantizerRows(t *testing.T) {
	r := rand.New(rand.NewSource(12))
	for _, c := range []struct {
		kind   uint8
		step   *Step
		lo, hi int32
		uses   int
	}{
		{reqDirect, evenBreaks(31, 0, 20), -300, 900, 10000},
		{reqNear, evenBreaks(31, 0, 20), -40000, 60000, 10000},
		{reqCovered, evenBreaks(31, 0, 100), -1000, 4000, 8},
		{reqClamped, evenBreaks(31, 0, 1000), -1 << 30, 1 << 29, 100},
	} {
		q := NewRequantizer(c.step, c.lo, c.hi, c.uses)
		if q.kind != c.kind {
			t.Fatalf("kind %d, want %d", q.kind, c.kind)
		}
		for cols := 1; cols <= 11; cols++ {
			for rows := 1; rows <= 4; rows++ {
				pitch, outRow := alignUp(cols, 4)+4*r.Intn(2), cols+r.Intn(5)
				even, odd := make([]uint16, rows*pitch/2), make([]uint16, rows*pitch/2)
				add := c.lo
				if c.hi-c.lo > math.MaxUint16 {
					add = -1000
				}
				most := min(int(c.hi-add), math.MaxUint16)
				for i := range even {
					even[i], odd[i] = uint16(r.Intn(most+1)), uint16(r.Intn(most+1))
				}
				dst, intact := guarded((rows-1)*outRow+cols, 2)
				for i := range dst {
					dst[i] = 0xEE
				}
				q.RunPairRows(dst, even, odd, add, rows, cols, outRow, pitch)
				for y := range rows {
					var accs []int32
					for x := range cols {
						accs = append(accs, add+int32([][]uint16{even, odd}[x&1][(y*pitch+x)>>1]))
					}
					checkLevels(t, "rows", c.step, accs, dst[y*outRow:][:cols])
					for x := cols; x < outRow && y < rows-1; x++ {
						if dst[y*outRow+x] != 0xEE {
							t.Fatalf("kind %d, %d rows of %d: wrote between rows", c.kind, rows, cols)
						}
					}
				}
				if !intact() {
					t.Fatalf("kind %d, %d rows of %d: wrote outside its output", c.kind, rows, cols)
				}
			}
		}
	}
}
