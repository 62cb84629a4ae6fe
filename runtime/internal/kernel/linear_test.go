package kernel

import (
	"fmt"
	"math"
	"math/rand"
	"testing"
)

func TestLinearGeometry(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	set := func(t Term, f func(*Term)) Term { f(&t); return t }
	cases := []struct {
		name  string
		out   [3]int
		terms []Term
	}{
		{"1x1", [3]int{3, 5, 7}, []Term{term([3]int{4, 5, 7}, 1, 1, 0, 32, 0)}},
		{"1x1 one position", [3]int{7, 1, 1}, []Term{term([3]int{9, 1, 1}, 1, 1, 0, 32, 0)}},
		{"3x3", [3]int{5, 6, 6}, []Term{term([3]int{3, 8, 8}, 3, 1, 0, 32, 0)}},
		{"3x3 pad", [3]int{5, 16, 16}, []Term{term([3]int{3, 16, 16}, 3, 1, 1, 32, 0)}},
		{"3x3 pad, zero in the middle", [3]int{5, 16, 16}, []Term{term([3]int{3, 16, 16}, 3, 1, 1, 32, 15)}},
		{"3x3 pad, zero at the end", [3]int{5, 9, 9}, []Term{term([3]int{3, 9, 9}, 3, 1, 1, 32, 31)}},
		{"5x5 pad", [3]int{3, 28, 28}, []Term{term([3]int{1, 28, 28}, 5, 1, 2, 256, 33)}},
		{"5x5", [3]int{4, 10, 10}, []Term{term([3]int{3, 14, 14}, 5, 1, 0, 32, 0)}},
		{"stride 2", [3]int{4, 8, 8}, []Term{term([3]int{3, 16, 16}, 3, 2, 1, 32, 4)}},
		{"stride 2, pad 0", [3]int{4, 8, 8}, []Term{term([3]int{3, 16, 16}, 3, 2, 0, 16, 0)}},
		{"stride 3 beyond the kernel", [3]int{4, 4, 5}, []Term{term([3]int{3, 10, 13}, 1, 3, 0, 16, 0)}},
		{"stride 4, 11x11", [3]int{2, 7, 7}, []Term{term([3]int{2, 35, 35}, 11, 4, 2, 8, 3)}},
		{"dilation", [3]int{4, 12, 12}, []Term{set(term([3]int{3, 12, 12}, 3, 1, 2, 32, 0), func(t *Term) { t.Dilation = [2]int{2, 2} })}},
		{"dilation 3 and stride 2", [3]int{4, 6, 4}, []Term{set(term([3]int{3, 14, 11}, 3, 2, 2, 32, 7), func(t *Term) { t.Dilation = [2]int{3, 3} })}},
		{"asymmetric", [3]int{4, 7, 9}, []Term{set(term([3]int{3, 9, 20}, 3, 1, 0, 32, 5), func(t *Term) {
			t.Kernel, t.Stride, t.Pad, t.Dilation = [2]int{2, 4}, [2]int{1, 2}, [2]int{-1, 1}, [2]int{1, 1}
		})}},
		{"negative pad", [3]int{2, 3, 3}, []Term{term([3]int{2, 9, 9}, 3, 1, -3, 32, 5)}},
		{"pad beyond the kernel", [3]int{2, 11, 11}, []Term{term([3]int{2, 3, 3}, 3, 1, 5, 32, 5)}},
		{"up 2", [3]int{3, 14, 14}, []Term{set(term([3]int{4, 7, 7}, 3, 1, 1, 32, 0), func(t *Term) { t.Up = [2]int{2, 2} })}},
		{"up 3 and 2", [3]int{3, 13, 14}, []Term{set(term([3]int{4, 4, 7}, 4, 1, 2, 32, 9), func(t *Term) { t.Up = [2]int{3, 2} })}},
		{"up 2, kernel 1", [3]int{3, 13, 13}, []Term{set(term([3]int{4, 7, 7}, 1, 1, 0, 32, 9), func(t *Term) { t.Up = [2]int{2, 2} })}},
		{"up 3, stride 2", [3]int{3, 9, 9}, []Term{set(term([3]int{4, 7, 7}, 3, 2, 1, 32, 9), func(t *Term) { t.Up = [2]int{3, 3} })}},
		{"up from one position", [3]int{6, 7, 7}, []Term{term([3]int{5, 1, 1}, 7, 1, 6, 32, 3)}},
		{"covers the input", [3]int{11, 1, 1}, []Term{term([3]int{6, 5, 5}, 5, 1, 0, 32, 0)}},
		{"covers the input, signed", [3]int{11, 1, 1}, []Term{term([3]int{6, 5, 5}, 5, 1, 0, 32, 12)}},
		{"covers the input, 256 levels", [3]int{9, 1, 1}, []Term{term([3]int{6, 5, 5}, 5, 1, 0, 256, 100)}},
		{"larger than the input", [3]int{9, 1, 1}, []Term{term([3]int{6, 3, 3}, 5, 1, 1, 32, 2)}},
		{"groups", [3]int{6, 5, 5}, []Term{set(term([3]int{9, 5, 5}, 3, 1, 1, 32, 0), func(t *Term) { t.Groups = 3 })}},
		{"depthwise", [3]int{7, 24, 24}, []Term{set(term([3]int{7, 24, 24}, 3, 1, 1, 32, 0), func(t *Term) { t.Groups = 7 })}},
		{"depthwise, stride 2", [3]int{6, 6, 6}, []Term{set(term([3]int{3, 12, 12}, 3, 2, 0, 32, 0), func(t *Term) { t.Groups = 3 })}},
		{"wide rows", [3]int{2, 2, 300}, []Term{term([3]int{2, 4, 302}, 3, 1, 0, 32, 0)}},
		{"one long row", [3]int{3, 1, 1000}, []Term{set(term([3]int{2, 1, 1000}, 1, 1, 0, 32, 1), func(t *Term) { t.Kernel, t.Pad = [2]int{1, 9}, [2]int{0, 4} })}},
		{"one long column", [3]int{3, 500, 1}, []Term{set(term([3]int{2, 500, 1}, 1, 1, 0, 32, 1), func(t *Term) { t.Kernel, t.Pad = [2]int{9, 1}, [2]int{4, 0} })}},
		{"residual", [3]int{8, 8, 8}, []Term{
			term([3]int{4, 8, 8}, 3, 1, 1, 32, 0),
			set(term([3]int{8, 8, 8}, 1, 1, 0, 32, 7), func(t *Term) { t.Groups = 8 }),
		}},
		{"shortcut of stride 2", [3]int{8, 8, 8}, []Term{
			term([3]int{4, 8, 8}, 3, 1, 1, 32, 0),
			term([3]int{5, 16, 16}, 1, 2, 0, 16, 7),
		}},
		{"three inputs of different levels", [3]int{4, 6, 6}, []Term{
			term([3]int{4, 6, 6}, 3, 1, 1, 32, 0),
			term([3]int{5, 6, 6}, 1, 1, 0, 256, 7),
			set(term([3]int{2, 3, 3}, 3, 1, 1, 3, 1), func(t *Term) { t.Up, t.Groups = [2]int{2, 2}, 2 }),
		}},
		{"depthwise with residual", [3]int{6, 6, 6}, []Term{
			set(term([3]int{6, 6, 6}, 3, 1, 1, 32, 0), func(t *Term) { t.Groups = 6 }),
			set(term([3]int{6, 6, 6}, 1, 1, 0, 16, 0), func(t *Term) { t.Groups = 6 }),
		}},
		{"pooling", [3]int{5, 1, 1}, []Term{set(term([3]int{5, 8, 8}, 8, 1, 0, 32, 0), func(t *Term) { t.Groups = 5 })}},
	}
	books := []struct {
		name    string
		centres []int32
	}{
		{"small integers", smallInts()},
		{"ternary", []int32{-1, 0, 1}},
		{"8 bits", arbitrary(r, 64, 8)},
		{"16 bits", arbitrary(r, 200, 16)},
	}
	steps := []string{"", "one", "channel", "wild"}
	for i, c := range cases {
		for j, book := range books {
			s := spec{out: c.out, terms: c.terms, book: book.centres, steps: steps[(i+j)%4], bias: 1000, levels: 32}
			l, src := s.make(r)
			if _, err := NewGrouped(l, math.MaxInt, Portable); err != nil && LittleEndian {
				t.Errorf("%s, %s: %v", c.name, book.name, err)
			}
			if _, err := NewSorted(l, 8<<20, math.MaxInt, Portable); err != nil && LittleEndian && l.positions() == 1 {
				t.Errorf("%s, %s: %v", c.name, book.name, err)
			}
			checkLayer(t, l, src, fmt.Sprintf("%s, %s, steps %q", c.name, book.name, s.steps))
		}
	}
}

