package kernel

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// convCases are shapes around the borders between the ways to compute a convolution.
var convCases = []Conv{
	{N: 2, C: 3, H: 8, W: 8, O: 5, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1},
	{N: 5, C: 1, H: 28, W: 28, O: 16, KH: 5, KW: 5, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{2, 2, 2, 2}, Groups: 1},
	{N: 3, C: 16, H: 14, W: 14, O: 32, KH: 5, KW: 5, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Groups: 1},
	{N: 9, C: 8, H: 9, W: 17, O: 7, KH: 3, KW: 3, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{0, 0, 1, 1}, Groups: 1},
	{N: 2, C: 4, H: 32, W: 32, O: 9, KH: 3, KW: 3, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1},
	{N: 1, C: 6, H: 10, W: 11, O: 4, KH: 3, KW: 2, Stride: [2]int{3, 2}, Dilation: [2]int{2, 3}, Pad: [4]int{2, 0, 1, 3}, Groups: 2},
	{N: 4, C: 12, H: 7, W: 5, O: 24, KH: 1, KW: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Groups: 1},
	{N: 4, C: 12, H: 12, W: 12, O: 24, KH: 1, KW: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Groups: 1},
	{N: 2, C: 5, H: 72, W: 64, O: 7, KH: 1, KW: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Groups: 1},
	{N: 3, C: 12, H: 16, W: 16, O: 20, KH: 1, KW: 1, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Groups: 1},
	{N: 3, C: 12, H: 16, W: 16, O: 20, KH: 1, KW: 1, Stride: [2]int{3, 3}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 0, 0, 1}, Groups: 4},
	{N: 3, C: 10, H: 12, W: 12, O: 10, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 10},
	{N: 3, C: 10, H: 24, W: 24, O: 10, KH: 3, KW: 3, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{0, 0, 1, 1}, Groups: 10},
	{N: 3, C: 10, H: 3, W: 3, O: 20, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 10},
	{N: 2, C: 6, H: 13, W: 19, O: 6, KH: 3, KW: 3, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 6},
	{N: 2, C: 8, H: 9, W: 9, O: 12, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 4},
	{N: 6, C: 8, H: 1, W: 50, O: 6, KH: 1, KW: 9, Stride: [2]int{1, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{0, 4, 0, 4}, Groups: 1},
	{N: 6, C: 8, H: 7, W: 7, O: 11, KH: 7, KW: 7, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Groups: 1},
	{N: 3, C: 1, H: 28, W: 28, O: 16, KH: 4, KW: 4, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1},
	{N: 3, C: 16, H: 14, W: 14, O: 32, KH: 3, KW: 3, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1},
	{N: 1, C: 16, H: 1, W: 1, O: 8, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1},
	{N: 2, C: 2, H: 12, W: 12, O: 3, KH: 2, KW: 2, Stride: [2]int{5, 5}, Dilation: [2]int{1, 1}, Groups: 1},
	{N: 1, C: 32, H: 40, W: 40, O: 48, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1},
	{N: 1, C: 96, H: 6, W: 6, O: 96, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 2},
	{N: 1, C: 3, H: 67, W: 67, O: 16, KH: 11, KW: 11, Stride: [2]int{4, 4}, Dilation: [2]int{1, 1}, Pad: [4]int{2, 2, 2, 2}, Groups: 1},
	{N: 2, C: 20, H: 5, W: 8, O: 1, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{2, 2}, Pad: [4]int{2, 2, 2, 2}, Groups: 1},
	{N: 2, C: 3, H: 1, W: 2, O: 4, KH: 1, KW: 1, Stride: [2]int{5, 4}, Dilation: [2]int{1, 1}, Pad: [4]int{2, 1, 2, 0}, Groups: 1},
	{N: 9, C: 5, H: 6, W: 4, O: 5, KH: 3, KW: 3, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 5},
	{N: 3, C: 16, H: 40, W: 22, O: 6, KH: 7, KW: 7, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{6, 6, 6, 6}, Groups: 1},
	{N: 2, C: 4, H: 6, W: 30, O: 3, KH: 2, KW: 2, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{3, 4, 3, 2}, Groups: 1},
}

