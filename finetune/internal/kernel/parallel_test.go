package kernel

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
)

func TestParallel(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(procs)
		for _, n := range []int{0, 1, 2, 3, 100, 1000} {
			calls := make([]atomic.Int32, n)
			Parallel(n, func(i int) { calls[i].Add(1) })
			for i := range calls {
				if got := calls[i].Load(); got != 1 {
					t.Fatalf("%d procs: f(%d) of %d was called %d times", procs, i, n, got)
				}
			}
		}
		var nested atomic.Int32
		Parallel(20, func(int) {
			Parallel(20, func(int) { nested.Add(1) })
		})
		if got := nested.Load(); got != 400 {
			t.Fatalf("%d procs: nested: got %d calls, want 400", procs, got)
		}
	}
}

// TestParallelFromMany uses Parallel from many goroutines at once.
func TestParallelFromMany(t *testing.T) {
	var calls atomic.Int32
	done := make(chan bool)
	for range 8 {
		go func() {
			for range 200 {
				Parallel(7, func(int) { calls.Add(1) })
			}
			done <- true
		}()
	}
	for range 8 {
		<-done
	}
	if got := calls.Load(); got != 8*200*7 {
		t.Fatalf("got %d calls, want %d", got, 8*200*7)
	}
}

// TestSameForAnyProcs runs what is cut into tasks with several GOMAXPROCS; convolutions
// have their own test.
func TestSameForAnyProcs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	r := rand.New(rand.NewPCG(1, 2))
	const m, n, k = 130, 170, 900
	a, b := randoms(r, m*k), randoms(r, k*n)
	x, y := randoms(r, 5*chunkLen+3), randoms(r, 5*chunkLen+3)
	var first []float32
	for _, procs := range []int{1, 2, 3} {
		runtime.GOMAXPROCS(procs)
		got := make([]float32, m*n)
		Gemm(false, true, m, n, k, a, b, 0, got)
		got = append(got, Sum(x), QuantizeGrad(slices.Clone(x), y, x, 0.1, 0, 31))
		sums := make([]float32, 16)
		SumChannels(sums, x[:16*1000], 100)
		got = append(got, sums...)
		SumRows(sums, x[:16*1000], 16)
		got = append(got, sums...)
		if first == nil {
			first = got
		} else if !slices.Equal(got, first) {
			t.Fatalf("result differs with %d procs", procs)
		}
	}
}

// TestNoAllocations demands that nothing is allocated once the workspaces are there.
func TestNoAllocations(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	v := Conv{N: 8, C: 8, H: 14, W: 14, O: 12, KH: 3, KW: 3, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 1}
	d := Conv{N: 8, C: 8, H: 14, W: 14, O: 8, KH: 3, KW: 3, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 8}
	p := Pool{N: 8, C: 8, H: 14, W: 14, KH: 2, KW: 2, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, OH: 7, OW: 7}
	nx, nw, ny := v.sizes()
	x, w, y, dy, dx, dw := randoms(r, nx), randoms(r, nw), make([]float32, ny), randoms(r, ny), make([]float32, nx), make([]float32, nw)
	arg := make([]int32, 8*8*7*7)
	centres := []float32{-1, 0, 1}
	big := make([]float32, 3*chunkLen)
	for name, f := range map[string]func(){
		"Gemm": func() { Gemm(false, false, 12, 14, 8*14, x[:12*8*14], x[:8*14*14], 1, dx[:12*14]) },
		"Conv": func() { v.Forward(y, x, w, nil); v.BackwardInput(dx, dy, w); v.BackwardWeights(dw, nil, dy, x) },
		"depthwise Conv": func() {
			d.Forward(dx, x, w[:72], nil)
			d.BackwardInput(dx, x, w[:72])
			d.BackwardWeights(dw[:72], nil, dx, x)
		},
		"Pool": func() {
			p.MaxForward(y[:len(arg)], arg, x)
			p.MaxBackward(dx, dy[:len(arg)], arg)
			p.AvgForward(y[:len(arg)], x, true)
			p.AvgBackward(dx, dy[:len(arg)], true)
		},
		"vectors": func() {
			Relu(big, big)
			Quantize(big, big, 0.1, 0, 15)
			QuantizeGrad(big, big, big, 0.1, 0, 15)
			Tanh(big, big)
			Assign(big, nil, big, centres)
			Sum(big)
		},
	} {
		// A garbage collection may empty the pools now and then.
		if got := testing.AllocsPerRun(50, f); got > 1 {
			t.Errorf("%s: got %g allocations a run, want 0", name, got)
		}
	}
}