func TestLinearLevels(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for _, levels := range []int{2, 3, 4, 5, 8, 15, 16, 17, 32, 33, 51, 52, 63, 64, 65, 86, 128, 129, 255, 256} {
		for _, zero := range []int{0, levels / 2, levels - 1} {
			for _, s := range []spec{
				{out: [3]int{5, 6, 9}, terms: []Term{term([3]int{6, 6, 9}, 3, 1, 1, levels, zero)}},
				{out: [3]int{17, 1, 1}, terms: []Term{term([3]int{50, 1, 1}, 1, 1, 0, levels, zero)}},
			} {
				s.book, s.steps, s.bias, s.levels = arbitrary(r, 40, 9), "one", 50, levels
				l, src := s.make(r)
				checkLayer(t, l, src, fmt.Sprintf("%d levels, zero %d", levels, zero))
			}
		}
	}
}

func TestLinearCodebooks(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	books := []struct {
		name    string
		centres []int32
	}{
		{"one centre", []int32{5}},
		{"one centre, 0", []int32{0}},
		{"negative", []int32{-9, -5, -2}},
		{"positive", []int32{7, 100}},
		{"two", []int32{-1, 1}},
		{"multiples of 64", []int32{-128, -64, 0, 64, 192}},
		{"far apart", []int32{-1 << 17, 0, 1 << 17}},
		{"8 bits, 256", arbitrary(r, 256, 8)},
		{"12 bits, 1000", arbitrary(r, 1000, 12)},
		{"16 bits, 1000", arbitrary(r, 1000, 16)},
		{"255 multiples of 299", multiples(299, 127)},
		{"multiples of 299, but one", append(multiples(299, 20), 20*299+1)},
	}
	for _, book := range books {
		for _, s := range []spec{
			{out: [3]int{6, 5, 5}, terms: []Term{term([3]int{3, 5, 5}, 3, 1, 1, 32, 3)}},
			{out: [3]int{33, 1, 1}, terms: []Term{term([3]int{40, 1, 1}, 1, 1, 0, 32, 3)}},
			{out: [3]int{6, 5, 5}, terms: []Term{term([3]int{3, 5, 5}, 3, 1, 1, 256, 3)}},
		} {
			s.book, s.steps, s.bias, s.levels = book.centres, "one", 1<<20, 16
			l, src := s.make(r)
			checkLayer(t, l, src, book.name)
		}
	}
}