func (v *Conv) String() string {
	return fmt.Sprintf("%dx%dx%dx%d-%d/k%dx%d/s%d/d%d/p%d/g%d", v.N, v.C, v.H, v.W, v.O, v.KH, v.KW, v.Stride, v.Dilation, v.Pad, v.Groups)
}

// each calls f for all products of a convolution.
func (v *Conv) each(f func(yi, xi, wi int)) {
	oh, ow, cg, og := v.OH(), v.OW(), v.C/v.Groups, v.O/v.Groups
	for no := 0; no < v.N*v.O; no++ {
		n, o := no/v.O, no%v.O
		for wi := 0; wi < cg*v.KH*v.KW; wi++ {
			c, u, t := wi/v.KH/v.KW, wi/v.KW%v.KH, wi%v.KW
			for i := 0; i < oh; i++ {
				for j := 0; j < ow; j++ {
					y, x := i*v.Stride[0]+u*v.Dilation[0]-v.Pad[0], j*v.Stride[1]+t*v.Dilation[1]-v.Pad[1]
					if y >= 0 && x >= 0 && y < v.H && x < v.W {
						f((no*oh+i)*ow+j, ((n*v.C+o/og*cg+c)*v.H+y)*v.W+x, o*cg*v.KH*v.KW+wi)
					}
				}
			}
		}
	}
}

func (v *Conv) sizes() (x, w, y int) {
	return v.N * v.C * v.H * v.W, v.O * v.C / v.Groups * v.KH * v.KW, v.N * v.O * v.OH() * v.OW()
}

func TestConv(t *testing.T) {
	for i := range convCases {
		v := &convCases[i]
		t.Run(v.String(), func(t *testing.T) { checkConv(t, v, uint64(i)) })
	}
}

// TestConvRandom tries small convolutions of all kinds.
func TestConvRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for i := 0; i < 300; {
		upTo := func(n int) int { return 1 + r.IntN(n) }
		g := []int{1, 1, 2, 5}[r.IntN(4)]
		v := &Conv{N: upTo(5), C: g * upTo(9), H: upTo(20), W: upTo(26), O: g * upTo(9), KH: upTo(5), KW: upTo(5),
			Stride: [2]int{upTo(3), upTo(3)}, Dilation: [2]int{upTo(2), upTo(2)}, Pad: [4]int{r.IntN(4), r.IntN(4), r.IntN(4), r.IntN(4)}, Groups: g}
		if v.H+v.Pad[0]+v.Pad[2] <= v.Dilation[0]*(v.KH-1) || v.W+v.Pad[1]+v.Pad[3] <= v.Dilation[1]*(v.KW-1) {
			continue
		}
		i++
		t.Run(v.String(), func(t *testing.T) { checkConv(t, v, uint64(i)) })
	}
}

// checkConv compares all three passes with sums in float64.
func checkConv(t *testing.T, v *Conv, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	nx, nw, ny := v.sizes()
	x, w, dy, bias := randoms(r, nx), randoms(r, nw), randoms(r, ny), randoms(r, v.O)
	wantY, wantBiased, wantX, wantW, wantB := newSums(ny), newSums(ny), newSums(nx), newSums(nw), newSums(v.O)
	for i := range dy {
		o := i / v.OH() / v.OW() % v.O
		wantB.add(o, float64(dy[i]))
		wantBiased.add(i, float64(bias[o]))
	}
	v.each(func(yi, xi, wi int) {
		wantY.add(yi, float64(w[wi])*float64(x[xi]))
		wantBiased.add(yi, float64(w[wi])*float64(x[xi]))
		wantX.add(xi, float64(w[wi])*float64(dy[yi]))
		wantW.add(wi, float64(x[xi])*float64(dy[yi]))
	})
	y, yOk := guarded(ny)
	v.Forward(y, x, w, bias)
	near(t, "forward with bias", y, wantBiased)
	v.Forward(nan32(y), x, w, nil)
	near(t, "forward", y, wantY)
	dx, dxOk := guarded(nx)
	v.BackwardInput(dx, dy, w)
	near(t, "input gradient", dx, wantX)
	dw, dwOk := guarded(nw)
	db, dbOk := guarded(v.O)
	v.BackwardWeights(dw, db, dy, x)
	near(t, "weight gradient", dw, wantW)
	near(t, "bias gradient", db, wantB)
	v.BackwardWeights(nan32(dw), nil, dy, x)
	near(t, "weight gradient alone", dw, wantW)
	if !yOk() || !dxOk() || !dwOk() || !dbOk() {
		t.Fatal("wrote outside")
	}
}

