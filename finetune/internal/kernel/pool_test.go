package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var poolCases = []Pool{
	{N: 2, C: 3, H: 8, W: 8, KH: 2, KW: 2, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, OH: 4, OW: 4},
	{N: 2, C: 3, H: 9, W: 7, KH: 2, KW: 2, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, OH: 4, OW: 3},
	{N: 2, C: 3, H: 9, W: 7, KH: 2, KW: 2, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, OH: 5, OW: 4}, // rounded up
	{N: 1, C: 2, H: 10, W: 12, KH: 3, KW: 3, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, OH: 5, OW: 6},
	{N: 1, C: 2, H: 10, W: 12, KH: 3, KW: 2, Stride: [2]int{1, 2}, Dilation: [2]int{2, 3}, Pad: [4]int{2, 0, 1, 3}, OH: 9, OW: 6},
	{N: 3, C: 5, H: 8, W: 8, KH: 8, KW: 8, Stride: [2]int{8, 8}, Dilation: [2]int{1, 1}, OH: 1, OW: 1},
	{N: 2, C: 2, H: 1, W: 30, KH: 1, KW: 4, Stride: [2]int{1, 3}, Dilation: [2]int{1, 1}, Pad: [4]int{0, 1, 0, 2}, OH: 1, OW: 10},
	{N: 2, C: 2, H: 5, W: 5, KH: 2, KW: 2, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, OH: 4, OW: 4},
	{N: 40, C: 20, H: 28, W: 28, KH: 2, KW: 2, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, OH: 14, OW: 14},
}

// each calls f for every window element, inside x or not, by its row and column in x.
func (p *Pool) each(f func(yi, plane, row, col int)) {
	for yi := 0; yi < p.N*p.C*p.OH*p.OW; yi++ {
		i, j := yi/p.OW%p.OH, yi%p.OW
		for u := 0; u < p.KH; u++ {
			for v := 0; v < p.KW; v++ {
				f(yi, yi/(p.OH*p.OW), i*p.Stride[0]+u*p.Dilation[0]-p.Pad[0], j*p.Stride[1]+v*p.Dilation[1]-p.Pad[1])
			}
		}
	}
}

func (p *Pool) has(row, col int) bool { return row >= 0 && col >= 0 && row < p.H && col < p.W }

func TestMaxPool(t *testing.T) {
	for i := range poolCases {
		p := &poolCases[i]
		r := rand.New(rand.NewPCG(uint64(i), 3))
		x, dy := randoms(r, p.N*p.C*p.H*p.W), randoms(r, p.N*p.C*p.OH*p.OW)
		for j := range x {
			x[j] = float32(math.Round(float64(4 * x[j]))) // so that there are ties
		}
		x[len(x)/2] = float32(math.NaN())
		want, wantArg := make([]float32, len(dy)), make([]int32, len(dy))
		for j := range wantArg {
			wantArg[j] = -1
		}
		p.each(func(yi, plane, row, col int) {
			if !p.has(row, col) {
				return
			}
			k := row*p.W + col
			if v := x[plane*p.H*p.W+k]; wantArg[yi] < 0 || v > want[yi] || v != v && want[yi] == want[yi] {
				want[yi], wantArg[yi] = v, int32(k)
			}
		})
		wantX := make([]float32, len(x))
		for j, k := range wantArg {
			wantX[j/(p.OH*p.OW)*p.H*p.W+int(k)] += dy[j]
		}
		y, intact := guarded(len(dy))
		arg := make([]int32, len(dy))
		p.MaxForward(y, arg, x)
		same(t, fmt.Sprintf("%+v", *p), y, want)
		for j := range arg {
			if arg[j] != wantArg[j] {
				t.Fatalf("%+v: argmax %d: got %d, want %d", *p, j, arg[j], wantArg[j])
			}
		}
		dx, intactX := guarded(len(x))
		p.MaxBackward(dx, dy, arg)
		same(t, fmt.Sprintf("gradient of %+v", *p), dx, wantX)
		if !intact() || !intactX() {
			t.Fatalf("%+v: wrote outside", *p)
		}
	}
}

func TestAvgPool(t *testing.T) {
	for i := range poolCases {
		p := &poolCases[i]
		for _, includePad := range []bool{false, true} {
			r := rand.New(rand.NewPCG(uint64(i), 3))
			x, dy := randoms(r, p.N*p.C*p.H*p.W), randoms(r, p.N*p.C*p.OH*p.OW)
			count := make([]float64, len(dy))
			p.each(func(yi, _, row, col int) {
				if p.has(row, col) || includePad && row < p.H+p.Pad[2] && col < p.W+p.Pad[3] {
					count[yi]++
				}
			})
			want, wantX := newSums(len(dy)), newSums(len(x))
			p.each(func(yi, plane, row, col int) {
				if p.has(row, col) {
					xi := (plane*p.H+row)*p.W + col
					want.add(yi, float64(x[xi])/count[yi])
					wantX.add(xi, float64(dy[yi])/count[yi])
				}
			})
			y, intact := guarded(len(dy))
			p.AvgForward(y, x, includePad)
			near(t, fmt.Sprintf("%+v %v", *p, includePad), y, want)
			dx, intactX := guarded(len(x))
			p.AvgBackward(dx, dy, includePad)
			near(t, fmt.Sprintf("gradient of %+v %v", *p, includePad), dx, wantX)
			if !intact() || !intactX() {
				t.Fatalf("%+v: wrote outside", *p)
			}
		}
	}
}

func BenchmarkPool(b *testing.B) {
	p := Pool{N: 64, C: 16, H: 28, W: 28, KH: 2, KW: 2, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, OH: 14, OW: 14}
	r := rand.New(rand.NewPCG(1, 2))
	x, y := randoms(r, p.N*p.C*p.H*p.W), make([]float32, p.N*p.C*p.OH*p.OW)
	arg := make([]int32, len(y))
	b.Run("max/forward", func(b *testing.B) { bench(b, 0, func() { p.MaxForward(y, arg, x) }) })
	b.Run("max/backward", func(b *testing.B) { bench(b, 0, func() { p.MaxBackward(x, y, arg) }) })
	b.Run("avg/forward", func(b *testing.B) { bench(b, 0, func() { p.AvgForward(y, x, false) }) })
	b.Run("avg/backward", func(b *testing.B) { bench(b, 0, func() { p.AvgBackward(x, y, false) }) })
}