// TestLinearPositions walks through sizes around the widths of words, passes and tiles.
func TestLinearPositions(t *testing.T) {
	r := rand.New(rand.NewSource(4))
	for cols := 1; cols <= 70; cols++ {
		rows := 1 + r.Intn(5)
		s := spec{
			out: [3]int{3, rows, cols}, terms: []Term{term([3]int{2, rows, cols}, 3, 1, 1, 32, 2)},
			book: smallInts(), steps: "one", levels: 32,
		}
		l, src := s.make(r)
		checkLayer(t, l, src, fmt.Sprintf("%d x %d", rows, cols))
	}
	for n := 1; n <= 70; n++ {
		s := spec{
			out: [3]int{n, 1, 1}, terms: []Term{term([3]int{1 + r.Intn(70), 1, 1}, 1, 1, 0, 32, 2)},
			book: smallInts(), steps: "one", levels: 32,
		}
		l, src := s.make(r)
		checkLayer(t, l, src, fmt.Sprintf("%d outputs", n))
	}
}

// TestLinearExtremes drives accumulators to the ends of int32 and lanes to theirs.
func TestLinearExtremes(t *testing.T) {
	for _, levels := range []int{2, 32, 256} {
		for _, zero := range []int{0, levels - 1} {
			for _, taps := range []int{1, 8, 9, 264, 265, 300, 4400} {
				limit := (1<<31 - 1) / (taps * (levels - 1))
				for _, centre := range []int{limit, -limit, limit &^ 1, 1, -1} {
					if centre == 0 {
						continue
					}
					l := &Layer{Out: [3]int{2, 1, 2}, Bias: []int32{0, 0}, Terms: []Term{{
						Shape: [3]int{taps, 1, 2}, Levels: levels, Zero: zero, Groups: 1,
						Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Up: [2]int{1, 1},
						Centres: []int32{int32(centre)}, Weights: make([]uint16, 2*taps),
					}}}
					for _, x := range []int{0, levels - 1} {
						in := input(2 * taps)
						for i := range in {
							in[i] = byte(x)
						}
						checkLayer(t, l, [][]byte{in}, fmt.Sprintf("%d levels, zero %d, %d taps of %d, x %d", levels, zero, taps, centre, x))
					}
				}
			}
		}
	}
}