func TestConvSameForAnyProcs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for i := range convCases {
		v := &convCases[i]
		r := rand.New(rand.NewPCG(uint64(i), 2))
		nx, nw, ny := v.sizes()
		x, w, dy := randoms(r, nx), randoms(r, nw), randoms(r, ny)
		var first []float32
		for _, procs := range []int{1, 2, 3} {
			runtime.GOMAXPROCS(procs)
			all := make([]float32, ny+nx+nw+v.O)
			y, dx, dw, db := all[:ny], all[ny:][:nx], all[ny+nx:][:nw], all[ny+nx+nw:]
			v.Forward(y, x, w, nil)
			v.BackwardInput(dx, dy, w)
			v.BackwardWeights(dw, db, dy, x)
			if first == nil {
				first = all
			} else if !slices.Equal(all, first) {
				t.Fatalf("%v: result differs with %d procs", v, procs)
			}
		}
	}
}

// convBenches are layers of ResNet-8, LeNet and MobileNet.
var convBenches = []struct {
	name string
	v    Conv
}{
	{"r8-16ch32", Conv{N: 64, C: 16, H: 32, W: 32, O: 16, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1}},
	{"r8-32ch16", Conv{N: 64, C: 32, H: 16, W: 16, O: 32, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1}},
	{"r8-64ch8", Conv{N: 64, C: 64, H: 8, W: 8, O: 64, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1}},
	{"lenet-1-16", Conv{N: 64, C: 1, H: 28, W: 28, O: 16, KH: 5, KW: 5, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{2, 2, 2, 2}, Groups: 1}},
	{"lenet-16-32", Conv{N: 64, C: 16, H: 14, W: 14, O: 32, KH: 5, KW: 5, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Groups: 1}},
	{"first-3-16", Conv{N: 64, C: 3, H: 32, W: 32, O: 16, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1}},
	{"stride2-16-32", Conv{N: 64, C: 16, H: 32, W: 32, O: 32, KH: 3, KW: 3, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1}},
	{"pointwise2-16-32", Conv{N: 64, C: 16, H: 32, W: 32, O: 32, KH: 1, KW: 1, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Groups: 1}},
	{"pointwise-64-24", Conv{N: 64, C: 64, H: 24, W: 24, O: 64, KH: 1, KW: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Groups: 1}},
	{"pointwise-256-3", Conv{N: 64, C: 256, H: 3, W: 3, O: 256, KH: 1, KW: 1, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Groups: 1}},
	{"depthwise-64-24", Conv{N: 64, C: 64, H: 24, W: 24, O: 64, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 64}},
	{"depthwise2-64-24", Conv{N: 64, C: 64, H: 24, W: 24, O: 64, KH: 3, KW: 3, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{0, 0, 1, 1}, Groups: 64}},
	{"depthwise-256-3", Conv{N: 64, C: 256, H: 3, W: 3, O: 256, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 256}},
	{"one-64ch56", Conv{N: 1, C: 64, H: 56, W: 56, O: 64, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1}},
}

func BenchmarkConv(b *testing.B) {
	for i := range convBenches {
		v := &convBenches[i].v
		r := rand.New(rand.NewPCG(1, 2))
		nx, nw, ny := v.sizes()
		x, w, dy, bias := randoms(r, nx), randoms(r, nw), randoms(r, ny), randoms(r, v.O)
		y, dx, dw := make([]float32, ny), make([]float32, nx), make([]float32, nw)
		for _, k := range []struct {
			name string
			f    func()
		}{
			{"forward", func() { v.Forward(y, x, w, bias) }},
			{"input", func() { v.BackwardInput(dx, dy, w) }},
			{"weights", func() { v.BackwardWeights(dw, bias, dy, x) }},
		} {
			b.Run(convBenches[i].name+"/"+k.name, func(b *testing.B) {
				bench(b, 2*ny*v.C/v.Groups*v.KH*v.KW, k.f)
			})
		}
	}
}
