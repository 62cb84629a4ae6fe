package kernel

import (
	"math/rand"
	"slices"
	"testing"
)

// TestCroppedAndTurned compares layers whose kernels reach far beyond the input, also of one column, with what they
// become.
func TestCroppedAndTurned(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	cropped, turned := 0, 0
	for range 500 {
		n := func(most int) int { return 1 + r.Intn(most) }
		l := &Layer{Out: [3]int{n(2), n(5), n(5)}, Bias: []int32{3, -4}}
		tm := Term{
			Shape: [3]int{n(2), n(5), n(5)}, Levels: 16, Zero: r.Intn(16), Groups: 1, Kernel: [2]int{n(12), n(12)},
			Stride: [2]int{n(3), n(3)}, Dilation: [2]int{n(3), n(3)}, Pad: [2]int{r.Intn(20) - 8, r.Intn(20) - 8}, Up: [2]int{n(3), n(3)},
			Centres: []int32{-5, 1, 7},
		}
		if r.Intn(3) == 0 {
			l.Out[2], tm.Shape[2], tm.Kernel[1] = 1, 1, 1
		}
		l.Bias = l.Bias[:l.Out[0]]
		for range l.Out[0] * tm.taps() {
			tm.Weights = append(tm.Weights, uint16(r.Intn(3)))
		}
		l.Terms = []Term{tm}
		in := make([]byte, tm.Shape[0]*tm.Shape[1]*tm.Shape[2])
		for i := range in {
			in[i] = byte(r.Intn(16))
		}
		run := func(l *Layer) []int32 {
			k := NewLookup(l)
			out := make([]int32, l.Out[0]*l.positions())
			k.Run(nil, out, [][]byte{in}, NewScratch(k.Need()))
			return out
		}
		want := run(l)
		c := l.Turned()
		if c != l {
			turned++
		}
		c = c.Cropped()
		if len(c.Terms[0].Weights) < len(tm.Weights) {
			cropped++
		}
		if got := run(c); !slices.Equal(got, want) {
			t.Fatalf("%+v: got %d, want %d", l, got, want)
		}
	}
	if cropped < 100 || turned < 50 {
		t.Errorf("%d layers were cropped and %d turned, want more", cropped, turned)
	}
}