// TestGroupedManyTaps needs planes whose taps exceed a lane by themselves.
func TestGroupedManyTaps(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	for _, levels := range []int{32, 256} {
		s := spec{
			out: [3]int{2, 2, 3}, terms: []Term{term([3]int{600, 2, 3}, 3, 1, 1, levels, 1)},
			book: []int32{-5, -3, 3, 5, 7}, steps: "one", levels: 32,
		}
		l, src := s.make(r)
		checkLayer(t, l, src, fmt.Sprintf("%d levels", levels))
	}
}

// TestPooled has one centre for all weights.
func TestPooled(t *testing.T) {
	r := rand.New(rand.NewSource(6))
	for _, side := range []int{1, 2, 3, 7, 8} {
		for i, steps := range []string{"", "one", "channel", "wild"} {
			s := spec{
				out: [3]int{7, 1, 1}, terms: []Term{depthwise(term([3]int{7, side, side}, side, 1, 0, 32, i))},
				book: []int32{int32(r.Intn(2000) - 1000)}, steps: steps, bias: 1000, levels: 256,
			}
			l, src := s.make(r)
			if _, err := NewPooled(l); err != nil {
				t.Fatal(err)
			}
			checkLayer(t, l, src, fmt.Sprintf("%d x %d, steps %q", side, side, steps))
		}
	}
}

func TestDigits(t *testing.T) {
	check := func(c int32) {
		plus, minus := digits(c)
		if int64(plus)-int64(minus) != int64(c) {
			t.Fatalf("digits(%d) = %b, %b", c, plus, minus)
		}
		if n := plus | minus; plus&minus != 0 || n&(n>>1) != 0 {
			t.Fatalf("digits(%d) = %b, %b: neighbouring digits", c, plus, minus)
		}
	}
	for c := int32(-5000); c <= 5000; c++ {
		check(c)
	}
	for _, c := range []int32{1<<31 - 1, -1 << 31, 1<<31 - 2, 0x55555555, -0x55555555} {
		check(c)
	}
}
